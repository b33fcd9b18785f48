//! Agreements at their proposer: opened by a commit, counted as answers come, decided by the world alone.
//!
//! Invariant E4: every tentative operation has exactly one ending. So a decision sends one to each partner that has accepted, or may yet.

use apostate_core::{
    EntityKey, HandlerId, OnRefused, Outcome, Partner, Proposed, Refusal, TryOf, encode, encode_agreed, offer_fits,
};
use apostate_partition::Role;

use super::agreement::{Agreement, Decision, Leg, TryName, confirm};
use super::node::{Deadline, Message, NodeId};
use super::running::Post;
use super::world::IsolatedWorld;
use crate::finding::Check;
use crate::trace::TraceEvent;

/// Proposing.
impl IsolatedWorld {
    /// Opens the agreements that a run has proposed. Gives their numbers.
    pub(super) fn open_agreements(
        &mut self,
        id: NodeId,
        message: &Message,
        proposals: &[Proposed],
        offer: &[u8],
    ) -> Vec<u64> {
        let now = self.agenda.now();
        let mut numbers = Vec::new();
        for Proposed { id: number, legs, policy, wait, then, lapsed, is_under_try } in proposals {
            let under = is_under_try.then(|| ((message.from, message.about), offer.to_vec()));
            let (policy, then, lapsed) = (*policy, *then, *lapsed);
            let agreement = Agreement { policy, then, lapsed, legs: Vec::new(), under, is_waiting: false };
            let number = number.0.get();
            self.nodes[id as usize].agreements.insert(number, agreement);
            if let Some(wait) = wait {
                self.set_deadline(id, now, *wait, Deadline::Agreement(number));
            }
            let within = wait.map_or_else(String::new, |wait| format!(" within {} s", wait.as_secs_f64()));
            self.tell(id, message, TraceEvent::Words(format!("proposes to {legs} partners, to be decided{within}")));
            numbers.push(number);
        }
        numbers
    }

    /// Puts a try on its way, as a leg of an agreement.
    pub(super) fn post_try(&mut self, id: NodeId, post: Post<'_>, (number, of): (u64, TryOf), cause: u64) -> Check {
        let TryOf { proposal: _, leg: _, confirm_with, is_offer_read, can_lapse } = of;
        let partner = self.node_of(post.to)?;
        let node = &mut self.nodes[id as usize];
        let about = node.sent + 1;
        let Some(agreement) = node.agreements.get_mut(&number) else { unreachable!("it was opened just now") };
        // Whoever can be told of a lapse is who has to confirm.
        let told = agreement.lapsed.filter(|_| can_lapse);
        let on_refused = told.map_or(OnRefused::Never, |handler| OnRefused::Tell { handler });
        let place = agreement.legs.len();
        agreement.legs.push(Leg { partner, about, handler: post.handler, confirm_with, is_offer_read, answer: None });
        node.tries.insert(about, (number, place));
        self.post(id, Post { role: Role::Try, about, on_refused, ..post }, cause)
    }

    /// Decides what is decided without an answer.
    pub(super) fn decide_at_once(&mut self, id: NodeId, message: &Message, numbers: &[u64], cause: u64) -> Check {
        for number in numbers {
            let due = self.nodes[id as usize].agreements.get(number).and_then(|agreement| agreement.due(None));
            if let Some(decision) = due {
                self.decide(id, message, *number, decision, cause)?;
            }
        }
        Ok(())
    }
}

/// Deciding.
impl IsolatedWorld {
    /// Takes the answer of a partner. One that comes after the decision changes nothing.
    pub(super) fn take_answer(&mut self, id: NodeId, message: &Message) -> Check {
        let node = &mut self.nodes[id as usize];
        let Some((number, place)) = node.tries.remove(&message.about) else {
            self.tell(id, message, TraceEvent::Words("dropped: its agreement is decided".to_owned()));
            return Ok(());
        };
        let Some(agreement) = node.agreements.get_mut(&number) else { unreachable!("a try of no agreement") };
        let leg = &mut agreement.legs[place];
        let (partner, handler, about) = (leg.partner, leg.handler, leg.about);
        let is_told = message.role == Role::Refused || !leg.is_offer_read || offer_fits(&message.body);
        let answer = match message.role {
            Role::Refused => Err(decode_refusal(&message.body)),
            _ if !leg.is_offer_read => Ok(Vec::new()),
            _ if is_told => Ok(message.body.clone()),
            _ => Err(Refusal::with_code("failed", "its offer is nested deeper than an outcome can tell")),
        };
        let refusal = answer.as_ref().err().map(|why| (partner, why.clone()));
        leg.answer = Some(answer);
        let due = agreement.due(refusal);
        let what = if message.role == Role::Refused { "refused, and counted" } else { "accepted, and counted" };
        let line = self.tell(id, message, TraceEvent::Words(what.to_owned()));
        if !is_told {
            self.post_ending(id, (partner, handler, about), None, line)?;
        }
        match due {
            Some(decision) => self.decide(id, message, number, decision, line),
            None => Ok(()),
        }
    }

    /// The time of an agreement is over.
    pub(super) fn expire_agreement(&mut self, id: NodeId, message: &Message) -> Check {
        let number = message.about;
        let agreement = self.nodes[id as usize].agreements.get(&number);
        let Some(agreement) = agreement.filter(|agreement| !agreement.is_waiting) else { return Ok(()) };
        let decision = agreement.at_the_deadline();
        let line = self.tell(id, message, TraceEvent::Words("the time is over".to_owned()));
        self.decide(id, message, number, decision, line)
    }

    /// The decision, and the messages that carry it.
    fn decide(&mut self, id: NodeId, message: &Message, number: u64, decision: Decision, cause: u64) -> Check {
        let Some(mut agreement) = self.nodes[id as usize].agreements.remove(&number) else { return Ok(()) };
        let what = match &decision {
            Decision::Agreed => "agreed".to_owned(),
            Decision::Refused { by, why } => {
                format!("not agreed: {} refused: {why}", self.names.entity(&self.nodes[*by as usize].address))
            }
            Decision::Expired => "not agreed in time".to_owned(),
        };
        let line = self.tell(id, message, TraceEvent::Words(what));
        let line = if line > 0 { line } else { cause };
        let is_agreed = matches!(decision, Decision::Agreed);
        let waits = is_agreed && agreement.under.is_some();
        for leg in &agreement.legs {
            self.nodes[id as usize].tries.remove(&leg.about);
        }
        for (place, leg) in agreement.legs.iter().enumerate() {
            let to = (leg.partner, leg.handler, leg.about);
            match &leg.answer {
                Some(Err(_)) => {}
                Some(Ok(_)) if waits => {}
                Some(Ok(_)) if is_agreed => self.post_confirm(id, (number, place, leg), agreement.lapsed, line)?,
                Some(Ok(_)) | None => self.post_ending(id, to, None, line)?,
            }
        }
        match (agreement.under.take(), agreement.then) {
            (Some((name, offer)), _) => {
                let inner = Agreement { is_waiting: true, ..agreement };
                self.answer_outer(id, (name, offer), decision, (number, inner), line)
            }
            (None, Some(then)) => {
                let body = self.outcome(&agreement, &decision);
                let own = self.nodes[id as usize].address.clone();
                self.post(id, Post { about: number, ..Post::plain(&own, then, OnRefused::Never, body) }, line)
            }
            (None, None) => Ok(()),
        }
    }

    /// The decision of an agreement answers the try that it is on behalf of.
    fn answer_outer(
        &mut self,
        id: NodeId,
        (name, offer): (TryName, Vec<u8>),
        decision: Decision,
        (number, mut inner): (u64, Agreement),
        cause: u64,
    ) -> Check {
        let why = match decision {
            Decision::Agreed => {
                // Those that had not answered are cancelled, and hold nothing for it any more.
                for leg in &mut inner.legs {
                    leg.answer.get_or_insert_with(|| Err(Refusal::new("cancelled")));
                }
                self.nodes[id as usize].agreements.insert(number, inner);
                return self.answer_try(id, name, (Role::Accepted, offer), cause);
            }
            Decision::Refused { why, .. } => why,
            Decision::Expired => Refusal::with_code("expired", "what it needs of others was not agreed in time"),
        };
        self.answer_try(id, name, (Role::Refused, encode(&why)), cause)?;
        self.lapse(id, name);
        Ok(())
    }

    /// The outcome as the author's handler takes it.
    fn outcome(&self, agreement: &Agreement, decision: &Decision) -> Vec<u8> {
        match decision {
            Decision::Agreed => {
                let named = agreement.legs.iter().zip(0..).filter_map(|(leg, place)| {
                    let Some(Ok(offer)) = &leg.answer else { return None };
                    let (kind, key) = self.named(leg.partner);
                    Some((place, kind, key, offer.as_slice()))
                });
                encode_agreed(&named.collect::<Vec<_>>())
            }
            Decision::Refused { by, why } => {
                encode(&Outcome::<()>::Refused { by: self.partner(*by), why: why.clone() })
            }
            Decision::Expired => encode(&Outcome::<()>::Expired),
        }
    }

    fn named(&self, id: NodeId) -> (&str, &EntityKey) {
        let node = &self.nodes[id as usize];
        (self.names.0.kinds()[node.kind].name, node.address.key())
    }

    /// A partner by name.
    pub(super) fn partner(&self, id: NodeId) -> Partner {
        let (kind, key) = self.named(id);
        Partner { kind: kind.to_owned(), key: key.clone() }
    }
}

/// Endings.
impl IsolatedWorld {
    fn post_confirm(
        &mut self,
        id: NodeId,
        (number, place, leg): (u64, usize, &Leg),
        lapsed: Option<HandlerId>,
        cause: u64,
    ) -> Check {
        let body = confirm(number, u32::try_from(place).unwrap_or(u32::MAX), leg.confirm_with.as_deref());
        self.post_ending(id, (leg.partner, leg.handler, leg.about), Some((body, lapsed)), cause)
    }

    /// Puts an ending on its way: a confirm with its body and with who hears of a lapse, or else a cancel.
    fn post_ending(
        &mut self,
        id: NodeId,
        (partner, handler, about): (NodeId, HandlerId, u64),
        confirm: Option<(Vec<u8>, Option<HandlerId>)>,
        cause: u64,
    ) -> Check {
        let to = self.nodes[partner as usize].address.clone();
        let (role, body, told) = match confirm {
            Some((body, told)) => (Role::Confirm, body, told),
            None => (Role::Cancel, Vec::new(), None),
        };
        let on_refused = told.map_or(OnRefused::Never, |handler| OnRefused::Tell { handler });
        self.post(id, Post { role, about, ..Post::plain(&to, handler, on_refused, body) }, cause)
    }

    /// An agreement that was proposed on behalf of an operation ends as that does, unless it is over.
    pub(super) fn pass_down(&mut self, id: NodeId, inner: u64, is_confirmed: bool, cause: u64) -> Check {
        let Some(agreement) = self.nodes[id as usize].agreements.remove(&inner) else { return Ok(()) };
        for (place, leg) in agreement.legs.iter().enumerate().filter(|(_, leg)| leg.may_hold()) {
            self.nodes[id as usize].tries.remove(&leg.about);
            if is_confirmed {
                self.post_confirm(id, (inner, place, leg), agreement.lapsed, cause)?;
            } else {
                self.post_ending(id, (leg.partner, leg.handler, leg.about), None, cause)?;
            }
        }
        Ok(())
    }
}

fn decode_refusal(body: &[u8]) -> Refusal {
    apostate_core::decode(body).unwrap_or_else(|_| Refusal::with_code("failed", "its refusal cannot be read"))
}
