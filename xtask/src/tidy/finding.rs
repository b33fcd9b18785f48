//! A finding: one breach of one rule, as it is printed.

use std::fmt;

/// One breach of one rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    /// Counted from one. A finding about a file as a whole has line 1.
    pub(super) line: usize,
    /// The fault, and what to do about it.
    pub(super) message: String,
    /// The words that were found. An exception may name a part of them.
    pub(super) excerpt: String,
}

impl Finding {
    pub(super) fn refused(path: &str, line: usize, excerpt: &str, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into(), excerpt: excerpt.trim().into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, message, excerpt } = self;
        write!(f, "{path}:{line}: refused: {message}")?;
        if excerpt.is_empty() { Ok(()) } else { write!(f, "\n    {excerpt}") }
    }
}
