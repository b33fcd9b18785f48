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
use crate::cells::agreement::{self, Header, Leg, LegAnswer, Under, leg_number};
use crate::cells::timer::TimerSub;
use crate::entities::{Agreement, OpenLeg};
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
        let Some((_, agreement)) = self.entities.open_work().agreement(proposer, number) else { return };
        let Agreement { header: Header { legs, needed, is_eager, .. }, accepted, refused, .. } = agreement;
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
        let (_, agreement) =
            self.entities.open_work().agreement(proposer, number).expect("E4 broken: no agreement to decide");
        let is_agreed = matches!(decision, Decision::Agreed);
        if is_agreed && agreement.header.under.is_some() && !planted::is(Bug::InnerEndsEarly) {
            return self.wait_for_outer(proposer, number, decision, trace);
        }
        let ending = if is_agreed { Ending::confirm(&agreement.header) } else { Ending::Cancel };
        let Some(agreement) = self.end_agreement(proposer, number, ending, trace) else { return };
        if planted::is(Bug::AgreementDecidedTwice) {
            self.entities.open_work_mut().propose(proposer, number, agreement.header.clone());
        }
        match &agreement.header {
            Header { under: Some(under), .. } => self.answer_outer(proposer, under, decision, trace),
            Header { then: Some(then), id, .. } => {
                self.tell_outcome(proposer, (*then, *id), (decision, &agreement.legs), trace);
            }
            Header { then: None, .. } => {}
        }
    }

    /// An agreement on behalf of a try is agreed. Those that have accepted wait for the ending of the try; the others have nothing to wait for.
    fn wait_for_outer(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        decision: &Decision<'_>,
        trace: Option<&TraceContext>,
    ) {
        let work = self.entities.open_work_mut();
        let others = work.wait(proposer, number);
        let under = work.agreement(proposer, number).and_then(|(_, agreement)| agreement.header.under.clone());
        self.batch.reserve((2 * others.len() + 1) * agreement::cell_bytes(proposer));
        self.end_legs(proposer, number, (&others, Ending::Cancel), trace);
        if let Some(under) = under {
            self.answer_outer(proposer, &under, decision, trace);
        }
    }

    /// An agreement is over, and so are its legs.
    fn end_agreement(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        ending: Ending,
        trace: Option<&TraceContext>,
    ) -> Option<Arc<Agreement>> {
        let agreement = self.entities.open_work_mut().end_agreement(proposer, number)?;
        self.batch.reserve(2 * (agreement.legs.len() + 1) * agreement::cell_bytes(proposer));
        self.end_legs(proposer, number, (&agreement.legs, ending), trace);
        Some(agreement)
    }

    /// Sends the endings of legs: to those that have accepted the one that is given, and a cancel to those without an answer. The deadline is over too.
    fn end_legs(
        &mut self,
        proposer: &Address,
        number: NonZeroU64,
        (legs, accepted): (&[OpenLeg], Ending),
        trace: Option<&TraceContext>,
    ) {
        for leg in legs {
            let ending = match leg.answer() {
                Some(LegAnswer::Accepted(_)) => Some(accepted),
                Some(LegAnswer::Refused(_)) => None,
                None if planted::is(Bug::UnansweredNotCancelled) => None,
                None => Some(Ending::Cancel),
            };
            if let Some(ending) = ending {
                self.post_ending(proposer, (number, leg.number), &leg.leg, ending, trace);
            }
        }
        self.cancel_timer(proposer, &deadline_of(number));
    }

    /// Tells the author's handler, in a message of its own.
    fn tell_outcome(
        &mut self,
        proposer: &Address,
        (then, id): (HandlerId, NonZeroU64),
        (decision, legs): (&Decision<'_>, &[OpenLeg]),
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
        let Some((number, agreement)) = self.entities.open_work().agreement(entity, inner) else { return };
        if !agreement.is_waiting && planted::is(Bug::OuterCancelLeavesInner) {
            return;
        }
        let ending = if confirms { Ending::confirm(&agreement.header) } else { Ending::Cancel };
        self.end_agreement(entity, number, ending, trace);
    }
}

/// The timer of an agreement's deadline.
pub(super) fn deadline_of(number: NonZeroU64) -> TimerSub {
    TimerSub::Deadline(Role::Deadline, number)
}
