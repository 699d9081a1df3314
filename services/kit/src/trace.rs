//! W3C trace context: taken from a call, shown on its span, and carried to the batch calls of the
//! order that it places, for as long as the process that took the order carries its saga.
//! Holdfast starts no trace of its own and exports none: it passes on what the caller brought.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;
use tonic::metadata::{Ascii, MetadataValue};
use uuid::Uuid;

/// The header of W3C Trace Context, level 1.
const HEADER: &str = "traceparent";

/// Length of a traceparent of version 00.
const LENGTH: usize = 55;

/// Places of the dashes in it.
const DASHES: [usize; 3] = [2, 35, 52];

/// Which trace a call belongs to, and which span made it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

/// The text is no traceparent of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent of version 00")]
pub struct InvalidTraceParent;

impl TraceParent {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.0).expect("parsing lets only ASCII in")
    }

    /// Gives the trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> &str {
        &self.text()[3..35]
    }

    /// Gives the calling span's id: 16 hexadecimal digits.
    pub fn span_id(&self) -> &str {
        &self.text()[36..52]
    }

    /// Gives a new span of the same trace, for a call that is made because of this one.
    #[must_use]
    pub fn child(&self) -> Self {
        // The last 8 bytes of a UUID are never all zero.
        let (_, span_id) = Uuid::now_v7().as_u64_pair();
        let mut child = *self;
        child.0[36..52].copy_from_slice(format!("{span_id:016x}").as_bytes());
        child
    }

    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<Self> {
        Self::from_bytes(headers.get(HEADER)?.as_bytes())
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        let well_formed = bytes.iter().enumerate().all(|(at, byte)| {
            if DASHES.contains(&at) {
                *byte == b'-'
            } else {
                matches!(byte, b'0'..=b'9' | b'a'..=b'f')
            }
        });
        let zero = |part: &[u8]| part.iter().all(|byte| *byte == b'0');
        let valid =
            well_formed && &bytes[..2] == b"00" && !zero(&bytes[3..35]) && !zero(&bytes[36..52]);
        valid.then_some(Self(bytes))
    }
}

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        Self::from_bytes(text.as_bytes()).ok_or(InvalidTraceParent)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Gives the trace that a request belongs to; none if its caller does not trace.
pub fn of<T>(request: &tonic::Request<T>) -> Option<TraceParent> {
    request.extensions().get::<TraceParent>().copied()
}

/// Makes an outgoing request part of a trace.
pub fn inject<T>(request: &mut tonic::Request<T>, parent: Option<TraceParent>) {
    let value = parent.and_then(|parent| MetadataValue::<Ascii>::try_from(parent.text()).ok());
    if let Some(value) = value {
        request.metadata_mut().insert(HEADER, value);
    }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, TraceParent, inject};

    const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_carried_on() {
        let parent: TraceParent = TEXT.parse().unwrap();
        assert_eq!(parent.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id(), "00f067aa0ba902b7");
        let mut request = tonic::Request::new(());
        inject(&mut request, Some(parent));
        assert_eq!(request.metadata().get(HEADER).unwrap(), TEXT);
        let mut untraced = tonic::Request::new(());
        inject(&mut untraced, None);
        assert!(untraced.metadata().get(HEADER).is_none());
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        let parent: TraceParent = TEXT.parse().unwrap();
        let (one, other) = (parent.child(), parent.child());
        assert_eq!(one.trace_id(), parent.trace_id());
        assert_ne!(one.span_id(), parent.span_id());
        assert_ne!(one.span_id(), other.span_id());
        assert_eq!(one.to_string().parse(), Ok(one));
    }

    #[test]
    fn what_is_no_traceparent_is_ignored() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }
}
