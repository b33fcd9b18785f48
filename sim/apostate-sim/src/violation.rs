//! Violations: the report of a checker when an invariant does not hold.

use std::fmt;

/// An invariant that does not hold, and how it showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name: `E1` … `P6`, or what else was demanded, such as `liveness`.
    pub invariant: &'static str,
    /// How it showed.
    pub text: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, text: impl Into<String>) -> Self {
        Self { invariant, text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

/// Fails with [`Violation`] unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $invariant:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::violation::Violation::new($invariant, format!($($text)+)));
        }
    };
}
pub(crate) use ensure;

/// The result of a check.
pub(crate) type Check = Result<(), Violation>;
