//! The entity step: one message against one entity.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::activities::{Stop, run_with};
use crate::{BodyError, Effects, HandlerResult, Invocation, Live, LoadedActivities, PartnerKey, Refusal, Tx};

/// The outcome of a step. Effects count only with [`Done`](StepOutcome::Done); with every other outcome the caller drops
/// them, and takes the value back to its last encoded bytes if the handler could have changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// The handler ran to its end.
    Done,
    /// The handler refused.
    Refused(Refusal),
    /// The body does not fit the handler: nothing ran.
    Unreadable(BodyError),
    /// The handler panicked, with this text.
    Panicked(String),
    /// The handler sent more than one run may send, or asked for more activities than one run may.
    TooLarge,
    /// The handler was stopped at the activity with this partner, which is not loaded. It runs again from its beginning, with the same
    /// seed, once that is loaded.
    NeedsActivity(PartnerKey),
}

/// Runs handler number `handler` of the kind that `live` is of, on an entity that remembers nothing about any partner.
///
/// A panic of the handler is caught; `live` may then hold anything.
pub fn step(live: &mut dyn Live, handler: usize, invocation: &Invocation<'_>, effects: &mut Effects) -> StepOutcome {
    let mut none = LoadedActivities::default();
    let loaded = live.activities().is_some().then_some(&mut none);
    step_with(live, handler, invocation, loaded, effects)
}

/// Runs a handler as [`step`] does, with the activities that are `loaded`; none for a kind that has none. Those that it changed are among the
/// effects; `loaded` is as before.
pub fn step_with(
    live: &mut dyn Live,
    handler: usize,
    invocation: &Invocation<'_>,
    loaded: Option<&mut LoadedActivities>,
    effects: &mut Effects,
) -> StepOutcome {
    effects.clear();
    let has_activities = loaded.is_some();
    let run = AssertUnwindSafe(|| {
        let result = live.run(handler, &mut Tx::new(invocation, effects), invocation.body);
        if matches!(result, HandlerResult::Done) {
            assert!(
                effects.is_later_returned(),
                "the token of `tx.later()` is what the handler returns, as `Later<…>`"
            );
        }
        if has_activities
            && matches!(result, HandlerResult::Done)
            && let Some(activities) = live.activities()
        {
            effects.change_activities(invocation.to, activities.take_changes());
        }
        result
    });
    let (result, stop) = run_with(loaded, || catch_unwind(run));
    match (result, stop) {
        (_, Some(Stop::Missing(partner))) => StepOutcome::NeedsActivity(partner),
        (_, Some(Stop::TooMany)) => StepOutcome::TooLarge,
        (Ok(HandlerResult::Done), None) if effects.is_over_limit() => StepOutcome::TooLarge,
        (Ok(HandlerResult::Done), None) => StepOutcome::Done,
        (Ok(HandlerResult::Refused(refusal)), None) => StepOutcome::Refused(refusal),
        (Ok(HandlerResult::Unreadable(error)), None) => StepOutcome::Unreadable(error),
        (Err(payload), None) => StepOutcome::Panicked(panic_text(payload.as_ref())),
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
