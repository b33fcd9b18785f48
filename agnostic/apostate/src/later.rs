//! Answering later, with examples: the token of a call, and the answer that a later transaction gives.
//!
//! Paper: *Messaging across entities*.

#[doc = include_str!("../docs/later.md")]
pub use apostate_core::Later;
