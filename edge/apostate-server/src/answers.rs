//! Where answers are waited for. Below the executor, which gives them, and below clients and HTTP, which wait.
//!
//! Reading order: `verdict`, what can come of a request; `queue`, one thread that waits for many answers; `promise`, one caller that
//! waits for one; `stream`, a producer that takes them in batches.

pub(crate) mod verdict;

pub(crate) mod queue;

pub(crate) mod promise;
pub(crate) mod stream;
