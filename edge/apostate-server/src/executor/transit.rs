//! Transit: where the hosts of partitions are that move from one executor to another, until the other takes them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use apostate_log::PartitionId;

use crate::executor::host::PartitionHost;
use crate::sync::lock;

/// The hosts on their way between the executors of a node, with the executor that each goes to.
#[derive(Default)]
pub(crate) struct Transit(Mutex<BTreeMap<PartitionId, (usize, Box<PartitionHost>)>>);

impl Transit {
    /// Leaves a host here for `executor`.
    pub(crate) fn leave(&self, executor: usize, host: Box<PartitionHost>) {
        lock(&self.0).insert(host.id(), (executor, host));
    }

    /// Takes the host of a partition.
    pub(crate) fn take(&self, partition: PartitionId) -> Option<Box<PartitionHost>> {
        lock(&self.0).remove(&partition).map(|(_, host)| host)
    }

    /// Takes all hosts for `executor`.
    #[expect(clippy::vec_box, reason = "a host goes from hand to hand by its pointer")]
    pub(crate) fn take_all(&self, executor: usize) -> Vec<Box<PartitionHost>> {
        lock(&self.0).extract_if(.., |_, (to, _)| *to == executor).map(|(_, (_, host))| host).collect()
    }
}
