//! The observer of runs, and what it found of the run in which the process crashed.

/// A message that was running when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashSuspect {
    /// Names the message; see [`RunObserver::enter`].
    pub fingerprint: u64,
    /// How often in a row.
    pub crash_count: u32,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Done.
    Done,
    /// The entity said no.
    Refused,
    /// The message could not be run, or the handler panicked.
    Failed,
}

/// Is told which message runs, so that one that kills the process can be found. Called on the hot path.
pub trait RunObserver: Send {
    /// A handler starts. `fingerprint` names the message, the same on every attempt; `kind` and `handler` are the ids.
    fn enter(&mut self, fingerprint: u64, kind: u32, handler: u32);
    /// The handler has ended.
    fn leave(&mut self);
    /// A message of another entity, or of the entity itself, was run, and came to this. Called after [`leave`](Self::leave), once for each
    /// try, but not for one that is given up with its batch.
    fn ran_message(&mut self, _kind: u32, _handler: u32, _end: RunEnd) {}
    /// Nanoseconds since 1970, for the spans of runs that are traced. Nothing that an entity sees and nothing that is decided
    /// depends on it.
    fn clock(&mut self) -> u64 {
        0
    }
}

impl RunObserver for () {
    fn enter(&mut self, _: u64, _: u32, _: u32) {}
    fn leave(&mut self) {}
}
