//! Splits and merges open work, by the places of its entities. What is counted follows from it.

use super::table::{EntityWork, OpenWork};
use crate::cut::Cut;

impl OpenWork {
    /// The open work of each side.
    pub(in crate::entities) fn split(self, cut: Cut) -> [Self; 2] {
        let mut sides = [Self::default(), Self::default()];
        for work in self.into_work() {
            sides[cut.side(work.of.hash())].take_over(work);
        }
        sides
    }

    /// The open work of two sides.
    pub(in crate::entities) fn merge(mut self, other: Self) -> Self {
        assert!(self.journal.is_empty(), "E1 broken: open work is merged within a batch");
        other.into_work().for_each(|work| self.take_over(work));
        self
    }

    fn into_work(self) -> impl Iterator<Item = EntityWork> {
        let Self { of, journal, counts: _, restoring } = self;
        assert!(journal.is_empty() && restoring.is_empty(), "E1 broken: open work is split within a batch");
        of.into_iter()
    }

    fn take_over(&mut self, work: EntityWork) {
        work.items.keys().for_each(|name| *self.counts.of(name) += 1);
        self.counts.agreements += work.agreements.len();
        self.of.insert_unique(work.of.hash(), work, |work| work.of.hash());
    }

    /// Every cell.
    pub(in crate::entities) fn cells(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut cells = Vec::new();
        for work in self.in_order() {
            cells.extend(work.items.iter().map(|(name, item)| (name.key(&work.of), item.value.write())));
            for (number, agreement) in &work.agreements {
                cells.extend(agreement.cells().map(|(sub, value)| (sub.key(&work.of, *number), value)));
            }
        }
        cells
    }
}
