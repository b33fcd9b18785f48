//! Configuration of a partition.

use std::sync::Arc;

use apostate_core::Registry;
use apostate_log::PartitionId;

use crate::interface::observer::CrashSuspect;
use crate::limits::Tuning;
use crate::range::Map;

/// Identity of a partition, and the resources that it may use.
#[derive(Clone)]
pub struct Config {
    /// The partition.
    pub id: PartitionId,
    /// Where everybody is, itself included. One value for all partitions of a host.
    pub map: Arc<Map>,
    /// The kinds of entities that this build knows.
    pub registry: Arc<Registry>,
    /// How much of everything.
    pub tuning: Tuning,
    /// Where its seed starts: random in a server, chosen in a simulation.
    pub seed: u64,
    /// Messages that were running when the process died, as the host's notes say.
    pub suspects: Vec<CrashSuspect>,
}
