//! The timer shadow: every timer is set, perhaps posted, and gone, in this order; and its entity knows exactly those that there are.
//!
//! A record holds the state of an entity together with its timers, so after each the timers of an alarm are those that it expects. The
//! cells are read here by other code than the partition's own.

use std::ops::Bound;

use apostate_core::{Address, Entity, HandlerId, KindId, Timestamp, decode};
use apostate_partition::Message;
use apostate_partition::cell::{self, Section};
use bytes::Bytes;
use serde::Deserialize;

use crate::check::entity::state;
use crate::check::shadow::{Changed, Shadow};
use crate::programs::alarm::Alarm;
use crate::violation::{Check, Violation, ensure};

/// Bytes before the message.
const HEADER_BYTES: usize = 17;

/// A timer, as its cell says.
struct Timer {
    is_posted: bool,
    due: Timestamp,
    order: u64,
    message: Option<Message>,
}

fn read(value: &[u8]) -> Result<Timer, Violation> {
    let damaged = || Violation::new("P4", "a timer does not read");
    let word = |at: usize| value.get(at..).and_then(<[u8]>::first_chunk).map(|word| u64::from_le_bytes(*word));
    let (due, order) = (word(1).ok_or_else(damaged)?, word(9).ok_or_else(damaged)?);
    let is_posted = value[0] == 1;
    let message =
        if is_posted { None } else { Message::read(&value[HEADER_BYTES..]).ok().map(|(message, ..)| message) };
    ensure!(is_posted || message.is_some(), "P4", "a timer has no message");
    Ok(Timer { is_posted, due: Timestamp(due), order, message })
}

/// A record has become durable: what became of the timers that it changed.
pub(crate) fn record(shadow: &mut Shadow, changes: &[Changed]) -> Check {
    let now = shadow.time();
    for change in changes.iter().filter(|change| change.section == Section::Timers) {
        let before = change.before.as_ref().map(|value| read(value)).transpose()?;
        let Some(after) = change.after.as_ref().map(|value| read(value)).transpose()? else {
            ensure!(before.is_some(), "P4", "a timer of {:?} is erased that was not there", change.address);
            continue;
        };
        let of = &change.address;
        match before.filter(|before| before.order == after.order) {
            Some(before) => {
                ensure!(!before.is_posted && after.is_posted, "E1", "a timer of {of:?} is written again");
                ensure!(before.due == after.due && after.due <= now, "time", "a timer of {of:?} is posted early");
            }
            None => {
                ensure!(after.order >= shadow.next_timer, "E6", "a timer of {of:?} is set out of its order");
                // Not posted in the record that sets it, unless it was due at once.
                ensure!(!after.is_posted || after.due <= now, "time", "a timer of {of:?} is posted early");
            }
        }
    }
    shadow.next_timer = shadow.next_number;
    let touched = changes.iter().filter(|change| matches!(change.section, Section::State | Section::Timers));
    touched
        .filter(|change| change.address.kind() == KindId::of(Alarm::NAME))
        .try_for_each(|change| known(shadow, &change.address))
}

#[derive(Deserialize)]
struct Ring {
    tag: u64,
}

/// An alarm expects the timers that it has.
fn known(shadow: &Shadow, of: &Address) -> Check {
    let (from, to) = cell::entity_bounds(Section::Timers, of);
    let cells = shadow.cells.range::<[u8], _>((Bound::Included(&from[..]), Bound::Excluded(&to[..])));
    let (mut own, mut others) = (0, 0);
    let state = shadow.cell(Section::State, of).filter(|cell| cell.len() > 8);
    let alarm = state.map(state_of).transpose()?.unwrap_or_default();
    for (_, value) in cells {
        let timer = read(value)?;
        match timer.message {
            Some(message) if message.to != *of => others += 1,
            None => own += 1,
            Some(message) => {
                own += 1;
                ensure!(message.handler == HandlerId::of("ring"), "E2", "a timer of {of:?} is none that it has set");
                let Ring { tag } = decode(&message.body).map_err(|error| Violation::new("P4", error.to_string()))?;
                let expected = alarm.expected.get(&tag).map(|expected| expected.due);
                ensure!(expected == Some(timer.due.0), "E2", "{of:?} has timer {tag}, and expects {expected:?}");
            }
        }
    }
    let expected = alarm.expected.len();
    ensure!(own == expected, "E2", "{of:?} has {own} timers, and expects {expected}");
    ensure!(others <= alarm.sent, "E2", "{of:?} has {others} timers for others, and has set {}", alarm.sent);
    Ok(())
}

fn state_of(cell: &Bytes) -> Result<Alarm, Violation> {
    state(cell)
}
