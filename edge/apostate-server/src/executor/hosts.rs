//! Host table: the partition hosts of one executor, found by the ids of their partitions, and which of them have something to do.
//!
//! A round costs what it touches, not what exists: a host is *ready* when it was given something, or when it is time for what it does of
//! itself; all others are not looked through.

use std::collections::{BTreeSet, VecDeque};

use apostate_log::PartitionId;
use apostate_partition::{HostTime, Uptime};

use crate::executor::host::PartitionHost;
use crate::executor::slot::HostSlot;

/// The partition hosts of one executor. An index is good as long as none comes or goes.
#[derive(Default)]
pub(crate) struct HostTable {
    /// In the order of their ids.
    entries: Vec<HostEntry>,
    /// Those that have something to do now, in the order in which they had. One that has moved or has had its turn may stand here still.
    ready: VecDeque<PartitionId>,
    /// When those that are here next have something to do of themselves.
    wakes: BTreeSet<(Uptime, PartitionId)>,
}

struct HostEntry {
    id: PartitionId,
    slot: HostSlot,
    /// Whether it stands in `ready`.
    is_ready: bool,
    /// Under which time it stands in `wakes`.
    wakes_at: Option<Uptime>,
}

impl HostTable {
    /// How many there are, those that are away included.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The index of a partition's host; none if it is at another executor.
    pub(crate) fn find(&self, id: PartitionId) -> Option<usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok()
    }

    /// The slot with this index. [`note`](Self::note) is to be called when something was done with its host.
    pub(crate) fn slot_mut(&mut self, index: usize) -> &mut HostSlot {
        &mut self.entries[index].slot
    }

    /// Notes whether the host with this index has something to do, and when.
    pub(crate) fn note(&mut self, index: usize) {
        let HostEntry { id, slot, is_ready, wakes_at } = &mut self.entries[index];
        let Some(host) = slot.host() else { return };
        if host.is_touched() && !*is_ready {
            *is_ready = true;
            self.ready.push_back(*id);
        }
        let due_at = host.due_at();
        if due_at != *wakes_at {
            if let Some(at) = wakes_at.take() {
                self.wakes.remove(&(at, *id));
            }
            if let Some(at) = due_at {
                self.wakes.insert((at, *id));
            }
            *wakes_at = due_at;
        }
    }

    /// Takes the next host that is ready; none if there is none. One that has moved or needs no turn any more may be among them.
    pub(crate) fn next_ready(&mut self) -> Option<PartitionId> {
        let id = self.ready.pop_front()?;
        if let Some(index) = self.find(id) {
            self.entries[index].is_ready = false;
        }
        Some(id)
    }

    /// How many stand as ready.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Makes those ready whose time has come.
    pub(crate) fn wake(&mut self, now: HostTime) {
        while let Some(&(at, id)) = self.wakes.first()
            && at <= now.uptime
        {
            self.wakes.pop_first();
            let Some(index) = self.find(id) else { continue };
            let entry = &mut self.entries[index];
            entry.wakes_at = None;
            if !std::mem::replace(&mut entry.is_ready, true) {
                self.ready.push_back(id);
            }
        }
    }

    /// When the next one has something to do of itself.
    pub(crate) fn wakes_at(&self) -> Option<Uptime> {
        self.wakes.first().map(|(at, _)| *at)
    }

    /// Adds a host.
    ///
    /// # Panics
    ///
    /// When there is a host of the same partition.
    pub(crate) fn insert(&mut self, host: Box<PartitionHost>) {
        let id = host.id();
        let found = self.entries.binary_search_by_key(&id, |entry| entry.id);
        let index = found.expect_err("a partition has one host");
        let entry = HostEntry { id, slot: HostSlot::Here(host), is_ready: false, wakes_at: None };
        self.entries.insert(index, entry);
        self.note(index);
    }

    /// Takes the host with this index out, and its slot with it. None: it is away, and everything stays.
    pub(crate) fn remove(&mut self, index: usize) -> Option<Box<PartitionHost>> {
        self.entries[index].slot.host()?;
        let HostEntry { id, slot, is_ready: _, wakes_at } = self.entries.remove(index);
        if let Some(at) = wakes_at {
            self.wakes.remove(&(at, id));
        }
        match slot {
            HostSlot::Here(host) => Some(host),
            HostSlot::Away(_) => unreachable!("it was here just now"),
        }
    }

    /// Takes all slots out.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = HostSlot> {
        self.entries.drain(..).map(|entry| entry.slot)
    }
}
