//! Where answers are waited for. Below the executor, which gives them, and below clients and HTTP, which wait.
//!
//! Every waiting call has one *ticket*: HTTP opens it, the partition carries it, and the answer comes back under it. Reading
//! order: `verdict`, what can come of a request, and `stop`, why it is unknown; `ticket`; `queue`, a thread that waits for many answers, and `queues`, all of those;
//! `promise`, one caller in this process; `owed`, those whose calls are answered later; `stream`, a producer that takes answers in batches.

pub(crate) mod stop;
pub(crate) mod verdict;

pub(crate) mod ticket;

pub(crate) mod queue;
pub(crate) mod queues;

pub(crate) mod owed;
pub(crate) mod promise;
pub(crate) mod stream;
