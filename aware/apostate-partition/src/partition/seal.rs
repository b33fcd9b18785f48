//! The end of a partition that splits: its last record names who has its range from then on. And the beginning of one that goes on for others.
//!
//! ```text
//!   Split ─▶ no checkpoint is written ─▶ the batch closes ─▶ seal ══ durable ══▶ Sealed ─▶ into_children ─▶ Open ─▶ genesis ══ durable ══▶ serve
//! ```
//!
//! A partition is sealed between two batches, so no message within it is under way. Behind the seal nothing is made: what arrives waits in memory and
//! goes along. A checkpoint that is being written is waited for, for a late one would be written over its children's.
//!
//! Invariants P1, P3. What is durable when: `docs/design/repartitioning.md`.

use super::Partition;
use crate::cells::cell::{self, PartitionRow};
use crate::cells::record_body::RecordKind;
use crate::interface::{Effect, SplitIntent, SplitRefusal};

impl Partition {
    /// The host wants the partition to split: it does as soon as it may.
    pub(super) fn begin_split(&mut self, intent: SplitIntent, effects: &mut Vec<Effect>) {
        match self.refuses_split(intent) {
            Some(refusal) => effects.push(Effect::SplitRefused(refusal)),
            None => self.intent = Some(intent),
        }
    }

    fn refuses_split(&self, intent: SplitIntent) -> Option<SplitRefusal> {
        let [lower, upper] = intent.children;
        let is_newer = self.scope.id() < lower && lower < upper && self.scope.born() < intent.map_version;
        if !self.log.is_serving() {
            Some(SplitRefusal::NotServing)
        } else if self.intent.is_some_and(|other| other != intent) {
            Some(SplitRefusal::UnderWay)
        } else if !is_newer {
            Some(SplitRefusal::NotNewer)
        } else if intent.seal(self.scope.range()).is_none() {
            Some(SplitRefusal::EmptyChild)
        } else if !self.checkpoints.has_own() {
            Some(SplitRefusal::NoCheckpoint)
        } else {
            None
        }
    }

    /// Whether the partition is to split, and no checkpoint is begun any more.
    pub(super) fn is_splitting(&self) -> bool {
        self.intent.is_some()
    }

    /// Seals the log, between two batches, if it is to be and may be. True: nothing more is to be made, or not before the window has room.
    pub(super) fn seal(&mut self, effects: &mut Vec<Effect>) -> bool {
        let Some(intent) = self.intent else { return false };
        // One that is a reason to stop if this is the writer must not find it gone.
        if self.checkpoints.dirty().is_busy() || self.log.has_doubt() {
            return false;
        }
        if !self.has_room() {
            return true;
        }
        assert!(self.batch.is_empty(), "E1 broken: a log is sealed in the middle of a batch");
        let seal = intent.seal(self.scope.range()).expect("P2 broken: a split was taken that has an empty side");
        let row = cell::partition_row(self.scope.id(), &PartitionRow::Seal);
        self.batch.record().put_key(&row, &seal.write());
        self.log.begin_sealing();
        self.append(RecordKind::Seal, effects);
        self.seal = Some(seal);
        self.tell_sealed(false, effects);
        true
    }

    /// Says that the seal is durable, once it is.
    pub(super) fn tell_sealed(&mut self, was_sealed: bool, effects: &mut Vec<Effect>) {
        if let Some(seal) = self.seal.as_ref().filter(|_| !was_sealed && self.log.is_sealed()) {
            effects.push(Effect::Sealed(Box::new(seal.clone())));
        }
    }

    /// Writes the rows of a partition that goes on for others into its first record: all that it has.
    pub(super) fn write_genesis(&mut self) {
        let Some(genesis) = &self.genesis else { return };
        let genesis = genesis.write();
        self.put_row(&PartitionRow::Genesis, &genesis);
        for (row, value) in self.own_rows() {
            self.put_row(&row, &value);
        }
    }
}
