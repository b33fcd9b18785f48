//! Owed answers: a call that is answered later waits at its node, until a later commit answers, the entity is deleted, or its time is over.
//!
//! Invariant E1: of an answer, and the news that none has come in time, the first one counts.

use apostate_core::{AnswersLater, GivenAnswer, Refusal, encode, encode_answered};
use apostate_partition::Tuning;

use super::node::{Deadline, Message, NodeId, Waiter};
use super::running::Source;
use super::world::{Event, IsolatedWorld};
use crate::call::Answer;
use crate::finding::Check;
use crate::trace::TraceEvent;

impl IsolatedWorld {
    /// A call is answered later. Nobody waits for the answer to a message that was only sent.
    pub(super) fn owe(&mut self, id: NodeId, message: &Message, source: Source, later: AnswersLater) {
        let AnswersLater { number, within } = later;
        let waiter = match source {
            Source::Outside(ask) => Waiter::Client(ask),
            Source::Lane | Source::Inbox | Source::Read => Waiter::Asker(message.clone()),
        };
        self.nodes[id as usize].owed.insert(number, waiter);
        let within = within.unwrap_or(Tuning::default().client_key_retention);
        self.set_deadline(id, self.agenda.now(), within, Deadline::Owed(number));
    }

    /// Gives what a run has answered; one that deletes its entity ends all that is left.
    pub(super) fn give(&mut self, id: NodeId, given: Vec<GivenAnswer>, is_deleted: bool, cause: u64) -> Check {
        for GivenAnswer { number, answer } in given {
            self.settle_owed(id, number, Some(answer), cause)?;
        }
        if is_deleted {
            let left: Vec<u64> = self.nodes[id as usize].owed.keys().copied().collect();
            left.into_iter().try_for_each(|number| self.settle_owed(id, number, None, cause))?;
        }
        Ok(())
    }

    /// Tells whoever waits, if somebody does. None: no answer has come in time.
    pub(super) fn settle_owed(
        &mut self,
        id: NodeId,
        number: u64,
        answer: Option<Result<Vec<u8>, Refusal>>,
        cause: u64,
    ) -> Check {
        match self.nodes[id as usize].owed.remove(&number) {
            None => Ok(()),
            Some(Waiter::Client(ask)) => {
                let answer = match answer {
                    Some(Ok(reply)) => Answer::Done(reply),
                    Some(Err(why)) => Answer::Refused(why),
                    None => Answer::Expired,
                };
                let message = self.asks[ask as usize].message.clone();
                self.tell(id, &message, TraceEvent::Words("answered, after a while".to_owned()));
                self.nodes[id as usize].keys.insert(ask, answer);
                let delay = self.delay(id);
                self.agenda.plan_in(delay, Event::Ask(ask));
                Ok(())
            }
            Some(Waiter::Asker(message)) => {
                let body = match answer {
                    Some(Ok(reply)) => encode_answered(&reply),
                    Some(Err(why)) => encode(&apostate_core::Answer::<()>::Refused(why)),
                    None => encode(&apostate_core::Answer::<()>::Expired),
                };
                self.answer_asker(id, &message, body, cause)
            }
        }
    }
}
