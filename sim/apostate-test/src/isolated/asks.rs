//! Asks between nodes: opened by a commit, answered by a message, ended by the commit that takes the answer.
//!
//! Invariant E1: of all answers to one ask, and the news that none has come in time, the first one counts.

use apostate_core::limits::ASKS_PER_ENTITY_MAX;
use apostate_core::{Asked, OnRefused};
use apostate_partition::Role;

use super::node::{Deadline, Message, NodeId, OpenAsk};
use super::running::{Post, RunEnd, Source};
use super::world::IsolatedWorld;
use crate::call;
use crate::finding::Check;
use crate::trace::TraceEvent;

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
        self.set_deadline(from, self.agenda.now(), within, Deadline::Ask(about));
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
}
