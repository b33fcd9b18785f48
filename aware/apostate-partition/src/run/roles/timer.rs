//! The role of a timer's message: the handler runs if the timer is still there, and with its end the timer is gone. A message that is given up has
//! nothing to do with a timer any more.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/timers_gone.rs`; planted `replaced-fires`.

use apostate_core::Refusal;

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::interface::Failure;
use crate::message::Message;
use crate::planted::{self, Bug};
use crate::run::attempt::Occasion;
use crate::run::handling::Handling;

pub(super) struct Timer;

impl RoleSteps for Timer {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        let is_there = message.about.is_none_or(|order| handling.timers.posted(order, &message.to).is_some());
        match is_there || planted::is(Bug::ReplacedFires) {
            true => {
                let occasion = message.about.map_or(Occasion::Other, Occasion::Timer);
                Prologue::Run(RunAs { occasion, ..RunAs::plain(message) })
            }
            false => Prologue::Over,
        }
    }

    fn done(&self, handling: &mut Handling<'_>, message: &Message) {
        handling.end_timer(message);
    }

    fn missing(&self, handling: &mut Handling<'_>, message: &Message) {
        handling.end_timer(message);
    }

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        handling.end_timer(message);
        handling.tell_refused(message, why);
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure) {
        handling.end_timer(message);
        handling.park(number, Message { about: None, ..message.clone() }, why);
    }
}
