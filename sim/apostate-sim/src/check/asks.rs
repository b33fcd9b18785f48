//! Asks: each is answered once, with an answer that its receiver gave, or has expired; and none is left of an entity that is deleted.
//!
//! An asker itself counts the answers that are to no question of its own, and those that expired before their time.
//!
//! Invariant E1.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::ops::Bound;

use apostate_core::Address;
use apostate_partition::cell::{self, Section};
use apostate_partition::{Message, OpenAsk, Role};

use crate::check::shadow::{Changed, Shadow};
use crate::programs::asker::Asker;
use crate::violation::{Check, Violation, ensure};

/// Asks, as the durable records of all partitions have them.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    /// The asks for which an answer has left a partition: kind and hash of the asker, and the number.
    answered: BTreeSet<(u32, u64, NonZeroU64)>,
}

impl Asks {
    /// A record has become durable.
    pub(crate) fn durable(&mut self, shadow: &Shadow, changes: &[Changed]) -> Check {
        for change in changes {
            match (change.section, &change.after) {
                (Section::Outgoing, Some(sent)) => self.sent(sent)?,
                (Section::Asks, None) => no_deadline_is_left(shadow, &change.key)?,
                (Section::Asks, Some(ask)) => {
                    let read = OpenAsk::read(ask);
                    ensure!(read.is_ok(), "P4", "an ask of {:?} does not read: {read:?}", change.address);
                    ensure!(change.before.is_none(), "E1", "an ask of {:?} is opened twice", change.address);
                }
                (Section::State, None) => none_is_left(shadow, &change.address)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn sent(&mut self, sent: &[u8]) -> Check {
        let read = Message::read(sent).map_err(|error| Violation::new("P4", error.to_string()))?;
        let (Message { to, role: Role::Reply, about: Some(number), .. }, ..) = read else { return Ok(()) };
        let is_new = self.answered.insert((to.kind().0, to.hash(), number));
        ensure!(is_new, "E1", "ask {number} of {to:?} is answered twice");
        Ok(())
    }
}

/// An ask that has ended has no deadline.
fn no_deadline_is_left(shadow: &Shadow, ask: &[u8]) -> Check {
    let cell = cell::read_key(ask).map_err(|error| Violation::new("P4", error.to_string()))?;
    // The tag of deadlines, the role of what comes then, the number of the ask.
    let sub = [&[2, Role::Reply as u8], cell.sub].concat();
    let is_left = shadow.cells.contains_key(&cell::key(Section::Timers, &cell.address, &sub)[..]);
    ensure!(!is_left, "E1", "an ask of {:?} has ended, and its deadline is still set", cell.address);
    Ok(())
}

/// An entity that is deleted has no asks.
fn none_is_left(shadow: &Shadow, of: &Address) -> Check {
    let (from, to) = cell::entity_bounds(Section::Asks, of);
    let left = shadow.cells.range::<[u8], _>((Bound::Included(&from[..]), Bound::Excluded(&to[..]))).count();
    ensure!(left == 0, "E1", "{of:?} is deleted, and has {left} asks");
    Ok(())
}

/// At rest: every question has ended, and what an asker was given, and what not, its partner says too.
pub(crate) fn check_all(askers: &BTreeMap<String, Asker>) -> Check {
    for (key, asker) in askers {
        ensure!(asker.open.is_empty(), "E1", "asker {key} waits for answers for ever: {:?}", asker.open);
        let gave = |tag: &u64, partner: &u16| {
            askers.get(&partner.to_string()).is_some_and(|partner| partner.gave.contains(tag))
        };
        let lost = asker.got.iter().find(|(tag, partner)| !gave(tag, partner));
        ensure!(lost.is_none(), "E1", "asker {key} was given what its partner never gave: {lost:?}");
        let denied = asker.denied.iter().find(|(tag, partner)| gave(tag, partner));
        ensure!(denied.is_none(), "E1", "asker {key} was denied what its partner gave: {denied:?}");
    }
    Ok(())
}
