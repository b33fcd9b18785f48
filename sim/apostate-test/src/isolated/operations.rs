//! Tentative operations at the partner: held when a try is accepted, and ended once.
//!
//! Invariant E4: every tentative operation has exactly one ending.

use std::borrow::Cow;

use apostate_core::{HandlerId, Lapsed, OnRefused, Refusal, Tentative, confirm_body, encode};
use apostate_partition::Role;

use super::agreement::{Operation, TryName, read_confirm};
use super::node::{Deadline, Message, NodeId};
use super::running::Post;
use super::world::IsolatedWorld;
use crate::finding::Check;
use crate::trace::TraceEvent;

impl IsolatedWorld {
    /// The endings of the tentative handler with this id.
    fn tentative(&self, id: NodeId, handler: HandlerId) -> Option<Tentative> {
        let kind = &self.names.0.kinds()[self.nodes[id as usize].kind];
        kind.handlers[kind.find(handler)?].tentative
    }

    /// Holds what a try asked for, and answers it; unless an agreement on its behalf does that.
    pub(super) fn hold(
        &mut self,
        id: NodeId,
        message: &Message,
        inner: Option<u64>,
        offer: &[u8],
        cause: u64,
    ) -> Check {
        let name = (message.from, message.about);
        let operation = Operation { handler: message.handler, hold: message.body.clone(), inner };
        self.nodes[id as usize].operations.insert(name, operation);
        let can_lapse = matches!(message.on_refused, OnRefused::Tell { .. });
        let self_expire = self.tentative(id, message.handler).and_then(|tentative| tentative.self_expire);
        if let Some(wait) = self_expire.filter(|_| can_lapse) {
            self.set_deadline(id, self.agenda.now(), wait, Deadline::Operation(name));
        }
        match inner {
            None => self.answer_try(id, name, (Role::Accepted, offer.to_vec()), cause),
            Some(_) => Ok(()),
        }
    }

    /// Answers a try.
    pub(super) fn answer_try(&mut self, id: NodeId, name: TryName, (role, body): (Role, Vec<u8>), cause: u64) -> Check {
        let (proposer, about) = name;
        let to = self.nodes[proposer as usize].address.clone();
        // It has no handler: the proposer's platform takes it.
        self.post(id, Post { role, about, ..Post::plain(&to, HandlerId(0), OnRefused::Never, body) }, cause)
    }

    /// A try that was not held is answered.
    pub(super) fn refuse_try(&mut self, id: NodeId, message: &Message, why: &Refusal, cause: u64) -> Check {
        self.answer_try(id, (message.from, message.about), (Role::Refused, encode(why)), cause)
    }

    /// An ending as the message that its handler takes. None: there is nothing to end.
    pub(super) fn ending<'m>(&self, id: NodeId, message: &'m Message) -> Option<Cow<'m, Message>> {
        let operation = self.nodes[id as usize].operations.get(&(message.from, message.about))?;
        let tentative = self.tentative(id, operation.handler)?;
        let (handler, body) = match message.role {
            Role::Confirm => (tentative.confirm, confirm_body(&operation.hold, read_confirm(&message.body).2)),
            _ => (tentative.cancel, operation.hold.clone()),
        };
        Some(Cow::Owned(Message { handler: HandlerId::of(handler), body, ..message.clone() }))
    }

    /// An ending has found nothing to end. If there should have been something, it has lapsed, and the proposer's author is told.
    pub(super) fn end_nothing(&mut self, id: NodeId, message: &Message) -> Check {
        let line = self.tell(id, message, TraceEvent::Words("there is nothing to end".to_owned()));
        let (Role::Confirm, OnRefused::Tell { handler }) = (message.role, message.on_refused) else { return Ok(()) };
        let (about, leg, _) = read_confirm(&message.body);
        let lapsed = Lapsed { leg, partner: self.partner(id) };
        let to = self.nodes[message.from as usize].address.clone();
        self.post(id, Post { about, ..Post::plain(&to, handler, OnRefused::Never, encode(&lapsed)) }, line)
    }

    /// The operation that an ending was for is over, and what was proposed on its behalf ends with it.
    pub(super) fn end_operation(&mut self, id: NodeId, message: &Message, cause: u64) -> Check {
        let operation = self.nodes[id as usize].operations.remove(&(message.from, message.about));
        match operation.and_then(|operation| operation.inner) {
            Some(inner) => self.pass_down(id, inner, message.role == Role::Confirm, cause),
            None => Ok(()),
        }
    }

    /// An ending is given up, and its operation stays. Partners further down need not wait; but what has lapsed may still be confirmed.
    pub(super) fn give_up_ending(&mut self, id: NodeId, message: &Message, why: String, cause: u64) -> Check {
        let operation = self.nodes[id as usize].operations.get(&(message.from, message.about));
        if let Some(inner) = operation.and_then(|operation| operation.inner).filter(|_| message.role != Role::Lapse) {
            self.pass_down(id, inner, message.role == Role::Confirm, cause)?;
        }
        let shown = self.ending(id, message).map_or_else(|| message.clone(), Cow::into_owned);
        self.park(id, &shown, why);
        Ok(())
    }

    /// Whether an entity may not be deleted by the message that runs: others count on it.
    pub(super) fn is_uncertain(&self, id: NodeId, message: &Message) -> bool {
        let node = &self.nodes[id as usize];
        let is_ending = matches!(message.role, Role::Confirm | Role::Cancel | Role::Lapse);
        message.role == Role::Try
            || !self.twins.effects.proposals.is_empty()
            || !node.agreements.is_empty()
            || node.operations.len() > usize::from(is_ending)
    }
}
