//! Owed answers: each ends once, and whoever waits has the answer that was given; none is left of an entity that is deleted.
//!
//! A broker itself counts the answers that were taken twice, and those that were too late before their time.
//!
//! Invariant E1.

use std::collections::BTreeMap;
use std::ops::Bound;

use apostate_core::{Address, decode};
use apostate_partition::Answer;
use apostate_partition::cell::{self, Section};

use crate::check::shadow::{Changed, Shadow};
use crate::outside::{Op, Outcome, Purpose};
use crate::programs::broker::{Broker, LEAVERS};
use crate::violation::{Check, Violation, ensure};

/// A record has become durable.
pub(crate) fn durable(shadow: &Shadow, changes: &[Changed]) -> Check {
    for change in changes {
        match (change.section, &change.after) {
            (Section::Owed, Some(_)) => {
                ensure!(change.before.is_none(), "E1", "an answer of {:?} is owed twice", change.address);
            }
            (Section::Owed, None) => no_deadline_is_left(shadow, &change.key)?,
            (Section::State, None) => none_is_left(shadow, &change.address)?,
            _ => {}
        }
    }
    Ok(())
}

/// An answer that is not owed any more has no deadline.
fn no_deadline_is_left(shadow: &Shadow, owed: &[u8]) -> Check {
    let cell = cell::read_key(owed).map_err(|error| Violation::new("P4", error.to_string()))?;
    // The tag of deadlines, the role of what comes then, the number of the answer.
    let sub = [&[2, 13], cell.sub].concat();
    let is_left = shadow.cells.contains_key(&cell::key(Section::Timers, &cell.address, &sub)[..]);
    ensure!(!is_left, "E1", "an answer of {:?} has ended, and its deadline is still set", cell.address);
    Ok(())
}

/// An entity that is deleted owes nothing.
fn none_is_left(shadow: &Shadow, of: &Address) -> Check {
    let (from, to) = cell::entity_bounds(Section::Owed, of);
    let left = shadow.cells.range::<[u8], _>((Bound::Included(&from[..]), Bound::Excluded(&to[..]))).count();
    ensure!(left == 0, "E1", "{of:?} is deleted, and owes {left} answers");
    Ok(())
}

/// At rest: what clients and other brokers were answered, the brokers say too.
pub(crate) fn check_all(brokers: &BTreeMap<String, Broker>, ops: &[Op]) -> Check {
    for op in ops {
        let (Purpose::Commission(tag), Outcome::Known(_, answer)) = (op.purpose, &op.outcome) else { continue };
        let is_answered = match answer {
            Answer::Done { reply, .. } => {
                let reply: u64 = decode(reply).map_err(|error| Violation::new("answers", error.to_string()))?;
                ensure!(reply == tag, "E1", "commission {tag} is answered with {reply}");
                true
            }
            Answer::Refused(why) => {
                ensure!(why.text == tag.to_string(), "E1", "commission {tag} is refused with {why}");
                // At once, which takes the commission back, or later.
                !tag.is_multiple_of(7)
            }
            Answer::Expired => false,
            _ => continue,
        };
        let Some(broker) = brokers.get(op.to.key().as_str()).filter(|broker| broker.ended.contains_key(&tag)) else {
            continue;
        };
        let heard = broker.ended.get(&tag).copied().flatten();
        ensure!(
            heard.unwrap_or(false) == is_answered,
            "E1",
            "commission {tag} was answered: {is_answered}, its broker says {heard:?}"
        );
    }
    for (key, broker) in brokers {
        for (tag, other) in &broker.delivered {
            let gave = brokers.get(&other.to_string()).and_then(|other| other.ended.get(tag).copied().flatten());
            // One that has left knows nothing of its life before.
            let is_forgotten = gave.is_none() && *other >= LEAVERS;
            ensure!(
                is_forgotten || gave == Some(true),
                "E1",
                "broker {key} has order {tag} of broker {other}, who says {gave:?}"
            );
        }
    }
    Ok(())
}
