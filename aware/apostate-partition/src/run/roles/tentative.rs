//! The role of a try: the partner's handler accepts or refuses it, and its proposer is told which. It is never parked: what is parked leaves the order
//! of its pair, and would come back behind its cancel. One that cannot be run counts as refused.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `refused-is-held`, `try-parked`,
//! `accepted-before-inner`.

use std::borrow::Cow;

use apostate_core::{Refusal, encode};

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::bodies::TryHead;
use crate::interface::Failure;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::attempt::Occasion;
use crate::run::handling::Handling;
use crate::run::operations::try_of;

pub(super) struct Try;

impl RoleSteps for Try {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        let (Some((_, number)), Some(_)) = (try_of(message), handling.tentative(&message.to, message.handler)) else {
            return Prologue::Unknown;
        };
        let (_, arguments) = TryHead::split(&message.body);
        let body = Cow::Borrowed(arguments);
        Prologue::Run(RunAs { wants_reply: true, body, occasion: Occasion::Try(number), ..RunAs::plain(message) })
    }

    fn done(&self, handling: &mut Handling<'_>, message: &Message) {
        let offer = handling.runner.take_reply();
        let inner = handling.runner.take_inner();
        handling.hold(message, inner);
        // What was proposed on its behalf answers it.
        if inner.is_none() || planted::is(Bug::AcceptedBeforeInner) {
            answer(handling, message, (Role::Accepted, offer));
        }
    }

    fn missing(&self, handling: &mut Handling<'_>, message: &Message) {
        fail(handling, message, &Failure::Missing);
    }

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        if planted::is(Bug::RefusedIsHeld) {
            handling.hold(message, None);
        }
        answer(handling, message, (Role::Refused, encode(&why)));
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure) {
        if planted::is(Bug::TryParked) {
            return handling.park(number, message.clone(), why);
        }
        fail(handling, message, why);
    }

    fn is_parked(&self) -> bool {
        false
    }
}

fn fail(handling: &mut Handling<'_>, message: &Message, why: &Failure) {
    answer(handling, message, (Role::Refused, encode(&Refusal::with_code("failed", why.of_message()))));
}

fn answer(handling: &mut Handling<'_>, message: &Message, answer: (Role, Vec<u8>)) {
    let trace = handling.next_trace();
    let name = try_of(message).expect("E4 broken: a try of nobody");
    handling.answer_try(&message.to, name, answer, trace.as_deref());
}
