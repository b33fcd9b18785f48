//! A refusal: an entity's considered "no".

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{REFUSAL_CODE_BYTES_MAX, REFUSAL_TEXT_BYTES_MAX};

/// An entity's considered "no". It is data and an answer, not an error; the entity stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A short word for programs, such as `out-of-stock`. `refused` unless the author says otherwise.
    pub code: String,
    /// A sentence for people.
    pub text: String,
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
        Self { code, text }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

/// What an entity is told when a message that it sent with [`or_tell`](crate::Call::or_tell) was refused. Who
/// refused is [`Tx::sender`](crate::Tx::sender).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The name of the handler that refused.
    pub handler: String,
    /// Why.
    pub why: Refusal,
}

/// Leaves the handler with a [`Refusal`] when the condition holds.
///
/// ```
/// # use apostate_core::{Refusal, refuse};
/// fn take(on_hand: u32, units: u32) -> Result<u32, Refusal> {
///     refuse!(units == 0, "nothing to take");
///     refuse!(on_hand < units, code = "out-of-stock", "only {on_hand} left");
///     Ok(on_hand - units)
/// }
/// assert_eq!(take(1, 2).unwrap_err().code, "out-of-stock");
/// assert_eq!(take(1, 0).unwrap_err().text, "nothing to take");
/// ```
#[macro_export]
macro_rules! refuse {
    ($condition:expr, code = $code:expr, $($text:tt)+) => {
        if $condition {
            return ::core::result::Result::Err($crate::Refusal::with_code($code, ::std::format!($($text)+)));
        }
    };
    ($condition:expr, $($text:tt)+) => {
        if $condition {
            return ::core::result::Result::Err($crate::Refusal::new(::std::format!($($text)+)));
        }
    };
}
