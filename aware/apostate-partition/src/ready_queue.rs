//! Ready queue: which of many parts have something to do, each once, in the order of their turns.
//!
//! What a batch costs depends on the parts that have something to do, and not on those that exist. The order is that of arrival, and a
//! part whose turn is over goes to the end (round robin), so none can starve another and every run of the same inputs is the same.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/fairness.rs` and `peers.rs`; planted `sender-unlisted`, `receiver-unlisted`.

use std::collections::VecDeque;

/// Indexes of parts that may have something to do.
#[derive(Debug, Default)]
pub(crate) struct ReadyQueue {
    turns: VecDeque<usize>,
    /// For each index up to the highest ever listed, whether it is in `turns`.
    is_listed: Vec<bool>,
}

impl ReadyQueue {
    /// Lists a part; it keeps its turn if it is there already.
    pub(crate) fn insert(&mut self, part: usize) {
        if part >= self.is_listed.len() {
            self.is_listed.resize(part + 1, false);
        }
        if !std::mem::replace(&mut self.is_listed[part], true) {
            self.turns.push_back(part);
        }
    }

    /// Takes the part whose turn it is off the list.
    pub(crate) fn pop(&mut self) -> Option<usize> {
        let part = self.turns.pop_front()?;
        self.is_listed[part] = false;
        Some(part)
    }

    /// The part whose turn it is: its next turn comes after those of all others. Parts with nothing left to do leave the list.
    pub(crate) fn next_turn(&mut self, has_more: impl Fn(usize) -> bool) -> Option<usize> {
        while let Some(part) = self.pop() {
            if has_more(part) {
                self.insert(part);
                return Some(part);
            }
        }
        None
    }

    /// Parts that are listed.
    pub(crate) fn len(&self) -> usize {
        self.turns.len()
    }

    pub(crate) fn contains(&self, part: usize) -> bool {
        self.is_listed.get(part).is_some_and(|is_listed| *is_listed)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> {
        self.turns.iter().copied()
    }

    /// Whether each part is listed once.
    pub(crate) fn check(&self) {
        let listed = self.is_listed.iter().filter(|is_listed| **is_listed).count();
        let is_once = listed == self.turns.len() && self.turns.iter().all(|part| self.is_listed[*part]);
        assert!(is_once, "E6 broken: {listed} parts are listed as ready, {} have a turn", self.turns.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_turn_before_any_has_a_second_one() {
        let mut ready = ReadyQueue::default();
        [3, 1, 3, 2].into_iter().for_each(|part| ready.insert(part));
        let turns: Vec<_> = (0..6).filter_map(|_| ready.next_turn(|_| true)).collect();
        assert_eq!(turns, [3, 1, 2, 3, 1, 2]);
        assert_eq!(ready.next_turn(|part| part == 2), Some(2));
        assert_eq!((ready.len(), ready.contains(2), ready.contains(3)), (1, true, false));
        ready.check();
    }
}
