//! From a signal to an orderly stop.
//! The token is the one way to stop: whoever holds it drains in its own order, and each drain has a
//! named limit, so that a second signal is never needed.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
pub use tokio_util::sync::CancellationToken;

/// Gives the token that SIGTERM or SIGINT (Ctrl-C) cancels. From then on neither signal kills the
/// process.
///
/// A service then drains in this order: health and /readyz say that it does not serve; the listener
/// closes; open connections are told to go away and calls in flight end, within
/// [`DRAIN_MAX`](crate::grpc::DRAIN_MAX); the writers write what they have; the side port closes
/// last.
///
/// # Errors
/// If the process cannot listen to signals.
pub fn on_signal() -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal = name, "stopping");
        cancelled.cancel();
    });
    Ok(token)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::on_signal;

    #[tokio::test]
    async fn sigterm_cancels_the_token_and_the_process_lives() {
        let token = on_signal().unwrap();
        assert!(!token.is_cancelled());
        let pid = std::process::id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        tokio::time::timeout(Duration::from_secs(10), token.cancelled())
            .await
            .unwrap();
    }
}
