//! Sends what runs have sent: into this batch if it stays here, else into the outbox.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable.

use apostate_core::{Address, OnRefused, Refusal, Refused, Sent, SentAs, encode};

use crate::delivery::{Kept, Layout, Outgoing};
use crate::message::{Identity, Message, Role};
use crate::planted::{self, Bug};
use crate::run::attempt::Run;
use crate::run::handling::Handling;
use crate::trace::TraceContext;

impl Handling<'_> {
    /// Sends what the run that was kept has sent.
    pub(crate) fn send_all(&mut self, run: &Run<'_>) {
        let from = run.to;
        let agreements = self.open_agreements(run);
        let mut sent = std::mem::take(&mut self.runner.effects_mut().sent);
        for mut message in sent.drain(..) {
            let sent_as = std::mem::replace(&mut message.sent_as, SentAs::Plain);
            let message = self.message_of(from, message);
            let message = match sent_as {
                SentAs::Plain => message,
                SentAs::Try(of) => self.open_leg(agreements[of.proposal as usize], of, message),
                SentAs::Asked(asked) => self.open_ask(from, asked, message),
            };
            self.post(message);
        }
        self.runner.effects_mut().sent = sent;
        self.decide_at_once(from, &agreements);
    }

    /// A message that a run has sent, or sends later.
    pub(super) fn message_of(&self, from: &Address, sent: Sent) -> Message {
        let Sent { to, handler, on_refused, body, sent_as: _ } = sent;
        Message {
            to,
            from: Some(from.clone()),
            handler,
            role: Role::Plain,
            about: None,
            on_refused,
            body: body.into_boxed_slice(),
            trace: self.next_trace(),
        }
    }

    pub(super) fn next_trace(&self) -> Option<Box<TraceContext>> {
        self.runner.trace().map(|context| Box::new(*context))
    }

    /// Sends a message: into this batch if it stays here, else into the outbox, with a cell under its sender.
    pub(super) fn post(&mut self, message: Message) {
        if self.scope.range().contains(message.to.hash()) {
            self.batch.reserve(message.length());
            let slot = self.entities.find(&message.to);
            self.work.push_local(message, slot);
            return;
        }
        let target = self.scope.find(message.to.hash());
        let peer =
            self.delivery.peer(self.scope, target).expect("P2 broken: the map names a partition that is no peer");
        let sender = message.from.clone().expect("E2 broken: a message to another partition without a sender");
        let identity = Identity { origin: self.scope.id(), number: self.log.number() };
        let mut bytes = Vec::with_capacity(message.length());
        message.write(Some(identity), &mut bytes);
        let record = self.log.submitted().next();
        let outgoing = Outgoing {
            identity,
            sender,
            target: message.to.hash(),
            layout: Layout::InMemory(bytes.into()),
            record,
            kept: Kept::Logged,
        };
        self.batch.send(peer, outgoing);
    }

    /// Does what the sender of a refused message wanted.
    pub(crate) fn tell_refused(&mut self, message: &Message, why: Refusal) {
        match (message.on_refused, &message.from) {
            (OnRefused::Tell { handler }, Some(sender)) if !planted::is(Bug::RefusalUntold) => {
                let refused = Refused { handler: self.entities.handler_name(&message.to, message.handler), why };
                let (body, trace) = (encode(&refused).into_boxed_slice(), self.next_trace());
                self.post(Message { body, trace, ..Message::between(&message.to, sender, handler, Role::Plain, None) });
            }
            _ => self.batch.counts_mut().ignored_refusals += 1,
        }
    }
}
