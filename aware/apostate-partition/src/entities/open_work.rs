//! Open work of entities: what the platform has begun on their behalf and has to end, one cell each, by the keys of the cells.
//!
//! All of it is in memory from the opening on, whether its entity is or not: so an entity with open work can be evicted, and nothing is read
//! to find out whether it has any. A change is made in memory at once, noted with what was there when the batch began, and written once
//! when the batch closes: what is begun and ended in one batch is in no record.
//!
//! What an agreement has come to is counted from its cells, in `tallies.rs`.
//!
//! Keys are used once, for a number in each is never given out again. They begin with a section, and say nothing of partitions.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; planted `ask-undone-still-open`.

mod split;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Bound;
use std::sync::Arc;

use apostate_core::Address;

use crate::cells::agreement::{self, AgreementSub};
use crate::cells::ask::OpenAsk;
use crate::cells::cell::{self, Section};
use crate::cells::operation::Operation;
use crate::cells::owed::Owed;
use crate::cells::settlement::{self, SettlementSub};
use crate::entities::tallies::{Tallies, Tally};
use crate::format::DecodeError;
use crate::planted::{self, Bug};

/// Sections of open work.
pub(crate) const OPEN_WORK: [Section; 5] =
    [Section::Asks, Section::Agreements, Section::Operations, Section::Owed, Section::Settlements];

/// The key of a cell.
type Key = Box<[u8]>;

/// The value of a cell; none if there is no such cell.
type Value = Option<Arc<[u8]>>;

/// The open work of all entities of a partition.
#[derive(Debug, Default)]
pub(crate) struct OpenWork {
    cells: BTreeMap<Key, Arc<[u8]>>,
    /// Cells that the open batch has changed, as they were before it.
    before: BTreeMap<Key, Value>,
    /// Agreements that are not over, as their cells have it.
    tallies: Tallies,
    asks: usize,
    operations: usize,
    owed: usize,
    /// Cells of what was settled by hand.
    settled: Settled,
}

/// Counts of operations that were settled by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Those that are kept: their real ending has not come, or was another one.
    pub(crate) kept: usize,
    /// Those whose real ending was another one.
    pub(crate) contradicted: usize,
}

impl OpenWork {
    /// Number of asks that are open.
    pub(crate) fn asks(&self) -> usize {
        self.asks
    }

    /// Number of agreements that are not over.
    pub(crate) fn agreements(&self) -> usize {
        self.tallies.count()
    }

    /// Number of operations that are tentative.
    pub(crate) fn operations(&self) -> usize {
        self.operations
    }

    /// Number of answers that are owed.
    pub(crate) fn owed(&self) -> usize {
        self.owed
    }

    /// Numbers of operations that were settled by hand.
    pub(crate) fn settled(&self) -> Settled {
        self.settled
    }

    /// The agreement of a proposer that has this number, or a leg with it.
    pub(crate) fn agreement(&self, proposer: &Address, number: NonZeroU64) -> Option<(NonZeroU64, &Tally)> {
        self.tallies.find(proposer, number)
    }

    /// Number of agreements of a proposer that are not over.
    pub(crate) fn agreements_of(&self, proposer: &Address) -> usize {
        self.tallies.of(proposer)
    }

    /// The value of a cell.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.cells.get(key).map(|value| &value[..])
    }

    /// The cells of one entity in one section, in the order of their sub-keys.
    pub(crate) fn of(&self, section: Section, address: &Address) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (from, to) = cell::entity_bounds(section, address);
        let range = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
        self.cells.range::<[u8], _>(range).map(|(key, value)| (&key[..], &value[..]))
    }

    /// The cells of an agreement, in the order of their sub-keys: each answer behind its leg.
    pub(crate) fn cells_of_agreement(
        &self,
        proposer: &Address,
        number: NonZeroU64,
    ) -> impl Iterator<Item = (AgreementSub, &Arc<[u8]>)> {
        let (from, to) = (AgreementSub::Header.key(proposer, number), AgreementSub::Waits.key(proposer, number));
        let range = (Bound::Included(&from[..]), Bound::Included(&to[..]));
        self.cells.range::<[u8], _>(range).map(|(key, value)| {
            let read = cell::read_key(key).and_then(|cell| AgreementSub::read(cell.sub));
            (read.expect("P4 broken: the key of an agreement does not read").1, value)
        })
    }

    /// Changes a cell in the open batch; no value erases it.
    pub(crate) fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        let before = self.set(key.into(), value.map(Into::into));
        self.before.entry(key.into()).or_insert(before);
    }

    /// Puts or erases a cell, with all that is counted. Gives what was there.
    fn set(&mut self, key: Key, value: Value) -> Value {
        match cell::section_of(&key) {
            Ok(Section::Agreements) => {
                let before = self.cells.get(&key).map(|value| &value[..]);
                self.tallies.note(&key, value.as_deref(), before);
            }
            section => {
                let count = match section {
                    Ok(Section::Asks) => &mut self.asks,
                    Ok(Section::Owed) => &mut self.owed,
                    Ok(Section::Settlements) => self.settled.of(&key),
                    _ => &mut self.operations,
                };
                *count += usize::from(value.is_some());
                *count -= usize::from(self.cells.contains_key(&key));
            }
        }
        match value {
            Some(value) => self.cells.insert(key, value),
            None => self.cells.remove(&key),
        }
    }

    /// Cells that are not as they were before the open batch.
    pub(crate) fn changes(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.before.iter().filter_map(|(key, before)| {
            let now = self.cells.get(key);
            (now != before.as_ref()).then(|| (&key[..], now.map(|value| &value[..])))
        })
    }

    /// The batch is closed.
    pub(crate) fn note_closed(&mut self) {
        self.before.clear();
    }

    /// Takes back all that the open batch has changed.
    pub(crate) fn undo(&mut self) {
        for (key, before) in std::mem::take(&mut self.before) {
            if planted::is(Bug::AskUndoneStillOpen) {
                continue;
            }
            self.set(key, before);
        }
    }

    /// Takes over a cell that is read back, or its deletion. For opening only.
    pub(crate) fn restore(
        &mut self,
        (section, key): (Section, &[u8]),
        sub: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), DecodeError> {
        match section {
            Section::Agreements => {
                let (_, sub) = AgreementSub::read(sub)?;
                value.map(|value| agreement::check(sub, value)).transpose()?;
            }
            Section::Operations => {
                Operation::read_name(sub)?;
                value.map(Operation::read).transpose()?;
            }
            Section::Owed => {
                Owed::read_number(sub)?;
                value.map(Owed::read).transpose()?;
            }
            Section::Settlements => {
                let (sub, _) = SettlementSub::read(sub)?;
                value.map(|value| settlement::check(sub, value)).transpose()?;
            }
            _ => {
                OpenAsk::read_number(sub)?;
                value.map(OpenAsk::read).transpose()?;
            }
        }
        self.set(key.into(), value.map(Into::into));
        Ok(())
    }
}

impl Settled {
    /// The count that the cell with this key is part of.
    fn of(&mut self, key: &[u8]) -> &mut usize {
        let sub = cell::read_key(key).and_then(|cell| SettlementSub::read(cell.sub));
        match sub.expect("P4 broken: the key of a settlement does not read").0 {
            SettlementSub::Settled => &mut self.kept,
            SettlementSub::Contradicted => &mut self.contradicted,
        }
    }
}

impl OpenWork {
    /// Whether nothing is changed outside of a batch.
    pub(crate) fn check(&self, is_batch_open: bool) {
        assert!(is_batch_open || self.before.is_empty(), "E1 broken: open work is changed in no batch");
        let mut counted = Self::default();
        for (key, value) in &self.cells {
            counted.set(key.clone(), Some(Arc::clone(value)));
        }
        let Self { cells: _, before: _, tallies, asks, operations, owed, settled } = self;
        let is_right = (tallies, asks, operations) == (&counted.tallies, &counted.asks, &counted.operations)
            && (owed, settled) == (&counted.owed, &counted.settled);
        assert!(is_right, "E4 broken: open work is counted as {self:?}, and comes to {counted:?}");
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{EntityKey, KindId};

    use super::*;

    fn address(key: &str) -> Address {
        Address::new(KindId::of("order"), EntityKey::new(key).expect("a key"))
    }

    fn key(of: &str, number: u8) -> Vec<u8> {
        cell::key(Section::Asks, &address(of), &[number])
    }

    /// A cell that an earlier batch has put.
    fn put(work: &mut OpenWork, key: &[u8], value: &[u8]) {
        work.change(key, Some(value));
        work.note_closed();
    }

    #[test]
    fn what_is_begun_and_ended_in_one_batch_changes_nothing() {
        let mut work = OpenWork::default();
        put(&mut work, &key("a", 1), b"one");
        work.change(&key("a", 2), Some(b"two"));
        work.change(&key("a", 2), None);
        work.change(&key("a", 1), None);
        work.change(&key("a", 1), Some(b"one"));
        assert_eq!(work.changes().count(), 0);
        work.change(&key("a", 1), Some(b"other"));
        assert_eq!(work.changes().collect::<Vec<_>>(), [(&key("a", 1)[..], Some(&b"other"[..]))]);
        work.note_closed();
        assert_eq!((work.changes().count(), work.get(&key("a", 1))), (0, Some(&b"other"[..])));
    }

    #[test]
    fn an_undone_batch_leaves_what_was_before_it() {
        let mut work = OpenWork::default();
        put(&mut work, &key("a", 1), b"one");
        work.change(&key("a", 1), Some(b"other"));
        work.change(&key("a", 1), None);
        work.change(&key("a", 2), Some(b"two"));
        work.undo();
        assert_eq!((work.asks(), work.get(&key("a", 1)), work.changes().count()), (1, Some(&b"one"[..]), 0));
    }

    #[test]
    fn an_entity_has_its_own_cells_and_no_others() {
        let mut work = OpenWork::default();
        for of in ["a", "a\0", "a\u{1}", "b"] {
            put(&mut work, &key(of, 1), b"one");
        }
        put(&mut work, &key("a", 2), b"two");
        let found = work.of(Section::Asks, &address("a")).map(|(_, value)| value).collect::<Vec<_>>();
        assert_eq!(found, [&b"one"[..], b"two"]);
    }
}
