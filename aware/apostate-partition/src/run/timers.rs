//! Timers in a batch: set and cancelled by runs, sent when they are due, and handled unless they were cancelled by then.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/timers.rs`; planted `timer-fired-twice`, `cancel-forgotten`,
//! `timer-left-by-delete`.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::{Address, TimerChange, Timestamp};

use crate::cells::cell;
use crate::cells::timer::{Timer, TimerSub};
use crate::limits::CELL_OVERHEAD_BYTES_MAX;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

/// About how many bytes the cell of a timer takes in a record besides its message.
const CELL_BYTES: usize = CELL_OVERHEAD_BYTES_MAX / 8;

impl Handling<'_> {
    /// Keeps what a run has done with timers; an entity that is deleted has none.
    pub(crate) fn keep_timers(&mut self, of: &Address, is_deleted: bool) {
        let mut changes = std::mem::take(&mut self.runner.effects_mut().timers);
        if is_deleted {
            if !planted::is(Bug::TimerLeftByDelete) {
                self.erase_timers(of);
            }
            return;
        }
        for change in changes.drain(..) {
            match change {
                TimerChange::Set { key, due, sent } => {
                    let message = self.message_of(of, sent);
                    self.set_timer(of, &TimerSub::Of(key), due, &message);
                }
                TimerChange::Cancelled(_) if planted::is(Bug::CancelForgotten) => {}
                TimerChange::Cancelled(key) => {
                    self.cancel_timer(of, &TimerSub::Of(key));
                }
            }
        }
        self.runner.effects_mut().timers = changes;
    }

    /// Sets a timer of an entity; one that has this key is replaced. `message` is from the entity.
    pub(crate) fn set_timer(&mut self, of: &Address, sub: &TimerSub, due: Timestamp, message: &Message) {
        let order = NonZeroU64::new(self.log.number()).expect("E6 broken: a partition's numbers begin with 1");
        self.change_timer(sub.key(of), Some(Timer::new(due, order, message)));
    }

    /// Cancels a timer of an entity. False: there is none.
    pub(crate) fn cancel_timer(&mut self, of: &Address, sub: &TimerSub) -> bool {
        let key = sub.key(of);
        let is_there = self.timers.get(&key).is_some();
        if is_there {
            self.change_timer(key, None);
        }
        is_there
    }

    /// Erases all timers of an entity.
    fn erase_timers(&mut self, of: &Address) {
        let keys: Vec<_> = self.timers.of(of).cloned().collect();
        keys.into_iter().for_each(|key| self.change_timer(key, None));
    }

    fn change_timer(&mut self, key: Arc<[u8]>, timer: Option<Timer>) {
        self.batch.reserve(CELL_BYTES + key.len() + timer.as_ref().map_or(0, |timer| timer.value().len()));
        self.timers.change(key, timer);
    }

    /// Sends the message of a timer that is due. False: its entity is being loaded, and the timer waits for that.
    pub(crate) fn fire_timer(&mut self, key: Arc<[u8]>) -> bool {
        let timer = self.timers.get(&key).expect("E1 broken: a timer is due that is not there").clone();
        let message = timer.message().expect("P4 broken: the message of a timer does not read");
        let cell = cell::read_key(&key).expect("P4 broken: the key of a timer does not read");
        if planted::is(Bug::TimerFiredTwice) {
            self.post(message.clone());
        }
        if message.to != cell.address {
            self.change_timer(key, None);
            self.post(message);
            return true;
        }
        let slot = self.entities.slot_of(&message.to);
        if self.entities.is_worth_waiting(slot, self.now, self.scope.tuning().load_patience) {
            return false;
        }
        match TimerSub::read(cell.sub).expect("P4 broken: the key of a timer does not read") {
            TimerSub::Deadline(..) => {
                self.change_timer(key, None);
                self.post(message);
            }
            TimerSub::Of(_) => {
                let posted = timer.posted();
                let about = Some(posted.order());
                self.change_timer(key, Some(posted));
                self.post(Message { role: Role::Timer, about, ..message });
            }
        }
        true
    }

    /// The message of a posted timer is done with, and so is the timer, unless its handler has set it anew.
    pub(super) fn end_timer(&mut self, message: &Message) {
        let posted = message.about.and_then(|order| self.timers.posted(order, &message.to));
        if let Some(key) = posted.map(Arc::clone) {
            self.change_timer(key, None);
        }
    }
}
