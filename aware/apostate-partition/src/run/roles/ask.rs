//! The role of a message that was asked: how it ends is told to its asker, once. So it is never parked.
//!
//! A build that does not have its kind or its handler lets it wait, like every message; what its asker is told then is that no answer has
//! come in time.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/asks.rs`; planted `ask-answered-twice`.

use apostate_core::{Answer, Reason, Refusal, encode, encode_answered};

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::interface::Failure;
use crate::message::Message;
use crate::run::handling::Handling;

pub(super) struct Ask;

impl RoleSteps for Ask {
    fn prologue<'m>(&self, _: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        Prologue::Run(RunAs { wants_reply: true, ..RunAs::plain(message) })
    }

    fn done(&self, handling: &mut Handling<'_>, message: &Message) {
        let effects = handling.runner.effects_mut();
        let own = effects.take_own_answer();
        match (effects.later.take(), own) {
            (None, _) => {
                let reply = handling.runner.take_reply();
                handling.answer_asker(message, encode_answered(&reply));
            }
            (Some(_), Some(Ok(reply))) => handling.answer_asker(message, encode_answered(&reply)),
            (Some(_), Some(Err(why))) => self.refused(handling, message, why),
            (Some(later), None) => handling.owe_asker(message, later),
        }
    }

    fn missing(&self, handling: &mut Handling<'_>, message: &Message) {
        fail(handling, message, &Failure::Missing);
    }

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        handling.answer_asker(message, encode(&Answer::<()>::Refused(why)));
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, _: Option<u64>, why: &Failure) {
        fail(handling, message, why);
    }

    fn is_parked(&self) -> bool {
        false
    }
}

fn fail(handling: &mut Handling<'_>, message: &Message, why: &Failure) {
    let reason = Reason { code: why.reason_code().to_owned(), text: why.of_message() };
    handling.answer_asker(message, encode(&Answer::<()>::Failed(reason)));
}
