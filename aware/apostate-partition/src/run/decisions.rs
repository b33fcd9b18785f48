//! The decision of an agreement: one commit of the platform alone, with the endings and the news that it sends.
//!
//! ```text
//!   agreed      confirm to all that have accepted, cancel to all that have not answered; on behalf of a try it waits for that one's ending
//!   otherwise   cancel to all that have not refused
//! ```
//!
//! The author's handler hears of it in a message from the entity to itself, and may panic without harm.
//!
//! Invariant E4: every tentative operation reaches exactly one ending.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/agreements.rs`; planted `unanswered-not-cancelled`, `agreement-decided-twice`,
//! `inner-ends-early`, `outer-cancel-leaves-inner`.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::{
    Address, EntityKey, HandlerId, OnRefused, Outcome, Partner, Refusal, decode, encode, encode_agreed,
};

use crate::bodies::{self, ConfirmedLeg};
use crate::cells::agreement::{AgreementSub, Header, Leg, LegAnswer, Under, WAITING, leg_number};
use crate::cells::timer::TimerSub;
use crate::entities::Tally;
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::run::handling::Handling;
use crate::trace::TraceContext;

/// Decision of an agreement.
pub(super) enum Decision<'a> {
    Agreed,
    Refused { by: &'a Address, why: &'a [u8] },
    Expired,
}

/// A leg of an agreement, with its answer.
struct Answered {
    number: u32,
    leg: Leg,
    answer: Option<Arc<[u8]>>,
}

impl Answered {
    fn answer(&self) -> Option<LegAnswer<'_>> {
        self.answer
            .as_deref()
            .map(|value| LegAnswer::read(value).expect("P4 broken: the answer of a leg does not read"))
    }

    /// The offer of a leg that has accepted.
    fn offer(&self) -> Option<&[u8]> {
        match self.answer()? {
            LegAnswer::Accepted(offer) => Some(offer),
            LegAnswer::Refused(_) => None,
        }
    }
}

/// Deciding.
impl Handling<'_> {
    /// Decides an agreement, if it is as its policy says.
    pub(super) fn decide_if_due(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        refusal: Option<(Address, Vec<u8>)>,
        trace: Option<&TraceContext>,
    ) {
        let Some((_, tally)) = self.entities.open_work().agreement(proposer, number) else { return };
        let Tally { header: Header { legs, needed, is_eager, .. }, accepted, refused, .. } = tally;
        let decision = match &refusal {
            Some((by, why)) if *refused > legs - needed => Decision::Refused { by, why },
            _ if accepted + refused == *legs || (*is_eager && accepted >= needed) => Decision::Agreed,
            _ => return,
        };
        self.decide(proposer, number, &decision, trace);
    }

    /// The decision, and the messages that carry it: one commit.
    pub(super) fn decide(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        decision: &Decision<'_>,
        trace: Option<&TraceContext>,
    ) {
        let (_, tally) =
            self.entities.open_work().agreement(proposer, number).expect("E4 broken: no agreement to decide");
        let header = tally.header.clone();
        let legs = self.legs_of(proposer, number);
        let accepted = match decision {
            // They wait for the ending of the try.
            Decision::Agreed if header.under.is_some() && !planted::is(Bug::InnerEndsEarly) => None,
            Decision::Agreed => Some(Ending::confirm(&header)),
            Decision::Refused { .. } | Decision::Expired => Some(Ending::Cancel),
        };
        self.end_legs(proposer, number, (&legs, accepted), trace);
        if accepted.is_none() {
            self.change_work(&AgreementSub::Waits.key(proposer, number), Some(WAITING));
        } else if !planted::is(Bug::AgreementDecidedTwice) {
            self.change_work(&AgreementSub::Header.key(proposer, number), None);
        }
        match (&header.under, header.then) {
            (Some(under), _) => self.answer_outer(proposer, under, decision, trace),
            (None, Some(then)) => self.tell_outcome(proposer, (then, header.id), (decision, &legs), trace),
            (None, None) => {}
        }
    }

    /// The legs of an agreement, in their order.
    fn legs_of(&self, proposer: &Address, number: NonZeroU64) -> Vec<Answered> {
        let mut legs: Vec<Answered> = Vec::new();
        for (sub, value) in self.entities.open_work().cells_of_agreement(proposer, number) {
            match sub {
                AgreementSub::Header | AgreementSub::Waits => {}
                AgreementSub::Leg(number) => {
                    let leg = Leg::read(value).expect("P4 broken: a leg does not read");
                    legs.push(Answered { number, leg, answer: None });
                }
                AgreementSub::Answer(number) => {
                    let leg = legs.last_mut().filter(|leg| leg.number == number);
                    leg.expect("E4 broken: the answer of a leg that is not there").answer = Some(Arc::clone(value));
                }
            }
        }
        legs
    }

    /// Ends the legs of an agreement, and its deadline: those that have accepted as it is said, or not yet, and those without an answer by a cancel.
    fn end_legs(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        (legs, accepted): (&[Answered], Option<Ending>),
        trace: Option<&TraceContext>,
    ) {
        for leg in legs {
            let ending = match leg.answer() {
                Some(LegAnswer::Accepted(_)) if accepted.is_none() => continue,
                Some(LegAnswer::Accepted(_)) => accepted,
                Some(LegAnswer::Refused(_)) => None,
                None if planted::is(Bug::UnansweredNotCancelled) => None,
                None => Some(Ending::Cancel),
            };
            if let Some(ending) = ending {
                self.post_ending(proposer, (number, leg.number), &leg.leg, ending, trace);
            }
            self.change_work(&AgreementSub::Leg(leg.number).key(proposer, number), None);
            if leg.answer.is_some() {
                self.change_work(&AgreementSub::Answer(leg.number).key(proposer, number), None);
            }
        }
        self.cancel_timer(proposer, &deadline_of(number));
    }

    /// Tells the author's handler, in a message of its own.
    fn tell_outcome(
        &mut self,
        proposer: &Address,
        (then, id): (HandlerId, NonZeroU64),
        (decision, legs): (&Decision<'_>, &[Answered]),
        trace: Option<&TraceContext>,
    ) {
        let body = match decision {
            Decision::Agreed => {
                let names: Vec<_> = legs.iter().map(|leg| self.entities.kind_name(leg.leg.partner.kind())).collect();
                let with_offer = legs.iter().zip(&names).filter_map(|(leg, kind)| {
                    let key: &EntityKey = leg.leg.partner.key();
                    Some((leg.number, &**kind, key, leg.offer()?))
                });
                encode_agreed(&with_offer.collect::<Vec<_>>())
            }
            Decision::Refused { by, why } => {
                let why = decode(why).unwrap_or_else(|_| Refusal::with_code("failed", "its refusal cannot be read"));
                encode(&Outcome::<()>::Refused { by: self.partner_of(by), why })
            }
            Decision::Expired => encode(&Outcome::<()>::Expired),
        };
        let (body, trace) = (body.into_boxed_slice(), trace.copied().map(Box::new));
        self.post(Message { body, trace, ..Message::between(proposer, proposer, then, Role::Plain, Some(id)) });
    }

    /// A partner by name.
    pub(super) fn partner_of(&self, address: &Address) -> Partner {
        Partner { kind: self.entities.kind_name(address.kind()), key: address.key().clone() }
    }

    /// The decision of an agreement is the answer to the try that it is on behalf of.
    fn answer_outer(&mut self, entity: &Address, under: &Under, decision: &Decision<'_>, trace: Option<&TraceContext>) {
        let Under { proposer, number, offer } = under;
        let (role, body) = match decision {
            Decision::Agreed => (Role::Accepted, offer.to_vec()),
            Decision::Refused { why, .. } => (Role::Refused, why.to_vec()),
            Decision::Expired => {
                let text = "what it needs of others was not agreed in time";
                (Role::Refused, encode(&Refusal::with_code("expired", text)))
            }
        };
        self.answer_try(entity, (proposer, *number), (role, body), trace);
        if role == Role::Refused {
            self.cancel_alone(entity, (proposer, *number), trace);
        }
    }
}

/// An ending, as the proposer sends it.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Confirm {
        /// The proposer's handler that is told if there is nothing to confirm any more, and of which agreement.
        told: Option<(HandlerId, NonZeroU64)>,
    },
    Cancel,
}

impl Ending {
    fn confirm(header: &Header) -> Self {
        Self::Confirm { told: header.lapsed.map(|handler| (handler, header.id)) }
    }
}

/// Endings.
impl Handling<'_> {
    pub(super) fn post_ending(
        &mut self,
        proposer: &Address,
        (number, place): (NonZeroU64, u32),
        leg: &Leg,
        ending: Ending,
        trace: Option<&TraceContext>,
    ) {
        let (role, on_refused, body) = match ending {
            Ending::Cancel => (Role::Cancel, OnRefused::Never, Vec::new()),
            Ending::Confirm { told } => {
                let on_refused = told.map_or(OnRefused::Never, |(handler, _)| OnRefused::Tell { handler });
                let told = told.map(|(_, agreement)| ConfirmedLeg { agreement, leg: place });
                (Role::Confirm, on_refused, bodies::confirm(told, leg.value.as_deref()))
            }
        };
        let (body, trace) = (body.into_boxed_slice(), trace.copied().map(Box::new));
        let about = Some(leg_number(number, place));
        let ending = Message::between(proposer, &leg.partner, leg.handler, role, about);
        self.post(Message { on_refused, body, trace, ..ending });
    }

    /// The ending of a try travels down to the agreement that was proposed on its behalf, if that is not over.
    pub(super) fn pass_down(
        &mut self,
        entity: &Address,
        inner: NonZeroU64,
        confirms: bool,
        trace: Option<&TraceContext>,
    ) {
        let Some((number, tally)) = self.entities.open_work().agreement(entity, inner) else { return };
        let ending = if confirms { Ending::confirm(&tally.header) } else { Ending::Cancel };
        let is_waiting = tally.is_waiting;
        if !is_waiting && planted::is(Bug::OuterCancelLeavesInner) {
            return;
        }
        let legs = self.legs_of(entity, number);
        self.end_legs(entity, number, (&legs, Some(ending)), trace);
        if is_waiting {
            self.change_work(&AgreementSub::Waits.key(entity, number), None);
        }
        self.change_work(&AgreementSub::Header.key(entity, number), None);
    }
}

/// The timer of an agreement's deadline.
pub(super) fn deadline_of(number: NonZeroU64) -> TimerSub {
    TimerSub::Deadline(Role::Deadline, number)
}
