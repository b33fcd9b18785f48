//! The gallery: what hangs in it, how it is shown, and what every picture has to prove.

use std::iter::Sum;
use std::ops::Add;

use crate::crew::{Event, Weather};
use crate::house::Failure;
use crate::{check_then_act, dual_write, neighbours, read_modify_write, stale_cache, unchecked_retry};

/// All that hangs here.
pub(crate) const GALLERY: [Pitfall; 7] = [
    read_modify_write::PITFALL,
    check_then_act::PITFALL,
    stale_cache::PITFALL,
    dual_write::SAVE_FIRST,
    dual_write::SEND_FIRST,
    unchecked_retry::PITFALL,
    neighbours::PITFALL,
];

/// A wrong program, and its entity version.
pub(crate) struct Pitfall {
    /// What is wrong.
    pub(crate) name: &'static str,
    /// What is lost or doubled.
    pub(crate) counts: &'static str,
    /// The misfortunes that it takes to show it.
    pub(crate) weather: fn(u64) -> Weather,
    /// The wrong program.
    pub(crate) wrong: Program,
    /// The same with entities.
    pub(crate) right: Program,
}

/// A program: given its weather, it shows what became of its updates.
pub(crate) type Program = fn(Weather) -> Result<Shown, Failure>;

/// What a program shows.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) damage: Damage,
    /// What happened to its workers.
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
    /// Runs both programs in the same weather.
    pub(crate) fn show(&'static self, seed: u64) -> Result<Row, Failure> {
        let weather = (self.weather)(seed);
        let (wrong, right) = ((self.wrong)(weather)?, (self.right)(weather)?);
        assert!(wrong.history == right.history, "{}: both programs meet the same interleaving", self.name);
        Ok(Row { pitfall: self, wrong: wrong.damage, right: right.damage })
    }

    /// Proves the point for several seeds: the wrong program does damage, the same each time; the right one does none in
    /// the same weather, and none in one that is worse.
    #[cfg(test)]
    pub(crate) fn check(&'static self) {
        for seed in 1..=5 {
            let row = self.show(seed).expect("both come to their end");
            assert!(row.proves_its_point(), "{} with seed {seed}: {:?}, {:?}", self.name, row.wrong, row.right);
            let again = (self.wrong)((self.weather)(seed)).expect("it comes to its end");
            assert_eq!(again.damage, row.wrong, "{} with seed {seed}", self.name);
        }
        for seed in 6..=100 {
            let shown = (self.wrong)((self.weather)(seed)).expect("it comes to its end");
            assert_ne!(shown.damage, Damage::default(), "{} with seed {seed}", self.name);
        }
        let storm = Weather { seed: 6, crashes: 150, lost_answers: 150 };
        let shown = (self.right)(storm).expect("it comes to its end");
        assert_eq!(shown.damage, Damage::default(), "{} in a storm", self.name);
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
