//! The tokens: what each makes the provider do. A token that is none of them is declined, as a real
//! provider declines a payment method that it has never heard of.

use std::time::Duration;

/// `tok_slow_<ms>` takes at most this long.
pub const SLOW_MAX: Duration = Duration::from_hours(1);

/// `tok_error_<n>_then_ok` and `tok_refund_error_<n>_then_ok` fail at most so often.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// How long a call hangs that times out: as long as its caller's client would wait.
pub const TIME_OUT: Duration = Duration::from_millis(200);

/// What a payment method makes the provider do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// `tok_ok`: everything succeeds.
    Ok,
    /// `tok_decline`: declined with card_declined.
    Decline,
    /// `tok_insufficient_funds`: declined with insufficient_funds.
    InsufficientFunds,
    /// `tok_requires_action`: the bank wants the customer to authenticate.
    RequiresAction,
    /// `tok_slow_<ms>`: succeeds so long after the first call under its key.
    Slow(Duration),
    /// `tok_timeout_then_ok`: the first call times out, and the money moves just after that.
    TimeoutThenOk,
    /// `tok_timeout_then_never`: the first call times out and nothing is done; whoever asks later
    /// is told so, definitely.
    TimeoutThenNever,
    /// `tok_lost_reply`: it is done and the reply is lost; the next call finds it.
    LostReply,
    /// `tok_error_<n>_then_ok`: n calls fail with a fault of the provider, the next succeeds.
    ErrorThenOk(u32),
    /// `tok_refund_error_<n>_then_ok`: succeeds; of each refund n calls fail, the next succeeds.
    RefundErrorThenOk(u32),
    /// `tok_capture_decline`: the authorization succeeds, its captures and a charge are declined.
    CaptureDecline,
    /// Anything else: declined with invalid_payment_method.
    Invalid,
}

impl Token {
    /// Reads a payment method.
    pub fn parse(payment_method: &str) -> Self {
        match payment_method {
            "tok_ok" => Self::Ok,
            "tok_decline" => Self::Decline,
            "tok_insufficient_funds" => Self::InsufficientFunds,
            "tok_requires_action" => Self::RequiresAction,
            "tok_timeout_then_ok" => Self::TimeoutThenOk,
            "tok_timeout_then_never" => Self::TimeoutThenNever,
            "tok_lost_reply" => Self::LostReply,
            "tok_capture_decline" => Self::CaptureDecline,
            other => Self::parse_numbered(other).unwrap_or(Self::Invalid),
        }
    }

    fn parse_numbered(payment_method: &str) -> Option<Self> {
        let between = |start, end| payment_method.strip_prefix(start)?.strip_suffix(end);
        if let Some(digits) = between("tok_slow_", "") {
            let slow = Duration::from_millis(number(digits)?);
            return (slow <= SLOW_MAX).then_some(Self::Slow(slow));
        }
        let attempts = |digits| {
            let attempts = u32::try_from(number(digits)?).ok()?;
            (1..=ATTEMPTS_MAX).contains(&attempts).then_some(attempts)
        };
        if let Some(digits) = between("tok_error_", "_then_ok") {
            return attempts(digits).map(Self::ErrorThenOk);
        }
        attempts(between("tok_refund_error_", "_then_ok")?).map(Self::RefundErrorThenOk)
    }
}

/// Digits alone; no sign, no space.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Token;

    #[test]
    fn every_token_is_read() {
        let table = [
            ("tok_ok", Token::Ok),
            ("tok_decline", Token::Decline),
            ("tok_insufficient_funds", Token::InsufficientFunds),
            ("tok_requires_action", Token::RequiresAction),
            ("tok_slow_0", Token::Slow(Duration::ZERO)),
            ("tok_slow_5000", Token::Slow(Duration::from_secs(5))),
            ("tok_timeout_then_ok", Token::TimeoutThenOk),
            ("tok_timeout_then_never", Token::TimeoutThenNever),
            ("tok_lost_reply", Token::LostReply),
            ("tok_error_3_then_ok", Token::ErrorThenOk(3)),
            ("tok_refund_error_20_then_ok", Token::RefundErrorThenOk(20)),
            ("tok_capture_decline", Token::CaptureDecline),
        ];
        for (text, token) in table {
            assert_eq!(Token::parse(text), token, "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_an_invalid_payment_method() {
        for text in [
            "",
            "tok",
            "tok_OK",
            "tok_ok ",
            "tok_slow_",
            "tok_slow_-1",
            "tok_slow_+1",
            "tok_slow_1s",
            "tok_slow_3600001",
            "tok_slow_99999999999999999999",
            "tok_error_0_then_ok",
            "tok_error_1001_then_ok",
            "tok_error__then_ok",
            "tok_error_1",
            "tok_refund_error_x_then_ok",
            "pm_card_visa",
        ] {
            assert_eq!(Token::parse(text), Token::Invalid, "{text}");
        }
    }
}
