//! Tentative operations, at the partner: held when a try is accepted, and ended by its confirm or its cancel.
//!
//! A partner never ends an operation by itself, except one that may lapse, and one whose own agreement below was not agreed.
//!
//! Invariant E4: every tentative operation reaches exactly one ending.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `operation-ended-twice`, `lapse-kept`.

use std::num::NonZeroU64;

use apostate_core::{Address, HandlerId, Lapsed, OnRefused, Tentative, encode};

use crate::bodies::{self, ConfirmedLeg, TryHead};
use crate::cells::operation::Operation;
use crate::cells::timer::TimerSub;
use crate::entities::{Item, Name};
use crate::message::{Message, NO_HANDLER, Role};
use crate::planted::{self, Bug};
use crate::run::attempt::{Occasion, Run};
use crate::run::handling::Handling;
use crate::trace::TraceContext;

/// The entity that sent a try, and the number of the try.
type TryName<'a> = (&'a Address, NonZeroU64);

impl Handling<'_> {
    /// The row of the tentative handler with this id; none if this build has no such handler.
    pub(super) fn tentative(&self, entity: &Address, handler: HandlerId) -> Option<Tentative> {
        let registry = self.entities.registry();
        let kind = &registry.kinds()[registry.find(entity.kind())?];
        kind.handlers[kind.find(handler)?].tentative
    }

    /// Holds what a try asked for.
    pub(super) fn hold(&mut self, message: &Message, inner: Option<NonZeroU64>) {
        let Some((proposer, number)) = try_of(message) else { return };
        let (head, hold) = TryHead::split(&message.body);
        let self_expire = self.tentative(&message.to, message.handler).and_then(|tentative| tentative.self_expire);
        let lapses = self_expire.filter(|_| head.can_lapse).map(|wait| self.now.after(wait));
        let lapse = lapses.map(|due| {
            let timer = NonZeroU64::new(self.log.number()).expect("P4 broken: numbers begin at 1");
            let message =
                Message { trace: self.next_trace(), ..lapse_of(&message.to, message.handler, (proposer, number)) };
            self.set_timer(&message.to, &TimerSub::Deadline(Role::Lapse, timer), due, &message);
            timer
        });
        let operation = Operation {
            handler: message.handler,
            since: self.now,
            deadline: head.deadline.into_iter().chain(lapses).min(),
            lapse,
            inner,
            hold: hold.into(),
        };
        self.begin_work(&message.to, Name::Operation(number, proposer.clone()), Item::Operation(operation));
    }

    /// Answers a try.
    pub(super) fn answer_try(
        &mut self,
        entity: &Address,
        (proposer, number): TryName<'_>,
        (role, body): (Role, Vec<u8>),
        trace: Option<&TraceContext>,
    ) {
        let (body, trace) = (body.into_boxed_slice(), trace.copied().map(Box::new));
        self.post(Message { body, trace, ..Message::between(entity, proposer, NO_HANDLER, role, Some(number)) });
    }

    /// The operation that an ending is for.
    pub(super) fn operation_of(&self, ending: &Message) -> Option<&Operation> {
        let (proposer, number) = ending.ends()?;
        self.entities.open_work().operation(&ending.to, &proposer, number)
    }

    /// Ends the operation that an ending is for.
    pub(super) fn end_operation(&mut self, ending: &Message) {
        let Some((proposer, number)) = ending.ends() else { return };
        self.erase_operation(&ending.to, (&proposer, number));
    }

    /// An operation is over.
    pub(super) fn erase_operation(&mut self, entity: &Address, (proposer, number): TryName<'_>) {
        let Some(operation) = self.entities.open_work().operation(entity, proposer, number) else { return };
        let lapse = operation.lapse;
        if !planted::is(Bug::OperationEndedTwice) {
            self.end_work(entity, &Name::Operation(number, proposer.clone()));
        }
        if let Some(timer) = lapse
            && !planted::is(Bug::LapseKept)
        {
            self.cancel_timer(entity, &TimerSub::Deadline(Role::Lapse, timer));
        }
    }

    /// An operation is cancelled without its proposer, in a message of the entity to itself.
    pub(super) fn cancel_alone(&mut self, entity: &Address, name: TryName<'_>, trace: Option<&TraceContext>) {
        let Some(operation) = self.entities.open_work().operation(entity, name.0, name.1) else { return };
        let lapse = lapse_of(entity, operation.handler, name);
        let message = Message { trace: trace.copied().map(Box::new), ..lapse };
        self.post(message);
    }

    /// Tells the proposer's author that there was nothing left to confirm.
    pub(super) fn tell_lapsed(&mut self, confirm: &Message) {
        let (OnRefused::Tell { handler }, Some(proposer)) = (confirm.on_refused, &confirm.from) else { return };
        let (Some(ConfirmedLeg { agreement, leg }), _) = bodies::read_confirm(confirm.on_refused, &confirm.body) else {
            return;
        };
        let lapsed = Lapsed { leg, partner: self.partner_of(&confirm.to) };
        let (body, trace) = (encode(&lapsed).into_boxed_slice(), confirm.trace.clone());
        let told = Message::between(&confirm.to, proposer, handler, Role::Plain, Some(agreement));
        self.post(Message { body, trace, ..told });
    }

    /// Whether an entity may not be deleted: it has proposed what is not decided, or holds what has no ending. The operation that the run ends does
    /// not count.
    pub(super) fn is_uncertain(&self, run: &Run<'_>) -> bool {
        let work = self.entities.open_work();
        let ended = usize::from(run.occasion == Occasion::Ending);
        matches!(run.occasion, Occasion::Try(_))
            || !self.runner.effects().proposals.is_empty()
            || work.agreements_of(run.to) > 0
            || work.has_more_operations(run.to, ended)
    }
}

/// The name of the try that a message is.
pub(super) fn try_of(message: &Message) -> Option<TryName<'_>> {
    message.from.as_ref().zip(message.about)
}

/// The message by which an operation is cancelled without its proposer.
fn lapse_of(entity: &Address, handler: HandlerId, (proposer, number): TryName<'_>) -> Message {
    Message {
        body: bodies::lapse(proposer).into_boxed_slice(),
        ..Message::between(entity, entity, handler, Role::Lapse, Some(number))
    }
}
