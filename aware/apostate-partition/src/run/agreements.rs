//! Agreements, at their proposer: proposed by a run, counted as answers come, and decided by the platform alone.
//!
//! ```text
//!   proposer  ├ header, legs, tries ┤      ├ answer ┤  …  ├ answer, or deadline: all cells go, endings and `then` leave ┤
//!                     └─── try ──▶ partner ────┘                                  └─── confirm, cancel ──▶ partner
//! ```
//!
//! The decision is one commit, and no code of an author runs in it. `docs/design/agreements.md` says why each step is as it is.
//!
//! Invariant E4: every tentative operation reaches exactly one ending.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `agreement-decided-twice`, `unanswered-not-cancelled`.

use std::num::NonZeroU64;

use apostate_core::limits::{AGREEMENTS_PER_ENTITY_MAX, SENT_OVERHEAD_BYTES, TX_BYTES_MAX};
use apostate_core::{Address, Proposed, Refusal, SentAs, TryOf, encode, offer_fits, written_key_bytes};

use crate::bodies::TryHead;
use crate::cells::agreement::{self, Header, Leg, LegAnswer, Under, leg_number};
use crate::entities::Agreement;
use crate::interface::Failure;
use crate::message::{Message, NO_HANDLER, Role};
use crate::run::attempt::{Occasion, Run};
use crate::run::decisions::{Decision, Ending, deadline_of};
use crate::run::handling::Handling;

/// Bytes of the outcome that a leg takes besides the key of its partner and its offer, about: names of fields, and that of the kind.
const OUTCOME_LEG_BYTES: usize = 96;

/// Proposing.
impl Handling<'_> {
    /// Why a run may not propose what it has, if that is so.
    pub(super) fn refuses_proposals(&self, proposer: &Address) -> Option<Failure> {
        let proposed = self.runner.effects().proposals.len();
        if proposed == 0 {
            return None;
        }
        if self.entities.open_work().agreements_of(proposer) + proposed > AGREEMENTS_PER_ENTITY_MAX {
            return Some(Failure::TooManyAgreements);
        }
        let is_too_large = self.decision_bytes(proposer).into_iter().any(|bytes| bytes > TX_BYTES_MAX);
        is_too_large.then_some(Failure::TooLarge)
    }

    /// Bytes that the decision of each proposal of the run writes at most, besides offers.
    fn decision_bytes(&self, proposer: &Address) -> Vec<usize> {
        let own_key = written_key_bytes(proposer);
        let effects = self.runner.effects();
        let mut bytes = vec![SENT_OVERHEAD_BYTES + 4 * own_key; effects.proposals.len()];
        for sent in &effects.sent {
            if let SentAs::Try(of) = &sent.sent_as {
                let ending = SENT_OVERHEAD_BYTES + 2 * (own_key + written_key_bytes(&sent.to));
                let value = of.confirm_with.as_ref().map_or(0, |value| value.len());
                let cells = 2 * agreement::cell_bytes(proposer);
                let outcome = OUTCOME_LEG_BYTES + sent.to.key().as_bytes().len();
                bytes[of.proposal as usize] += ending + value + cells + outcome;
            }
        }
        bytes
    }

    /// Opens the agreements that the run has proposed. Gives their numbers; each leg has one of those behind its agreement's.
    pub(super) fn open_agreements(&mut self, run: &Run<'_>) -> Vec<NonZeroU64> {
        if self.runner.effects().proposals.is_empty() {
            return Vec::new();
        }
        let bytes = self.decision_bytes(run.to);
        let proposals = std::mem::take(&mut self.runner.effects_mut().proposals);
        let opened = bytes.iter().zip(&proposals);
        let numbers = opened.map(|(bytes, proposed)| self.open_agreement(run, *bytes, proposed)).collect();
        self.runner.effects_mut().proposals = proposals;
        numbers
    }

    fn open_agreement(&mut self, run: &Run<'_>, decision_bytes: usize, proposed: &Proposed) -> NonZeroU64 {
        let Proposed { id, legs, policy, wait, then, lapsed, is_under_try } = *proposed;
        let number = NonZeroU64::new(self.log.number()).expect("P4 broken: numbers begin at 1");
        for _ in 0..legs {
            self.log.number();
        }
        let under = match (is_under_try, run.occasion, run.from) {
            (true, Occasion::Try(try_number), Some(from)) => {
                self.runner.note_inner(number);
                let offer = self.runner.effects().reply.as_slice().into();
                Some(Under { proposer: from.clone(), number: try_number, offer })
            }
            _ => None,
        };
        let room = TX_BYTES_MAX.saturating_sub(decision_bytes);
        let header = Header {
            id: id.0,
            legs,
            needed: policy.needed,
            is_eager: policy.is_eager,
            then,
            lapsed,
            deadline: wait.map(|wait| self.now.after(wait)),
            room: u32::try_from(room).unwrap_or(u32::MAX),
            since: Some(self.now),
            under,
        };
        self.batch.reserve(agreement::cell_bytes(run.to) + header.length());
        let deadline = header.deadline;
        self.entities.open_work_mut().propose(run.to, number, header);
        if let Some(deadline) = deadline {
            let trace = self.next_trace();
            let expired =
                Message { trace, ..Message::between(run.to, run.to, NO_HANDLER, Role::Deadline, Some(number)) };
            self.set_timer(run.to, &deadline_of(number), deadline, &expired);
        }
        number
    }

    /// Opens a leg of an agreement. Gives the message as a try.
    pub(super) fn open_leg(&mut self, number: NonZeroU64, of: TryOf, message: Message) -> Message {
        let TryOf { proposal: _, leg: place, confirm_with, is_offer_read, can_lapse } = of;
        let Some(proposer) = &message.from else { unreachable!("what a run sends has a sender") };
        let leg = Leg { partner: message.to.clone(), handler: message.handler, is_offer_read, value: confirm_with };
        self.batch.reserve(agreement::cell_bytes(proposer) + leg.length());
        let header = self.entities.open_work_mut().add_leg(proposer, number, (place, leg));
        let head = TryHead { deadline: header.deadline, can_lapse };
        let body = [&head.write(), &message.body[..]].concat().into_boxed_slice();
        Message { role: Role::Try, about: Some(leg_number(number, place)), body, ..message }
    }

    /// Decides what is decided without an answer: an agreement without partners would wait for its deadline.
    pub(super) fn decide_at_once(&mut self, proposer: &Address, numbers: &[NonZeroU64]) {
        for number in numbers {
            let trace = self.next_trace();
            self.decide_if_due(proposer, *number, None, trace.as_deref());
        }
    }
}

/// Deciding.
impl Handling<'_> {
    /// Takes the answer of a partner. One that comes after the decision finds no agreement, and changes nothing.
    pub(super) fn take_leg_answer(&mut self, message: &Message, answer: LegAnswer<'_>) {
        let Some((number, place)) = self.unanswered_leg(message) else {
            self.batch.counts_mut().late_answers += 1;
            return;
        };
        let proposer = &message.to;
        let (_, agreement) = self.entities.open_work().agreement(proposer, number).expect("it was found");
        let leg = &agreement.leg(place).expect("E4 broken: a leg is not there").leg;
        let trace = message.trace.as_deref();
        let kept = match answer {
            LegAnswer::Accepted(_) if !leg.is_offer_read => Ok(&[][..]),
            LegAnswer::Accepted(offer) if self.has_room(proposer, number, offer) => Ok(offer),
            LegAnswer::Accepted(_) => {
                // It cannot be told what is offered, so it is as if the partner had not been able to hold it.
                let leg = leg.clone();
                self.post_ending(proposer, (number, place), &leg, Ending::Cancel, trace);
                let why = Refusal::with_code("failed", "its offer is larger than an outcome can tell");
                Err((leg.partner, encode(&why)))
            }
            LegAnswer::Refused(why) => Err((leg.partner.clone(), why.to_vec())),
        };
        let kept_answer = match &kept {
            Ok(offer) => LegAnswer::Accepted(offer),
            Err((_, why)) => LegAnswer::Refused(why),
        };
        self.batch.reserve(agreement::cell_bytes(proposer) + kept_answer.length());
        self.entities.open_work_mut().answer_leg(proposer, (number, place), kept_answer);
        self.decide_if_due(proposer, number, kept.err(), trace);
    }

    /// The agreement that an answer is for, and its leg, if that has no answer yet.
    fn unanswered_leg(&self, message: &Message) -> Option<(NonZeroU64, u32)> {
        let (number, agreement) = self.entities.open_work().agreement(&message.to, message.about?)?;
        let place = u32::try_from(message.about?.get() - number.get()).ok()?.checked_sub(1)?;
        let is_answered = agreement.leg(place).is_some_and(|leg| leg.answer().is_some());
        (!agreement.is_waiting && !is_answered).then_some((number, place))
    }

    fn has_room(&self, proposer: &Address, number: NonZeroU64, offer: &[u8]) -> bool {
        let found = self.entities.open_work().agreement(proposer, number);
        let room = |agreement: &Agreement| (agreement.header.room as usize).saturating_sub(agreement.offer_bytes);
        found.is_some_and(|(_, agreement)| offer.len() <= room(agreement)) && offer_fits(offer)
    }

    /// The time of an agreement is over.
    pub(super) fn expire_agreement(&mut self, message: &Message) {
        let found = message.about.and_then(|about| self.entities.open_work().agreement(&message.to, about));
        let Some((number, Agreement { header, accepted, is_waiting: false, .. })) = found else { return };
        if Some(number) != message.about {
            return;
        }
        let decision = if *accepted >= header.needed { Decision::Agreed } else { Decision::Expired };
        self.decide(&message.to, number, &decision, message.trace.as_deref());
    }
}
