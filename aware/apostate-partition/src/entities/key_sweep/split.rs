//! Splits and merges the sweep of client keys. A page that is asked for or was found is read again, by whoever has its entities then.

use super::{BUDGET_MAX, KeySweep};

impl KeySweep {
    /// Whether the store is being read for a page.
    pub(crate) fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// The sweep of each side: each goes on behind the same cell, in its own range.
    pub(crate) fn split(self) -> [Self; 2] {
        let Self { after, budget, given_at, asked: _, found: _, forgotten } = self;
        [budget - budget / 2, budget / 2].map(|budget| Self {
            after: after.clone(),
            budget,
            given_at,
            forgotten,
            ..Self::default()
        })
    }

    /// The sweep of two sides: it goes on where the one is that has come less far.
    pub(crate) fn merge(self, other: Self) -> Self {
        let Self { after, budget, given_at, asked: _, found: _, forgotten } = other;
        Self {
            after: self.after.min(after),
            budget: (self.budget + budget).min(BUDGET_MAX),
            given_at: self.given_at.max(given_at),
            asked: None,
            found: None,
            forgotten: self.forgotten.max(forgotten),
        }
    }
}
