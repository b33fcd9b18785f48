//! Roles of messages: the steps around a handler, before it runs, with what it has done, and when it is given up.

use std::borrow::Cow;

use apostate_core::{OnRefused, Reason, Refusal, Refused, encode, encode_answered};
use apostate_partition::Role;

use super::node::{Message, NodeId};
use super::running::{Post, Prologue, RunEnd, Source};
use super::world::IsolatedWorld;
use crate::call::Answer;
use crate::finding::Check;
use crate::trace::TraceEvent;

impl IsolatedWorld {
    pub(super) fn prologue<'m>(&mut self, id: NodeId, message: &'m Message, source: Source) -> Check<Prologue<'m>> {
        let is_open_ask = |world: &Self| world.nodes[id as usize].open_asks.contains_key(&message.about);
        match message.role {
            Role::Reply if !is_open_ask(self) => Ok(Prologue::Over(self.drop_answer(id, message, source))),
            Role::Accepted | Role::Refused | Role::Deadline => {
                if self.crashes(id, source) {
                    return Ok(Prologue::Over(self.crash_before(id, message)));
                }
                // First: what is decided here is told to the node itself, behind this.
                self.note_handled(id, message, source);
                match message.role {
                    Role::Deadline => self.expire_agreement(id, message)?,
                    _ => self.take_answer(id, message)?,
                }
                Ok(Prologue::Over(RunEnd::Committed(Answer::Done(Vec::new()))))
            }
            Role::Confirm | Role::Cancel | Role::Lapse => match self.ending(id, message) {
                Some(ending) => Ok(Prologue::Run(ending)),
                None => {
                    self.note_handled(id, message, source);
                    self.end_nothing(id, message)?;
                    Ok(Prologue::Over(RunEnd::Committed(Answer::Done(Vec::new()))))
                }
            },
            Role::Plain | Role::Ask | Role::Reply | Role::Try | Role::Timer | Role::Overdue => {
                Ok(Prologue::Run(Cow::Borrowed(message)))
            }
        }
    }

    /// The part of the commit that depends on the message's role. `inner` is the agreement that was proposed on its behalf.
    pub(super) fn end_role(
        &mut self,
        id: NodeId,
        message: &Message,
        (name, inner): (&str, Option<u64>),
        answer: &Answer,
        line: u64,
    ) -> Check {
        match (message.role, answer, message.on_refused) {
            (Role::Ask, Answer::Done(reply), _) => self.answer_asker(id, message, encode_answered(reply), line),
            (Role::Ask, Answer::Refused(why), _) => {
                self.answer_asker(id, message, encode(&apostate_core::Answer::<()>::Refused(why.clone())), line)
            }
            (Role::Reply, ..) => {
                self.nodes[id as usize].open_asks.remove(&message.about);
                Ok(())
            }
            (Role::Try, Answer::Done(offer), _) => self.hold(id, message, inner, offer, line),
            (Role::Try, Answer::Refused(why), _) => self.refuse_try(id, message, why, line),
            (Role::Confirm | Role::Cancel | Role::Lapse, ..) => self.end_operation(id, message, line),
            (Role::Plain, Answer::Refused(why), OnRefused::Tell { handler }) => {
                let Some(sender) = self.sender(message) else { return Ok(()) };
                let to = self.nodes[sender as usize].address.clone();
                let body = encode(&Refused { handler: name.to_owned(), why: why.clone() });
                let on_refused = OnRefused::Never;
                self.post(id, Post::plain(&to, handler, on_refused, body), line)
            }
            _ => Ok(()),
        }
    }

    /// Gives a message up: whoever waits for it is told, or it is parked.
    pub(super) fn give_up(&mut self, id: NodeId, message: &Message, code: &str, why: String) -> Check {
        let tell = |world: &mut Self, who: &str| {
            world.tell(id, message, TraceEvent::Words(format!("failed, and its {who} is told")))
        };
        match message.role {
            Role::Ask => {
                let line = tell(self, "asker");
                let reason = Reason { code: code.to_owned(), text: why };
                return self.answer_asker(id, message, encode(&apostate_core::Answer::<()>::Failed(reason)), line);
            }
            Role::Try => {
                let line = tell(self, "proposer");
                return self.refuse_try(id, message, &Refusal::with_code("failed", why), line);
            }
            Role::Confirm | Role::Cancel | Role::Lapse => {
                let line = self.tell(id, message, TraceEvent::Words("failed, and what it ends stays open".to_owned()));
                return self.give_up_ending(id, message, why, line);
            }
            Role::Reply => {
                self.nodes[id as usize].open_asks.remove(&message.about);
            }
            Role::Plain | Role::Timer | Role::Overdue => {}
            Role::Accepted | Role::Refused | Role::Deadline => unreachable!("no handler of theirs runs"),
        }
        self.park(id, message, why);
        Ok(())
    }
}
