//! The bench: an engine as the suite sees it, with its crashes and faults.

use crate::{Log, PartitionId};

/// The partition whose log is put to the test.
pub const PARTITION: PartitionId = PartitionId(7);

/// How an engine is put to the test.
pub trait Bench {
    /// An empty log of [`PARTITION`], and its first writer. What was there before is forgotten.
    fn fresh(&mut self) -> Box<dyn Log>;

    /// Another writer of the same log.
    fn another(&mut self) -> Box<dyn Log>;

    /// The only writer after the process, or its link to the log, died. All handles were dropped before.
    fn crash(&mut self) -> Box<dyn Log>;

    /// Returns when results may be ready. Panics when none come for so long that the engine must be stuck.
    fn wait(&mut self);

    /// Lets the next appends go wrong, at least the first of them, or none any more. False: this engine never
    /// answers so.
    fn inject(&mut self, fault: Option<Fault>) -> bool;
}

/// Results that an engine can be made to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// *Full*.
    Full,
    /// *Unknown*.
    Unknown,
}
