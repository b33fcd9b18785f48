//! Why a workload has no figures.

use std::error::Error;
use std::fmt::Write;

/// Why a workload has no figures.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The sums do not add up: whatever was measured is worth nothing.
    #[error("the outcome is wrong: {0}")]
    Wrong(String),
    /// The entities cannot be told apart.
    #[error("the entities cannot be told apart")]
    Entities(#[from] apostate::StartError),
    /// A partition cannot be opened.
    #[error("the partition cannot be opened")]
    Partition(#[from] apostate_partition::OpenError),
    /// The node cannot be opened.
    #[error("the node cannot be opened")]
    Open(#[from] apostate_server::OpenError),
    /// The node did not stop in good order.
    #[error("the node did not stop cleanly")]
    Stop(#[from] apostate_server::StopError),
    /// The node cannot be reached over HTTP.
    #[error("the node cannot be reached over HTTP")]
    Serve(#[from] apostate_server::ServeError),
    /// An entity was not reached.
    #[error(transparent)]
    Call(#[from] apostate_server::CallError),
    /// The stream of requests broke.
    #[error(transparent)]
    Producer(#[from] apostate_server::ProducerError),
    /// A directory cannot be used.
    #[error("{what}")]
    Io {
        /// The operation, and its object.
        what: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another program did not do what it should.
    #[error("{program} {what}")]
    Program {
        /// The program.
        program: String,
        /// The program's failure.
        what: String,
    },
}

impl Failure {
    /// The failure and its causes, in one line.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}

/// Says what was tried when the system refused it.
pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Failure {
    let what = what.into();
    |source| Failure::Io { what, source }
}

/// Fails unless `holds`.
pub(crate) fn check(holds: bool, wrong: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Wrong(wrong())) }
}
