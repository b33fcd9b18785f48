//! The roles that end an operation: confirm, cancel, and lapse, which is a cancel of the entity's own. The handler runs with what is held, and the
//! operation is over in its commit. Without an operation they change nothing.
//!
//! One whose handler keeps panicking is parked, and its operation stays: a retry ends both.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `failed-ending-ends`, `lapse-ignored`.

use std::borrow::Cow;

use apostate_core::{HandlerId, Refusal, confirm_body};

use super::steps::{Prologue, RoleSteps, RunAs};
use crate::bodies;
use crate::interface::Failure;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::attempt::Occasion;
use crate::run::handling::Handling;

pub(super) struct Ending;

impl RoleSteps for Ending {
    fn prologue<'m>(&self, handling: &mut Handling<'_>, message: &'m Message) -> Prologue<'m> {
        let Some(operation) = handling.operation_of(message) else {
            let is_as_settled = handling.meet_settlement(message) == Some(true);
            if message.role == Role::Confirm && !is_as_settled && !planted::is(Bug::LapseIgnored) {
                handling.tell_lapsed(message);
            }
            return Prologue::Over;
        };
        let Some(tentative) = handling.tentative(&message.to, operation.handler) else { return Prologue::Unknown };
        let (handler, body) = match message.role {
            Role::Confirm => {
                let (_, value) = bodies::read_confirm(message.on_refused, &message.body);
                (tentative.confirm, confirm_body(&operation.hold, value))
            }
            _ => (tentative.cancel, operation.hold.to_vec()),
        };
        let (handler, body) = (HandlerId::of(handler), Cow::Owned(body));
        let sender = bodies::read_lapse(&message.body).filter(|_| message.role == Role::Lapse);
        Prologue::Run(RunAs { handler, body, sender, occasion: Occasion::Ending, ..RunAs::plain(message) })
    }

    fn done(&self, handling: &mut Handling<'_>, message: &Message) {
        pass_down(handling, message);
        handling.end_operation(message);
    }

    fn missing(&self, _: &mut Handling<'_>, _: &Message) {
        unreachable!("an ending changes its entity")
    }

    fn refused(&self, handling: &mut Handling<'_>, message: &Message, why: Refusal) {
        // The macro sees to it that it cannot; a table that is written by hand may say otherwise.
        handling.park(None, message.clone(), &Failure::Panicked(format!("an ending was refused: {why}")));
    }

    fn failed(&self, handling: &mut Handling<'_>, message: &Message, number: Option<u64>, why: &Failure) {
        // Partners further down need not wait for an operator; but what has lapsed may still be confirmed until this has succeeded.
        if message.role != Role::Lapse {
            pass_down(handling, message);
        }
        if planted::is(Bug::FailedEndingEnds) {
            handling.end_operation(message);
        }
        handling.park(number, message.clone(), why);
    }
}

/// The agreement that was proposed on behalf of the operation ends as that does.
fn pass_down(handling: &mut Handling<'_>, message: &Message) {
    if let Some(inner) = handling.operation_of(message).and_then(|operation| operation.inner) {
        let trace = message.trace.as_deref();
        handling.pass_down(&message.to, inner, message.role == Role::Confirm, trace);
    }
}
