//! Open work of entities: what the platform has begun on their behalf and has to end. In the store it is one cell each, here it is values.
//!
//! All of it is in memory from the opening on, whether its entity is or not: so an entity with open work can be evicted, and nothing is read
//! to find out whether it has any. A change is made in memory at once and noted in the journal of the open batch; cells are made of it once, when the
//! batch closes: what is begun and ended in one batch is in no record, and no key is ever made for it.
//!
//! Names are used once, for a number in each is never given out again. They say nothing of partitions.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`, `agreements.rs`; planted `ask-undone-still-open`.

mod agreement;
mod agreements;
mod item;
mod journal;
mod restore;
mod split;
mod table;
#[cfg(test)]
mod tests;
mod undo;

pub(crate) use self::agreement::{Agreement, OpenLeg};
pub(crate) use self::item::{Item, Name};
pub(crate) use self::table::OpenWork;
use crate::cells::cell::Section;

/// Sections of open work.
pub(crate) const OPEN_WORK: [Section; 5] =
    [Section::Asks, Section::Agreements, Section::Operations, Section::Owed, Section::Settlements];
