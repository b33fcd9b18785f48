//! Answers that an entity owes: a call that it answers later has a cell, until a later run answers, or its time is over.
//!
//! ```text
//!   caller  ├ call ┐                                                     ┌ answer ┤
//!   entity         └ handler runs: cell, deadline, key is pending ─ ─ ─ ┘ a later run: cell goes, key remembers
//! ```
//!
//! A client waits at nothing: its call is answered as pending, and it asks again with its key once it hears that the answer is there. An entity that
//! asked is told by a message, as ever. The deadline is a timer of the platform's; of it and the answer, the first to erase the cell counts.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/owed.rs`; planted `owed-answered-twice`, `owed-left-by-delete`.

use std::num::NonZeroU64;
use std::time::Duration;

use apostate_core::limits::OWED_PER_ENTITY_MAX;
use apostate_core::{Address, AnswersLater, GivenAnswer, OnRefused, OwedAnswers, Refusal, encode, encode_answered};

use crate::cells::owed::Owed;
use crate::cells::timer::TimerSub;
use crate::entities::{Item, Name, OpenWork, SlotId};
use crate::interface::{Answer, Effect, Request};
use crate::message::{Message, NO_HANDLER, Role};
use crate::planted::{self, Bug};
use crate::run::client_key::fingerprint;
use crate::run::handling::Handling;

/// Answers that an entity owes, as its run sees them.
pub(super) struct OwedBy<'a> {
    pub(super) work: &'a OpenWork,
    pub(super) address: &'a Address,
}

impl std::fmt::Debug for OwedBy<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "answers owed by {:?}", self.address)
    }
}

impl OwedAnswers for OwedBy<'_> {
    fn is_owed(&self, number: u64) -> bool {
        NonZeroU64::new(number).is_some_and(|number| self.work.owed_by(self.address, number).is_some())
    }
}

/// How an owed answer ended.
enum Given {
    /// Answered.
    Replied(Vec<u8>),
    /// Refused.
    Refused(Refusal),
    /// By nobody: its time is over, or the entity was deleted.
    Expired,
}

impl Handling<'_> {
    /// Whether the run that has ended is to be answered later, and its entity owes as much as it may already.
    pub(super) fn owes_too_much(&self, of: &Address) -> bool {
        let owed = || self.entities.open_work().all_owed_by(of).count();
        self.runner.effects().later.is_some() && owed() >= OWED_PER_ENTITY_MAX
    }

    /// A call from outside is answered later: its key is pending.
    pub(super) fn owe_client(&mut self, slot: SlotId, key: &str, request: &Request, later: AnswersLater) {
        let fingerprint = fingerprint(request);
        self.remember(slot, key, (&request.to, fingerprint), &Answer::Pending { number: later.number });
        self.owe(&request.to, later, Owed::Client { fingerprint, key: key.into() });
    }

    /// A message that was asked is answered later.
    pub(super) fn owe_asker(&mut self, asked: &Message, later: AnswersLater) {
        let (Some(asker), OnRefused::Tell { handler }, Some(ask)) = (&asked.from, asked.on_refused, asked.about) else {
            panic!("E1 broken: a message was asked that says not who takes the answer");
        };
        self.owe(&asked.to, later, Owed::Asker { ask, then: handler, asker: asker.clone() });
    }

    fn owe(&mut self, of: &Address, later: AnswersLater, owed: Owed) {
        let number = number_of(later.number);
        self.begin_work(of, Name::Owed(number), Item::Owed(owed));
        let within = later.within.unwrap_or(self.scope.tuning().client_key_retention);
        let within = if planted::is(Bug::OwedExpiredEarly) { within / 2 } else { within };
        // A part of a millisecond is waited for as a whole one.
        let deadline = self.now.after(within.saturating_add(Duration::from_nanos(999_999)));
        let trace = self.next_trace();
        let overdue = Message { trace, ..Message::between(of, of, NO_HANDLER, Role::Overdue, Some(number)) };
        self.set_timer(of, &deadline_of(number), deadline, &overdue);
    }

    /// Keeps what a run has answered, but for what it has answered to its own call.
    pub(super) fn keep_answers(&mut self, slot: SlotId, of: &Address) {
        let effects = self.runner.effects_mut();
        let own = effects.later.map(|later| later.number);
        let given: Vec<_> = effects.answers.extract_if(.., |given| Some(given.number) != own).collect();
        for GivenAnswer { number, answer } in given {
            let number = number_of(number);
            let Some(owed) = self.entities.open_work().owed_by(of, number).cloned() else { continue };
            self.end_owed(of, number);
            self.settle(slot, of, number, owed, answer.map_or_else(Given::Refused, Given::Replied));
        }
    }

    /// The time of an owed answer is over: if it is owed still, whoever waits is told that none has come.
    pub(super) fn expire_owed(&mut self, overdue: &Message) {
        let of = &overdue.to;
        let Some(number) = overdue.about else { return };
        let Some(owed) = self.entities.open_work().owed_by(of, number).cloned() else { return };
        let slot = self.entities.slot_of(of);
        self.end_owed(of, number);
        self.settle(slot, of, number, owed, Given::Expired);
    }

    /// Ends all that an entity owes that is deleted: whoever waits is told that no answer has come.
    pub(super) fn drop_owed(&mut self, slot: SlotId, of: &Address) {
        if planted::is(Bug::OwedLeftByDelete) {
            return;
        }
        let numbers: Vec<_> = self.entities.open_work().all_owed_by(of).collect();
        for number in numbers {
            let Some(owed) = self.entities.open_work().owed_by(of, number).cloned() else { continue };
            self.end_owed(of, number);
            self.settle(slot, of, number, owed, Given::Expired);
        }
    }

    fn end_owed(&mut self, of: &Address, number: NonZeroU64) {
        if !planted::is(Bug::OwedAnsweredTwice) {
            self.end_work(of, &Name::Owed(number));
            self.cancel_timer(of, &deadline_of(number));
        }
    }

    /// Tells whoever waits.
    fn settle(&mut self, slot: SlotId, of: &Address, number: NonZeroU64, owed: Owed, given: Given) {
        match owed {
            Owed::Client { fingerprint, key } => {
                let version = self.entities.get(slot).version();
                let answer = match given {
                    Given::Replied(reply) => Answer::Done { reply, version },
                    Given::Refused(refusal) => Answer::Refused(refusal),
                    Given::Expired => Answer::Expired,
                };
                self.remember(slot, &key, (of, fingerprint), &answer);
                self.batch.output(Effect::Settled { entity: of.clone(), number: number.get() });
            }
            Owed::Asker { ask, then, asker } => {
                let body = match given {
                    Given::Replied(reply) => encode_answered(&reply),
                    Given::Refused(refusal) => encode(&apostate_core::Answer::<()>::Refused(refusal)),
                    Given::Expired => encode(&apostate_core::Answer::<()>::Expired),
                };
                let (body, trace) = (body.into_boxed_slice(), self.next_trace());
                self.post(Message { body, trace, ..Message::between(of, &asker, then, Role::Reply, Some(ask)) });
            }
        }
    }
}

/// The timer of an owed answer's deadline.
fn deadline_of(number: NonZeroU64) -> TimerSub {
    TimerSub::Deadline(Role::Overdue, number)
}

fn number_of(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).expect("P4 broken: versions begin at 1")
}
