//! A pitfall: a wrong program beside its entity version, how the two are compared, and what each has to prove.

use std::iter::Sum;
use std::ops::Add;

use crate::temp_node::Failure;
use crate::workers::{Event, Faults};

/// A wrong program, and its entity version.
pub(crate) struct Pitfall {
    /// The name of the mistake.
    pub(crate) name: &'static str,
    /// The updates that are lost or doubled.
    pub(crate) counts: &'static str,
    /// The faults that it takes to show it.
    pub(crate) faults: fn(u64) -> Faults,
    /// The wrong program.
    pub(crate) wrong: Program,
    /// The same with entities.
    pub(crate) right: Program,
}

/// A program: runs under faults, and gives the outcome of its updates.
pub(crate) type Program = fn(Faults) -> Result<Outcome, Failure>;

/// The outcome of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) damage: Damage,
    /// The history of its workers.
    pub(crate) history: Vec<Event>,
}

/// Updates that went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
}

impl Damage {
    /// Of `expected` updates, `found` are there.
    pub(crate) fn of_counts(expected: u64, found: u64) -> Self {
        Self { lost: expected.saturating_sub(found), doubled: found.saturating_sub(expected) }
    }
}

impl Add for Damage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { lost: self.lost + other.lost, doubled: self.doubled + other.doubled }
    }
}

impl Sum for Damage {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), Self::add)
    }
}

/// One line of the table: a pitfall, and what both of its programs did.
pub(crate) struct Row {
    pitfall: &'static Pitfall,
    wrong: Damage,
    right: Damage,
}

impl Pitfall {
    /// Runs both programs under the same faults.
    pub(crate) fn show(&'static self, seed: u64) -> Result<Row, Failure> {
        let faults = (self.faults)(seed);
        let (wrong, right) = ((self.wrong)(faults)?, (self.right)(faults)?);
        assert!(wrong.history == right.history, "{}: both programs meet the same interleaving", self.name);
        Ok(Row { pitfall: self, wrong: wrong.damage, right: right.damage })
    }

    /// Proves the point for several seeds: the wrong program does damage, the same each time; the right one does none under
    /// the same faults, and none under more of them.
    #[cfg(test)]
    pub(crate) fn check(&'static self) {
        for seed in 1..=5 {
            let row = self.show(seed).expect("both come to their end");
            assert!(row.proves_its_point(), "{} with seed {seed}: {:?}, {:?}", self.name, row.wrong, row.right);
            let again = (self.wrong)((self.faults)(seed)).expect("it comes to its end");
            assert_eq!(again.damage, row.wrong, "{} with seed {seed}", self.name);
        }
        for seed in 6..=100 {
            let shown = (self.wrong)((self.faults)(seed)).expect("it comes to its end");
            assert_ne!(shown.damage, Damage::default(), "{} with seed {seed}", self.name);
        }
        let more = Faults { seed: 6, crashes: 150, lost_answers: 150 };
        let shown = (self.right)(more).expect("it comes to its end");
        assert_eq!(shown.damage, Damage::default(), "{} under more faults", self.name);
    }
}

impl Row {
    /// Whether the wrong program did damage, and the right one none.
    pub(crate) fn proves_its_point(&self) -> bool {
        self.wrong != Damage::default() && self.right == Damage::default()
    }

    /// The words above the table.
    pub(crate) fn heading() -> String {
        format!(
            "{:<30} {:<34} {:>14} {:>16}\n{:<65} {:>6} {:>7} {:>8} {:>7}",
            "", "", "wrong program", "entities", "", "lost", "doubled", "lost", "doubled"
        )
    }

    /// The row, as wide as the heading.
    pub(crate) fn line(&self) -> String {
        let Self { pitfall: Pitfall { name, counts, .. }, wrong, right } = self;
        format!("{name:<30} {counts:<34} {:>6} {:>7} {:>8} {:>7}", wrong.lost, wrong.doubled, right.lost, right.doubled)
    }
}
