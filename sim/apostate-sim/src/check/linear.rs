//! Linearizability: the history that clients saw of one entity fits one order of events.
//!
//! The register adds a bit for each tag, so its state is the set of tags that were added, and every answer shows that
//! set. An operation takes place at one moment between the question and the answer; one whose outcome is unknown may
//! take place at any moment after the question, or never. The search is that of Wing and Gong, with the sets that
//! were tried remembered.

use apostate_world::Moment;
use std::collections::BTreeSet;

use crate::violation::{Check, ensure};

/// One operation on a register, as a client saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) asked: Moment,
    /// None: nobody knows.
    pub(crate) answered: Option<Moment>,
    pub(crate) what: Action,
}

/// An action on the register, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Adds a tag; the sum afterwards, if it is known.
    Add { tag: u32, sum: Option<u64> },
    /// The sum as it was.
    Read { sum: u64 },
}

impl Action {
    /// The sum that its answer shows.
    fn says(self) -> Option<u64> {
        match self {
            Self::Add { sum, .. } => sum,
            Self::Read { sum } => Some(sum),
        }
    }
}

/// Most operations that are searched together.
pub(crate) const OPERATIONS_MAX: usize = 128;

/// Invariant: a single entity is linearizable for its clients.
pub(crate) fn check(history: &[Operation]) -> Check {
    let mut history: Vec<Operation> = history.to_vec();
    history.sort_by_key(|operation| operation.asked);
    let known = history.iter().filter(|operation| operation.answered.is_some()).count();
    let mut search = Search { history: &history, tried: BTreeSet::new(), known };
    let fits = history.len() <= OPERATIONS_MAX && search.fits(0, 0, 0);
    ensure!(fits, "linearizability", "no order of events fits what clients saw: {history:#?}");
    Ok(())
}

struct Search<'a> {
    history: &'a [Operation],
    /// Sets of operations after which nothing fits.
    tried: BTreeSet<u128>,
    known: usize,
}

impl Search<'_> {
    /// Whether the operations that are not in `done` fit behind those that are, which have made `sum`.
    fn fits(&mut self, done: u128, done_known: usize, sum: u64) -> bool {
        if done_known == self.known {
            return true;
        }
        // What is there stays there: whatever is still to come has to show it.
        let shows = |operation: &Operation| operation.what.says().is_none_or(|says| sum & !says == 0);
        let open: Vec<_> = (0..self.history.len()).filter(|at| done & (1 << at) == 0).collect();
        if !open.iter().all(|at| shows(&self.history[*at])) || !self.tried.insert(done) {
            return false;
        }
        let end = open.iter().filter_map(|at| self.history[*at].answered).min().unwrap_or(Moment::MAX);
        let mut next = open.into_iter().filter(|at| self.history[*at].asked <= end).collect::<Vec<_>>();
        // A read that fits now changes nothing, so it takes place now.
        let read = next.iter().copied().find(|at| self.history[*at].what == Action::Read { sum });
        if let Some(read) = read {
            next = vec![read];
        }
        next.into_iter().any(|at| {
            let operation = &self.history[at];
            let after = match operation.what {
                Action::Add { tag, .. } => sum | (1 << tag),
                Action::Read { .. } => sum,
            };
            let is_known = usize::from(operation.answered.is_some());
            operation.what.says().is_none_or(|says| says == after)
                && self.fits(done | (1 << at), done_known + is_known, after)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(asked: Moment, answered: impl Into<Option<Moment>>, tag: u32, sum: impl Into<Option<u64>>) -> Operation {
        Operation { asked, answered: answered.into(), what: Action::Add { tag, sum: sum.into() } }
    }

    fn read(asked: Moment, answered: Moment, sum: u64) -> Operation {
        Operation { asked, answered: Some(answered), what: Action::Read { sum } }
    }

    #[test]
    fn what_fits_is_accepted() {
        assert!(check(&[]).is_ok());
        assert!(check(&[add(0, 10, 0, 1), add(5, 15, 1, 3), read(12, 20, 1)]).is_ok(), "while the second is under way");
        assert!(
            check(&[add(0, None, 0, None), read(5, 6, 0), read(7, 8, 1)]).is_ok(),
            "an unknown one takes place late"
        );
        assert!(check(&[add(0, None, 0, None), read(7, 8, 0)]).is_ok(), "or never");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(check(&[add(0, 10, 0, 1), read(12, 20, 0)]).is_err(), "a stale read");
        assert!(check(&[add(0, 10, 0, 1), add(20, 30, 1, 2)]).is_err(), "a lost update");
        assert!(check(&[add(0, None, 0, None), read(5, 6, 1), read(7, 8, 0)]).is_err(), "back in time");
        assert!(check(&[read(5, 6, 1), add(7, 8, 0, 1)]).is_err(), "a read into the future");
    }
}
