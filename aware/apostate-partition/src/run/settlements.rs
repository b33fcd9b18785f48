//! Settling by hand: an operator ends an operation whose ending is parked, or has not come by its deadline.
//!
//! One commit: the handler of the ending runs with what is held, operation and parked ending go, and the settlement is kept until the real ending
//! comes. One that is as the operator said ends it; one that is not marks it as contradicted, and it stays listed until it is dropped by hand.
//!
//! Invariant E4: every tentative operation reaches exactly one ending.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/settled.rs`; planted `settled-twice`, `contradiction-lost`.

use std::num::NonZeroU64;

use apostate_core::{Address, HandlerId, confirm_body};

use crate::batch::UndoEntry;
use crate::cells::fresh::FreshCell;
use crate::cells::operation::Operation;
use crate::cells::settlement::Settlement;
use crate::entities::{Item, Name, SlotId};
use crate::interface::{AfterPanic, Answer, Failure, Notice, ParkedEnding, Request, Settle, SettleVerdict};
use crate::limits::REASON_BYTES_MAX;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::attempt::{Occasion, Ran, Run};
use crate::run::handling::Handling;
use crate::run::request::Again;

const EARLY: &str = "its ending may still come: it is not parked, and its deadline has not passed";
const NOT_PARKED: &str = "its ending is not parked any more, or is being read; list it again";
const UNDECIDED_BELOW: &str = "what it needs of others is not agreed; it can be cancelled, and not confirmed";
const NEEDS_VALUE: &str = "its confirm takes a value that the proposer alone has; settle it without its handler, and set the entity right by a call";
const OTHERWISE: &str = "it was settled before, and otherwise";

/// An operation that is to be settled.
struct Settled<'a> {
    of: &'a Address,
    settle: &'a Settle,
    operation: Operation,
    parked: Option<ParkedEnding>,
    is_confirmed: bool,
    is_without_handler: bool,
}

/// Settling.
impl Handling<'_> {
    /// Does what an operator has decided about an operation.
    pub(super) fn run_settle(&mut self, slot: SlotId, request: &Request, settle: &Settle) -> Result<Answer, Again> {
        let SettleVerdict::End { is_confirmed, is_without_handler } = settle.verdict else {
            return Ok(self.forget_settlement(slot, &request.to, settle));
        };
        let Some(operation) = self.operation_named(&request.to, settle) else {
            return Ok(self.answer_settled(slot, &request.to, settle, is_confirmed));
        };
        let parked = settle.parked.or_else(|| self.parked_in_memory(&request.to, settle));
        let of = &request.to;
        let settled = Settled { of, settle, operation, parked, is_confirmed, is_without_handler };
        if let Some(why) = self.forbids(&settled) {
            return Ok(Answer::Failed(Failure::CannotSettle(why)));
        }
        if !is_without_handler && let Some(failure) = self.run_ending(slot, request, &settled)? {
            return Ok(Answer::Failed(failure));
        }
        self.keep_settlement(&settled, request);
        Ok(Answer::Done { reply: Vec::new(), version: self.entities.get(slot).version() })
    }

    fn operation_named(&self, of: &Address, settle: &Settle) -> Option<Operation> {
        self.entities.open_work().operation(of, &settle.proposer, settle.number).cloned()
    }

    /// An ending that was parked since the operator's list was made.
    fn parked_in_memory(&self, of: &Address, settle: &Settle) -> Option<ParkedEnding> {
        let mut parked = self.entities.parked().in_memory_of(of);
        let is_its =
            |message: &Message| message.ends().is_some_and(|ends| ends == (settle.proposer.clone(), settle.number));
        let (number, message) = parked.find(|(_, message)| is_its(message))?;
        Some(ParkedEnding { number, role: message.role })
    }

    /// Why an operation may not be settled so, if that is so.
    fn forbids(&self, settled: &Settled<'_>) -> Option<&'static str> {
        let Settled { of, settle: _, operation, parked, is_confirmed, is_without_handler } = settled;
        match parked {
            None if operation.deadline.is_some_and(|deadline| deadline > self.now) => return Some(EARLY),
            Some(ending) if !self.entities.parked().may_take(of, ending.number) => return Some(NOT_PARKED),
            _ => {}
        }
        let is_decided = real_ending(*parked).is_some();
        if *is_confirmed && !is_decided && operation.inner.is_some_and(|inner| !self.is_agreed_below(of, inner)) {
            return Some(UNDECIDED_BELOW);
        }
        let tentative = self.tentative(of, operation.handler);
        let takes_value = tentative.is_some_and(|tentative| tentative.takes_confirm_value);
        (*is_confirmed && takes_value && !is_without_handler).then_some(NEEDS_VALUE)
    }

    /// Whether the agreement that an entity has proposed on behalf of a try waits for the ending of that.
    fn is_agreed_below(&self, of: &Address, inner: NonZeroU64) -> bool {
        self.entities.open_work().agreement(of, inner).is_some_and(|(_, agreement)| agreement.is_waiting)
    }

    /// Runs the handler of the ending. Gives why nothing was done, if that is so.
    fn run_ending(&mut self, slot: SlotId, request: &Request, settled: &Settled<'_>) -> Result<Option<Failure>, Again> {
        let Settled { of, settle, operation, parked: _, is_confirmed, is_without_handler: _ } = settled;
        let Some(tentative) = self.tentative(of, operation.handler) else { return Ok(Some(Failure::UnknownHandler)) };
        let (name, body) = match is_confirmed {
            true => (tentative.confirm, confirm_body(&operation.hold, None)),
            false => (tentative.cancel, operation.hold.to_vec()),
        };
        let handler = HandlerId::of(name);
        let run = Run {
            slot,
            to: of,
            from: Some(&settle.proposer),
            handler,
            body: &body,
            wants_reply: false,
            is_refusable: false,
            occasion: Occasion::Ending,
            trace: request.trace.as_deref(),
        };
        Ok(match self.run(run) {
            Ran::Abandoned => return Err(Again::Abandoned),
            Ran::NeedsActivity => return Err(Again::Loading),
            Ran::Done(_) => None,
            Ran::Missing => Some(Failure::Missing),
            Ran::Refused(why) => Some(Failure::Panicked(format!("an ending was refused: {why}"))),
            Ran::Failed(why) => Some(why),
            Ran::Panicked(text) => {
                self.notify_panic(of, handler, &text, AfterPanic::AnsweredAsFailed);
                Some(Failure::Panicked(text))
            }
        })
    }

    fn keep_settlement(&mut self, settled: &Settled<'_>, request: &Request) {
        let Settled { of, settle, operation, parked, is_confirmed, is_without_handler } = settled;
        let (name, real) = ((&settle.proposer, settle.number), real_ending(*parked));
        // What it was proposed on behalf of it has refused to hold: then no ending comes.
        let is_refused = real.is_none()
            && operation.inner.is_some_and(|inner| self.entities.open_work().agreement(of, inner).is_none());
        if let Some(inner) = operation.inner {
            self.pass_down(of, inner, *is_confirmed, request.trace.as_deref());
        }
        if !planted::is(Bug::SettledTwice) {
            self.erase_operation(of, name);
        }
        if let Some(ending) = parked {
            self.unpark_ending(of, ending.number);
        }
        let mut reason = settle.reason.clone();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        self.batch.notify(Notice::Settled {
            entity: self.entities.name_of(of),
            proposer: self.entities.name_of(&settle.proposer),
            is_confirmed: *is_confirmed,
            reason: reason.clone(),
        });
        if real == Some(*is_confirmed) || is_refused {
            return;
        }
        let (is_confirmed, is_without_handler) = (*is_confirmed, *is_without_handler);
        let (handler, time) = (operation.handler, self.now);
        let kept = Settlement { is_confirmed, is_without_handler, handler, time, reason };
        self.begin_work(of, Name::Settled(name.1, name.0.clone()), Item::Settled(kept));
        if real.is_some() {
            self.note_contradicted(of, name);
        }
    }

    /// The parked ending of an operation is over with it.
    fn unpark_ending(&mut self, of: &Address, number: u64) {
        self.batch.erase_fresh(FreshCell::parked(of, number));
        let entry = match self.entities.parked_mut().take(of, number) {
            Some(parked) => UndoEntry::Unparked { number, parked },
            None => {
                self.entities.parked_mut().forget(of, number);
                UndoEntry::UnparkedStored { to: of.clone(), number }
            }
        };
        self.batch.note(entry);
    }

    /// The answer to who settles what is settled already, or was never held.
    fn answer_settled(&self, slot: SlotId, of: &Address, settle: &Settle, is_confirmed: bool) -> Answer {
        match self.settlement_of(of, (&settle.proposer, settle.number)) {
            None => Answer::Failed(Failure::Missing),
            Some(settlement) if settlement.is_confirmed != is_confirmed => {
                Answer::Failed(Failure::CannotSettle(OTHERWISE))
            }
            Some(_) => Answer::Done { reply: Vec::new(), version: self.entities.get(slot).version() },
        }
    }

    fn forget_settlement(&mut self, slot: SlotId, of: &Address, settle: &Settle) -> Answer {
        let name = (&settle.proposer, settle.number);
        if self.settlement_of(of, name).is_none() {
            return Answer::Failed(Failure::Missing);
        }
        self.drop_settlement(of, name);
        Answer::Done { reply: Vec::new(), version: self.entities.get(slot).version() }
    }

    fn drop_settlement(&mut self, of: &Address, (proposer, number): (&Address, NonZeroU64)) {
        self.end_work(of, &Name::Settled(number, proposer.clone()));
        self.end_work(of, &Name::Contradicted(number, proposer.clone()));
    }

    fn settlement_of(&self, of: &Address, (proposer, number): (&Address, NonZeroU64)) -> Option<&Settlement> {
        self.entities.open_work().settlement(of, proposer, number)
    }

    fn note_contradicted(&mut self, of: &Address, (proposer, number): (&Address, NonZeroU64)) {
        // A second ending says nothing new.
        if !self.entities.open_work().is_contradicted(of, proposer, number) {
            let name = Name::Contradicted(number, proposer.clone());
            self.begin_work(of, name, Item::Contradicted(self.now));
        }
        self.batch.notify(Notice::SettledOtherwise {
            entity: self.entities.name_of(of),
            proposer: self.entities.name_of(proposer),
        });
    }
}

/// The real ending.
impl Handling<'_> {
    /// An ending finds no operation. Gives whether that was settled as the ending says; none if it was not settled.
    pub(super) fn meet_settlement(&mut self, ending: &Message) -> Option<bool> {
        let (proposer, number) = ending.ends()?;
        let (of, name) = (&ending.to, (&proposer, number));
        let Settlement { is_confirmed, .. } = *self.settlement_of(of, name)?;
        if ending.role == Role::Lapse {
            // The proposer sends its own decision, if it counts on the operation. One that has come stands.
            if !is_confirmed && !self.entities.open_work().is_contradicted(of, &proposer, number) {
                self.drop_settlement(of, name);
            }
            return None;
        }
        let agrees = is_confirmed == (ending.role == Role::Confirm);
        if agrees || planted::is(Bug::ContradictionLost) {
            self.drop_settlement(of, name);
        } else {
            self.note_contradicted(of, name);
        }
        Some(agrees)
    }
}

/// The decision of the proposer, as far as it is parked: whether it is a confirm.
fn real_ending(parked: Option<ParkedEnding>) -> Option<bool> {
    match parked?.role {
        Role::Confirm => Some(true),
        Role::Cancel => Some(false),
        _ => None,
    }
}
