//! Asks between nodes: opened by a commit, answered by a message, ended by the commit that takes the answer.
//!
//! Invariant E1: of all answers to one ask, and the news that none has come in time, the first one counts.

use apostate_core::limits::ASKS_PER_ENTITY_MAX;
use apostate_core::{Answer, Asked, OnRefused, Reason, encode};
use apostate_partition::Role;

use super::node::{Message, NodeId, OpenAsk, Waiting};
use super::run::{Post, RunEnd, Source};
use super::world::{Event, IsolatedWorld};
use crate::call;
use crate::finding::Check;
use crate::trace::TraceEvent;
use apostate_world::Moment;

impl IsolatedWorld {
    /// Whether the run that has ended asks more than its entity may have open.
    pub(super) fn asks_too_much(&self, id: NodeId) -> bool {
        let asks = self.twins.effects.asks();
        asks > 0 && asks + self.nodes[id as usize].open_asks.len() > ASKS_PER_ENTITY_MAX
    }

    /// Puts a message on its way that is asked, and opens the ask.
    pub(super) fn post_ask(&mut self, from: NodeId, post: Post<'_>, asked: Asked, cause: u64) -> Check {
        let partner = self.node_of(post.to)?;
        let Asked { then, within } = asked;
        let sender = &mut self.nodes[from as usize];
        // The number of the message is that of the ask.
        let about = sender.sent + 1;
        sender.open_asks.insert(about, OpenAsk { then, partner });
        let told = OnRefused::Tell { handler: then };
        let deadline = self.agenda.now().saturating_add(u64::try_from(within.as_micros()).unwrap_or(Moment::MAX));
        self.deadlines.insert((deadline, from, about));
        self.post(from, Post { role: Role::Ask, about, on_refused: told, ..post }, cause)
    }

    /// Sends the answer to a message that was asked.
    pub(super) fn answer_asker(&mut self, id: NodeId, asked: &Message, body: Vec<u8>, cause: u64) -> Check {
        let (Some(asker), OnRefused::Tell { handler }) = (self.sender(asked), asked.on_refused) else {
            unreachable!("an ask has a sender, and says who takes the answer")
        };
        let to = self.nodes[asker as usize].address.clone();
        let (role, about, on_refused) = (Role::Reply, asked.about, OnRefused::Never);
        self.post(id, Post { role, about, ..Post::plain(&to, handler, on_refused, body) }, cause)
    }

    /// An answer is about an ask that has ended: it is dropped.
    pub(super) fn drop_answer(&mut self, id: NodeId, message: &Message, source: Source) -> RunEnd {
        self.tell(id, message, TraceEvent::Words("dropped: its ask has ended".to_owned()));
        self.note_handled(id, message, source);
        RunEnd::Committed(call::Answer::Done(Vec::new()))
    }

    /// Gives a message up: its asker is told, or it is parked.
    pub(super) fn give_up(&mut self, id: NodeId, message: &Message, code: &str, why: String) -> Check {
        match message.role {
            Role::Ask => {
                let line = self.tell(id, message, TraceEvent::Words("failed, and its asker is told".to_owned()));
                let reason = Reason { code: code.to_owned(), text: why };
                return self.answer_asker(id, message, encode(&Answer::<()>::Failed(reason)), line);
            }
            Role::Reply => {
                self.nodes[id as usize].open_asks.remove(&message.about);
            }
            Role::Plain | Role::Timer => {}
            Role::Try
            | Role::Accepted
            | Role::Refused
            | Role::Confirm
            | Role::Cancel
            | Role::Lapse
            | Role::Deadline => {}
        }
        self.park(id, message, why);
        Ok(())
    }

    /// The first deadline of an ask, open or not.
    pub(super) fn first_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// The time of the first deadline has come: if its ask is open, the entity is told that no answer has come.
    pub(super) fn expire(&mut self) {
        let Some((deadline, id, about)) = self.deadlines.pop_first() else { return };
        self.agenda.wait_until(deadline);
        let node = &mut self.nodes[id as usize];
        let Some(OpenAsk { then, partner }) = node.open_asks.get(&about).copied() else { return };
        let message = Message {
            from: partner,
            number: about,
            handler: then,
            role: Role::Reply,
            about,
            on_refused: OnRefused::Never,
            body: encode(&Answer::<()>::Expired),
            cause: 0,
            timer: None,
        };
        let is_first = node.inbox.is_empty();
        node.inbox.push_back(Waiting { message, attempts: 0, since: deadline });
        if is_first {
            self.agenda.plan_in(1, Event::Inbox(id));
        }
    }
}
