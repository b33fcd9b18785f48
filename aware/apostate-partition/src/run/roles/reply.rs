//! The role of an answer: it counts if the ask is open that it is about. The first one ends it, whatever it is: a reply, a refusal, a failure, or
//! the news that none has come in time. Any later one is dropped and counted; no value is decoded for it.
//!
//! The ask ends when the asker's handler has taken the answer; or when that keeps panicking, for what is parked then is a message like any
//! other, which an operator can retry.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; planted `late-reply-applied`, `reply-dropped-cell-kept`.

use apostate_core::Refusal;

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::interface::Failure;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;

pub(super) struct Reply;

impl RoleSteps for Reply {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        match handling.ask_of(message) {
            // Also that none has come is told as the partner's.
            Some(ask) => Prologue::Run(RunAs { sender: Some(ask.partner.clone()), ..RunAs::plain(message) }),
            None if planted::is(Bug::LateReplyApplied) => Prologue::Run(RunAs::plain(message)),
            None => {
                handling.batch.counts_mut().late_answers += 1;
                Prologue::Over
            }
        }
    }

    fn done(&self, handling: &mut Handling<'_>, message: &Message) {
        handling.end_ask(message);
    }

    fn missing(&self, handling: &mut Handling<'_>, message: &Message) {
        handling.end_ask(message);
    }

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        handling.end_ask(message);
        handling.tell_refused(message, why);
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure) {
        let partner = handling.ask_of(message).map(|ask| ask.partner.clone());
        handling.end_ask(message);
        let from = partner.or_else(|| message.from.clone());
        let message = Message { from, role: Role::Plain, about: None, ..message.clone() };
        handling.park(number, message, why);
    }
}
