//! The role of a deadline: if the answer is owed still that it is about, whoever waits is told that none has come. No handler runs.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/owed.rs`.

use apostate_core::Refusal;

use super::steps::{Prologue, RoleSteps};
use crate::interface::Failure;
use crate::message::Message;
use crate::run::handling::Handling;

pub(super) struct Overdue;

impl RoleSteps for Overdue {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        handling.expire_owed(message);
        Prologue::Over
    }

    fn done(&self, _: &mut Handling<'_>, _: &Message) {}

    fn missing(&self, _: &mut Handling<'_>, _: &Message) {}

    fn refused(&self, _: &mut Handling<'_>, _: &Message, _: Refusal) {}

    fn failed(&self, _: &mut Handling<'_>, _: &Message, _: Option<u64>, _: &Failure) {}
}
