//! Deletions of inherited messages: origins of ancestors whose messages have arrived, until the record that deletes the last one is durable.
//!
//! Read next: `outbox/origins.rs`.

use std::collections::BTreeMap;

use apostate_log::{PartitionId, Position};

use crate::message::Identity;

/// Messages of ancestors that have arrived, and whose deletion is not durable yet.
#[derive(Debug, Default)]
pub(super) struct Deletions {
    origins: BTreeMap<PartitionId, Deletion>,
}

/// The end of an origin.
#[derive(Debug, Default)]
struct Deletion {
    /// Messages that no record has deleted.
    waiting: usize,
    /// The newest record that has deleted any.
    record: Position,
    /// The highest number among all of them.
    highest: u64,
}

impl Deletions {
    /// A message has arrived, and waits for a record that deletes it.
    pub(super) fn note_arrived(&mut self, identity: Identity) {
        let deletion = self.origins.entry(identity.origin).or_default();
        deletion.waiting += 1;
        deletion.highest = deletion.highest.max(identity.number);
    }

    /// The record at `record` deletes a message.
    pub(super) fn note_deleted(&mut self, origin: PartitionId, record: Position) {
        if let Some(deletion) = self.origins.get_mut(&origin) {
            deletion.waiting -= 1;
            deletion.record = record;
        }
    }

    /// The highest number of each origin that may come back in a crash.
    pub(super) fn undurable(&mut self, durable: Position) -> impl Iterator<Item = (PartitionId, u64)> {
        self.origins.retain(|_, deletion| deletion.waiting > 0 || deletion.record > durable);
        self.origins.iter().map(|(origin, deletion)| (*origin, deletion.highest))
    }
}
