//! The entity step: one message against one entity.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{BodyError, Effects, HandlerResult, Invocation, Live, Refusal, Tx};

/// The outcome of a step. Effects count only with [`Done`](Outcome::Done); with every other outcome the caller drops
/// them, and takes the value back to its last encoded bytes if the handler could have changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler ran to its end.
    Done,
    /// The handler refused.
    Refused(Refusal),
    /// The body does not fit the handler: nothing ran.
    Unreadable(BodyError),
    /// The handler panicked, with this text.
    Panicked(String),
    /// The handler sent more than one run may send.
    TooLarge,
}

/// Runs handler number `handler` of the kind that `live` is of.
///
/// A panic of the handler is caught; `live` may then hold anything.
pub fn step(live: &mut dyn Live, handler: usize, invocation: &Invocation<'_>, effects: &mut Effects) -> Outcome {
    effects.clear();
    let run = AssertUnwindSafe(|| live.run(handler, &mut Tx::new(invocation, effects), invocation.body));
    match catch_unwind(run) {
        Ok(HandlerResult::Done) if effects.is_over_limit() => Outcome::TooLarge,
        Ok(HandlerResult::Done) => Outcome::Done,
        Ok(HandlerResult::Refused(refusal)) => Outcome::Refused(refusal),
        Ok(HandlerResult::Unreadable(error)) => Outcome::Unreadable(error),
        Err(payload) => Outcome::Panicked(panic_text(payload.as_ref())),
    }
}

/// The text of a caught panic.
#[must_use]
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a text".to_owned()
    }
}
