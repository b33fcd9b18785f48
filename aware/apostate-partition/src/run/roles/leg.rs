//! The roles of what an agreement waits for: the answer of a partner, and its own deadline. No code of an author runs, and none of them is parked: without
//! them an agreement would be undecided for ever.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `agreement-decided-twice`.

use apostate_core::Refusal;

use super::steps::{Prologue, RoleSteps};
use crate::cells::agreement::LegAnswer;
use crate::interface::Failure;
use crate::message::{Message, Role};
use crate::run::handling::Handling;

pub(super) struct OfAgreement;

impl RoleSteps for OfAgreement {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        match message.role {
            Role::Accepted => handling.take_leg_answer(message, LegAnswer::Accepted(&message.body)),
            Role::Refused => handling.take_leg_answer(message, LegAnswer::Refused(&message.body)),
            _ => handling.expire_agreement(message),
        }
        Prologue::Over
    }

    fn done(&self, _: &mut Handling<'_>, _: &Message) {
        unreachable!("it is over before a handler runs")
    }

    fn missing(&self, _: &mut Handling<'_>, _: &Message) {
        unreachable!("it is over before a handler runs")
    }

    fn refused(&self, _: &mut Handling<'_>, _: &Message, _: Refusal) {
        unreachable!("it is over before a handler runs")
    }

    fn failed(&self, _: &mut Handling<'_>, _: &Message, _: Option<u64>, _: &Failure) {
        unreachable!("it is over before a handler runs")
    }

    fn is_parked(&self) -> bool {
        false
    }
}
