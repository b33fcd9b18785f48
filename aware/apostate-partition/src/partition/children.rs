//! Children: partitions that go on for a sealed one, with what it has in memory, and the line of logs that one is read back from as long as the store
//! has no checkpoint of its own.
//!
//! Cells lie under their entities, so a child finds its part of them where its parent has left it: in the store as of the parent's last checkpoint,
//! and in the parent's log behind that. What lies outside of its range is skipped, there and nowhere else.
//!
//! Invariant P3: each cell is in the range of its partition, and in no other. What is durable when: `docs/design/repartitioning.md`.

use apostate_log::{Log, LogError, PartitionId, Position, Record, Store};

use super::Partition;
use crate::cells::lineage::{Genesis, Parent, Seal};
use crate::cells::record_body::{Body, RecordKind};
use crate::cut::Cut;
use crate::interface::{Ancestors, Config, OpenError, RunObserver};
use crate::log::LogWriter;
use crate::planted::{self, Bug};
use crate::range::Range;
use crate::storage::stored_position;

/// A partition that has ended, and is read because the store has no checkpoint of those that go on for it.
pub(super) struct Ancestor {
    pub(super) id: PartitionId,
    pub(super) log: Box<dyn Log>,
}

/// The partitions whose logs are read in front of that of `id`, the oldest first: the store has a checkpoint of that one, or it goes on for none.
pub(super) fn line(
    id: PartitionId,
    store: &dyn Store,
    log: &dyn Log,
    ancestors: Ancestors<'_>,
) -> Result<Vec<Ancestor>, OpenError> {
    let mut line: Vec<Ancestor> = Vec::new();
    let mut parents = ancestors.parents.to_vec();
    loop {
        let newest = line.last().map_or((id, log), |ancestor| (ancestor.id, &*ancestor.log));
        if stored_position(store, newest.0)?.is_some() {
            break;
        }
        if let Some(named) = named_parents(newest.1)? {
            parents = named;
        }
        let Some(parent) = parents.pop() else { break };
        let log = (ancestors.log_of)(parent).ok_or(OpenError::ParentMissing { partition: id, parent })?;
        line.push(Ancestor { id: parent, log });
        parents.clear();
    }
    line.reverse();
    Ok(line)
}

/// The parents that the first record of a log names. None: there is no such record, or none any more.
fn named_parents(log: &dyn Log) -> Result<Option<Vec<PartitionId>>, OpenError> {
    let records = match log.read(Position(1), 1) {
        Err(LogError::Trimmed { .. }) => return Ok(None),
        records => records?,
    };
    // One that does not read is found when it is replayed.
    let Some(first) = records.first().and_then(|record| Record::read(record).ok()) else { return Ok(None) };
    let Ok(body) = Body::read(first.body) else { return Ok(None) };
    let genesis = (body.kind == RecordKind::Genesis).then(|| Genesis::find(first.header.partition, body)).flatten();
    Ok(Some(genesis.into_iter().flat_map(|genesis| genesis.parents).map(|parent| parent.id).collect()))
}

impl Partition {
    /// Splits a partition whose seal is durable into its children, each with what lies in its range: nothing that was warm becomes cold. Tell each
    /// [`Input::Open`](crate::Input::Open) next. Loads that are under way are the business of whoever has their entities; answers to pages of the
    /// outbox and of client keys are of no use to anybody.
    ///
    /// # Errors
    ///
    /// When a map does not name a child. Open them from store and log then.
    ///
    /// # Panics
    ///
    /// When the seal is not durable, or is about others.
    pub fn into_children(mut self, children: [(Config, Box<dyn RunObserver>); 2]) -> Result<[Self; 2], OpenError> {
        let seal =
            self.seal.take().filter(|_| self.log.is_sealed()).expect("P1 broken: a partition ends without a seal");
        let cut = seal.children.last().and_then(|upper| Cut::new(self.scope.range(), upper.range.first));
        let parts = self.take_parts().split(cut.expect("P2 broken: a seal has an empty side"));
        let mut parts = parts;
        if planted::is(Bug::HoldOnWrongChild) {
            let [lower, upper] = &mut parts;
            lower.swap_open_work(upper);
        }
        let mut sides = Vec::new();
        for (parts, (config, observer)) in parts.into_iter().zip(children) {
            let mut child = Self::empty(config, observer)?;
            let genesis = self.genesis_of(&seal, child.scope.id(), child.scope.range());
            child.put_parts(parts.of_child(&child.scope));
            child.begin_as(genesis, self.log.next_number());
            child.log.end_replay();
            sides.push(child);
        }
        Ok(sides.try_into().unwrap_or_else(|_| unreachable!("P2 broken: a cut has two sides")))
    }

    /// The genesis of a child of the partition that the log has been read of, or written for, up to its seal.
    fn genesis_of(&self, seal: &Seal, id: PartitionId, range: Range) -> Genesis {
        let child = seal.child(id);
        assert!(
            child.is_some_and(|child| child.range == range),
            "P2 broken: {id} is no child with the range {range:?}"
        );
        let of = |child: Option<&crate::cells::lineage::Child>| child.map_or(range, |child| child.range);
        let whole = Range { first: of(seal.children.first()).first, last: of(seal.children.last()).last };
        let (position, hash) = (self.log.submitted(), self.log.hash());
        let parent = Parent { id: self.reads, range: whole, position, hash };
        Genesis { map_version: seal.map_version, range, parents: vec![parent] }
    }

    /// Begins anew with a log of its own, whose first record is not made or not read yet.
    fn begin_as(&mut self, genesis: Genesis, next_number: u64) {
        self.log = LogWriter::of_child(next_number);
        self.batch.begin_at(next_number);
        self.scope.set_born(genesis.map_version);
        self.genesis = Some(genesis);
    }

    /// The log of an ancestor was read to its end: goes over to that of `next`, which goes on for it.
    pub(super) fn pass_seal(&mut self, next: PartitionId) -> Result<(), OpenError> {
        let (partition, parent, last) = (self.scope.id(), self.reads, self.log.submitted());
        let seal = self.seal.take().ok_or(OpenError::ParentNotSealed { partition, parent, last })?;
        let child = seal.child(next).filter(|child| child.range.covers(self.scope.range()));
        let Some(child) = child else {
            return Err(
                self.damaged(format!("P3 broken: partition {parent} has ended in others than {next}: {seal:?}"))
            );
        };
        let genesis = self.genesis_of(&seal, next, child.range);
        let clipped = self.delivery.rectangles().clipped(self.scope.range());
        *self.delivery.rectangles_mut() = clipped;
        self.begin_as(genesis, self.log.next_number());
        self.reads = next;
        Ok(())
    }

    /// The first record of a log says what its partition was made of, which is what was read in front of it; and has all own rows.
    pub(super) fn take_genesis(&mut self, found: Genesis) -> Result<(), OpenError> {
        if self.genesis.as_ref().is_some_and(|expected| *expected != found) {
            let expected = &self.genesis;
            return Err(self.damaged(format!("P6 broken: it was made of {found:?}, and there is {expected:?}")));
        }
        self.genesis = Some(found);
        Ok(())
    }

    /// Drops own rows that were read: the first record of the log that is read next has them all.
    pub(super) fn drop_rows(&mut self) {
        *self.delivery.rectangles_mut() = Default::default();
        *self.delivery.generations_mut() = Default::default();
        *self.work.producers_mut().known_mut() = Default::default();
    }
}
