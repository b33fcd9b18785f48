//! A refusal: an entity's considered "no".

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::{REFUSAL_CODE_BYTES_MAX, REFUSAL_TEXT_BYTES_MAX};

/// The HTTP status of a refusal whose author says nothing else: the state of the entity stands against it.
const CONFLICT: u16 = 409;

/// Statuses that say something of the way to the entity, not of the entity: a caller who is told one of them logs in, or waits,
/// or asks again.
const OF_THE_EDGE: [u16; 3] = [401, 408, 429];

/// An entity's considered "no". It is data and an answer, not an error; the entity stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// A short word for programs, such as `out-of-stock`. `refused` unless the author says otherwise.
    pub code: String,
    /// A sentence for people.
    pub text: String,
    /// The status that it has over HTTP.
    #[serde(default, skip_serializing_if = "Status::is_conflict")]
    #[schemars(with = "u16")]
    status: Status,
}

/// A status that a refusal can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u16")]
struct Status(u16);

impl From<u16> for Status {
    fn from(status: u16) -> Self {
        let is_fit = (400..500).contains(&status) && !OF_THE_EDGE.contains(&status);
        Self(if is_fit { status } else { CONFLICT })
    }
}

impl Default for Status {
    fn default() -> Self {
        Self(CONFLICT)
    }
}

impl Status {
    fn is_conflict(&self) -> bool {
        self.0 == CONFLICT
    }
}

impl Refusal {
    /// A refusal for the reason `text`, with the code `refused`.
    pub fn new(text: impl Into<String>) -> Self {
        Self::with_code("refused", text)
    }

    /// A refusal with a code of the author's own. What is longer than the limits is cut.
    pub fn with_code(code: impl Into<String>, text: impl Into<String>) -> Self {
        let (mut code, mut text) = (code.into(), text.into());
        code.truncate(code.floor_char_boundary(REFUSAL_CODE_BYTES_MAX));
        text.truncate(text.floor_char_boundary(REFUSAL_TEXT_BYTES_MAX));
        Self { code, text, status: Status::default() }
    }

    /// The same refusal, answered over HTTP with `status`: one of 400 to 499, but none that callers take for something
    /// else than an entity's answer (401, 408, 429). Any other is 409, as if nothing had been said.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status: status.into(), ..self }
    }

    /// The status that it has over HTTP. 409 unless the author says otherwise.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.0
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

/// The news of a refusal: sent to an entity whose message, sent with [`or_tell`](crate::Call::or_tell), was refused.
/// The entity that refused is [`Tx::sender`](crate::Tx::sender).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// The name of the handler that refused.
    pub handler: String,
    /// The refusal.
    pub why: Refusal,
}

/// Leaves the handler with a [`Refusal`] when the condition holds. Its code and its HTTP status may be said, in this order.
///
/// ```
/// # use apostate_core::{Refusal, refuse};
/// fn take(on_hand: u32, units: u32) -> Result<u32, Refusal> {
///     refuse!(units == 0, code = "nothing", status = 422, "nothing to take");
///     refuse!(on_hand < units, code = "out-of-stock", "only {on_hand} left");
///     refuse!(units > 100, status = 422, "not that many");
///     Ok(on_hand - units)
/// }
/// assert_eq!(take(1, 2).unwrap_err().code, "out-of-stock");
/// assert_eq!(take(1, 2).unwrap_err().status(), 409);
/// assert_eq!(take(1, 0).unwrap_err().text, "nothing to take");
/// assert_eq!(take(1, 0).unwrap_err().status(), 422);
/// assert_eq!(take(500, 101).unwrap_err().code, "refused");
/// ```
#[macro_export]
macro_rules! refuse {
    ($condition:expr, code = $code:expr, status = $status:expr, $($text:tt)+) => {
        if $condition {
            let refusal = $crate::Refusal::with_code($code, ::std::format!($($text)+));
            return ::core::result::Result::Err(refusal.with_status($status));
        }
    };
    ($condition:expr, code = $code:expr, $($text:tt)+) => {
        if $condition {
            return ::core::result::Result::Err($crate::Refusal::with_code($code, ::std::format!($($text)+)));
        }
    };
    ($condition:expr, status = $status:expr, $($text:tt)+) => {
        if $condition {
            return ::core::result::Result::Err($crate::Refusal::new(::std::format!($($text)+)).with_status($status));
        }
    };
    ($condition:expr, $($text:tt)+) => {
        if $condition {
            return ::core::result::Result::Err($crate::Refusal::new(::std::format!($($text)+)));
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, encode};

    #[test]
    fn a_status_is_one_that_an_entity_can_answer_with() {
        let status = |status| Refusal::new("no").with_status(status).status();
        for fit in [400, 404, 409, 410, 422, 499] {
            assert_eq!(status(fit), fit);
        }
        for unfit in [0, 200, 399, 401, 408, 429, 500, u16::MAX] {
            assert_eq!(status(unfit), CONFLICT);
        }
    }

    #[test]
    fn a_status_is_stored_with_its_refusal() {
        let refusal = Refusal::with_code("gone", "sold").with_status(410);
        assert_eq!(decode(&encode(&refusal)), Ok(refusal));
        // As it was stored before there were statuses, and as one that is unfit would be.
        assert_eq!(decode(b"\x82\xa4code\xa7refused\xa4text\xa2no"), Ok(Refusal::new("no")));
        assert_eq!(encode(&Refusal::new("no")), b"\x82\xa4code\xa7refused\xa4text\xa2no");
        let unfit = b"\x83\xa4code\xa7refused\xa4text\xa2no\xa6status\xcc\xc8";
        assert_eq!(decode(unfit), Ok(Refusal::new("no")));
    }
}
