//! Open work of entities: what the platform has begun on their behalf and has to end, one cell each, by the keys of the cells.
//!
//! All of it is in memory from the opening on, whether its entity is or not: so an entity with open work can be evicted, and nothing is read
//! to find out whether it has any. A change is made in memory at once, noted with what was there when the batch began, and written once
//! when the batch closes: what is begun and ended in one batch is in no record.
//!
//! Keys are used once, for a number in each is never given out again. They begin with a section, and say nothing of partitions.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; planted `ask-undone-still-open`.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use apostate_core::Address;

use crate::cells::cell::{self, Section};
use crate::planted::{self, Bug};

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
}

impl OpenWork {
    /// Number of cells.
    pub(crate) fn count(&self) -> usize {
        self.cells.len()
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

    /// Changes a cell in the open batch; no value erases it.
    pub(crate) fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        let before = match value {
            Some(value) => self.cells.insert(key.into(), value.into()),
            None => self.cells.remove(key),
        };
        self.before.entry(key.into()).or_insert(before);
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
            match before {
                Some(value) => self.cells.insert(key, value),
                None => self.cells.remove(&key),
            };
        }
    }

    /// Takes over a cell that is read back, or its deletion. For opening only.
    pub(crate) fn restore(&mut self, key: &[u8], value: Option<&[u8]>) {
        match value {
            Some(value) => self.cells.insert(key.into(), value.into()),
            None => self.cells.remove(key),
        };
    }
}

impl OpenWork {
    /// Whether nothing is changed outside of a batch.
    pub(crate) fn check(&self, is_batch_open: bool) {
        assert!(is_batch_open || self.before.is_empty(), "E1 broken: open work is changed in no batch");
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

    #[test]
    fn what_is_begun_and_ended_in_one_batch_changes_nothing() {
        let mut work = OpenWork::default();
        work.restore(&key("a", 1), Some(b"one"));
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
        work.restore(&key("a", 1), Some(b"one"));
        work.change(&key("a", 1), Some(b"other"));
        work.change(&key("a", 1), None);
        work.change(&key("a", 2), Some(b"two"));
        work.undo();
        assert_eq!((work.count(), work.get(&key("a", 1)), work.changes().count()), (1, Some(&b"one"[..]), 0));
    }

    #[test]
    fn an_entity_has_its_own_cells_and_no_others() {
        let mut work = OpenWork::default();
        for of in ["a", "a\0", "a\u{1}", "b"] {
            work.restore(&key(of, 1), Some(b"one"));
        }
        work.restore(&key("a", 2), Some(b"two"));
        let found = work.of(Section::Asks, &address("a")).map(|(_, value)| value).collect::<Vec<_>>();
        assert_eq!(found, [&b"one"[..], b"two"]);
    }
}
