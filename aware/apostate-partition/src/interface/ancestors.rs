//! Ancestors: what a host tells of the partitions that one goes on for, when it opens that one.

use apostate_log::{Log, PartitionId};

/// Partitions that one goes on for, as far as whoever opens it knows.
#[derive(Clone, Copy)]
pub struct Ancestors<'a> {
    /// The parents, as the map says; none of a partition of the first map. Once it has a log, that says it itself.
    pub parents: &'a [PartitionId],
    /// Gives the log of a partition that has ended; none if nothing is left of it.
    pub log_of: &'a dyn Fn(PartitionId) -> Option<Box<dyn Log>>,
}

impl Ancestors<'_> {
    /// Of a partition of the first map.
    pub(crate) const NONE: Ancestors<'static> = Ancestors { parents: &[], log_of: &|_| None };
}
