//! Host table: the partition hosts of one executor, found by the ids of their partitions.

use apostate_log::PartitionId;

use crate::executor::host::PartitionHost;
use crate::executor::slot::HostSlot;

/// The partition hosts of one executor, in the order of their ids. An index is good as long as none comes or goes.
#[derive(Default)]
pub(crate) struct HostTable(Vec<(PartitionId, HostSlot)>);

impl HostTable {
    /// How many there are, those that are away included.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a host.
    ///
    /// # Panics
    ///
    /// When there is a host of the same partition.
    pub(crate) fn insert(&mut self, host: Box<PartitionHost>) {
        let id = host.id();
        let index = self.find(id).expect_err("a partition has one host");
        self.0.insert(index, (id, HostSlot::Here(host)));
    }

    /// The slot with this index, and the partition that it is for.
    pub(crate) fn at_mut(&mut self, index: usize) -> (PartitionId, &mut HostSlot) {
        let (id, slot) = &mut self.0[index];
        (*id, slot)
    }

    /// The slot of a partition; none if its host is at another executor.
    pub(crate) fn get_mut(&mut self, id: PartitionId) -> Option<&mut HostSlot> {
        let index = self.find(id).ok()?;
        Some(&mut self.0[index].1)
    }

    /// All slots.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &HostSlot> {
        self.0.iter().map(|(_, slot)| slot)
    }

    /// As [`slots`](Self::slots).
    pub(crate) fn slots_mut(&mut self) -> impl Iterator<Item = &mut HostSlot> {
        self.0.iter_mut().map(|(_, slot)| slot)
    }

    /// Takes the host of a partition out, and its slot with it. None: it is away, or at another executor.
    pub(crate) fn remove(&mut self, id: PartitionId) -> Option<Box<PartitionHost>> {
        let index = self.find(id).ok()?;
        self.0[index].1.host()?;
        match self.0.remove(index).1 {
            HostSlot::Here(host) => Some(host),
            HostSlot::Away(_) => unreachable!("it was here just now"),
        }
    }

    /// Takes all slots out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = HostSlot> {
        self.0.drain(..).map(|(_, slot)| slot)
    }

    fn find(&self, id: PartitionId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(other, _)| *other)
    }
}
