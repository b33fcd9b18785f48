//! Clients of partitions: they ask with a client key, and ask again until they are answered.

use apostate_core::Address;
use apostate_partition::{Answer as PartitionAnswer, Failure, Request, RequestKind, Role};

use super::ask::Ask;
use super::world::{Event, PartitionedWorld};
use crate::call::{Answer, TestRequest};
use crate::finding::{Check, Finding};
use crate::simulation::AskKind;
use crate::trace::TracedMessage;
use apostate_world::SECOND;

impl PartitionedWorld {
    pub(super) fn plan_ask(&mut self, request: TestRequest, ask_kind: AskKind) -> usize {
        let ask = self.asks.len();
        self.asks.push(Ask {
            request,
            ask_kind,
            attempts: 0,
            answer: None,
            is_answered: false,
            owed: None,
            lost: None,
        });
        self.open_asks += 1;
        self.agenda.plan_in(0, Event::Ask(ask));
        ask
    }

    /// A client asks, for the first time or again.
    pub(super) fn ask_now(&mut self, id: usize) {
        let ask = &mut self.asks[id];
        if ask.is_answered {
            return;
        }
        self.open_asks += usize::from(ask.owed.take().is_some());
        ask.attempts += 1;
        let attempt = ask.attempts;
        let partition = self.partition_of(&self.asks[id].request.to);
        let delay = self.delay(partition);
        if self.has_fault(|plan| plan.outside) {
            self.faults.requests_lost += 1;
        } else {
            self.agenda.plan_in(delay, Event::Request(id, attempt));
        }
        let patience = 2 * SECOND + self.rng.below(10 * SECOND);
        self.agenda.plan_in(delay + patience, Event::GiveUp(id, attempt));
    }

    /// A request arrives.
    pub(super) fn request(&mut self, id: usize, attempt: u32) {
        let Ask { request, ask_kind, .. } = &self.asks[id];
        let (request, ask_kind) = (request.clone(), *ask_kind);
        let about = about(&request);
        let TestRequest { to, handler, body } = request;
        let partition = self.partition_of(&to);
        let ask_kind = match ask_kind {
            AskKind::Read => RequestKind::Read,
            AskKind::Call | AskKind::Send => RequestKind::Call { key: Some(format!("call {id}").into()) },
        };
        let ticket = u64::from(attempt) << 32 | id as u64;
        if self.hand_over(partition, Request { ticket, ..Request::new(to, handler, body, ask_kind) }) {
            self.tell(Some(about), format!("asked for at partition {}", partition + 1));
        }
    }

    /// A client has waited long enough.
    pub(super) fn give_up(&mut self, id: usize, attempt: u32) {
        if self.asks[id].attempts == attempt && self.asks[id].owed.is_none() {
            self.ask_now(id);
        }
    }

    /// A client is told that its call is answered later: it asks again when that is so. What it waits for is not on its way.
    fn wait_for(&mut self, id: usize, number: u64) {
        let ask = &mut self.asks[id];
        if !ask.is_answered && ask.owed.replace(number).is_none() {
            self.open_asks -= 1;
            // It may have been answered before the client knew what it waits for.
            self.agenda.plan_in(10 * SECOND, Event::Recall(id));
            let about = about(&self.asks[id].request);
            self.tell(Some(about), "done, and answered later");
        }
    }

    /// An answer is there that was owed.
    pub(super) fn settled(&mut self, entity: &Address, number: u64) {
        let waits = |ask: &Ask| ask.owed == Some(number) && ask.request.to == *entity;
        let ids: Vec<usize> = (0..self.asks.len()).filter(|id| waits(&self.asks[*id])).collect();
        ids.into_iter().for_each(|id| self.ask_now(id));
    }

    /// A client that waits asks now and then.
    pub(super) fn recall(&mut self, id: usize) {
        if self.asks[id].owed.is_some() {
            self.ask_now(id);
        }
    }

    /// An answer is about to reach its client.
    pub(super) fn answered(&mut self, id: usize, answer_of_partition: PartitionAnswer) -> Check {
        let answer = match answer_of_partition.original().0 {
            PartitionAnswer::Done { reply, .. } => Answer::Done(reply),
            PartitionAnswer::Refused(refusal) => Answer::Refused(refusal),
            PartitionAnswer::Pending { number } => {
                self.wait_for(id, number);
                return Ok(());
            }
            PartitionAnswer::Expired => Answer::Expired,
            PartitionAnswer::Repeated(_) | PartitionAnswer::Duplicate | PartitionAnswer::Accepted => {
                return Err(Finding::Platform("a call was answered as if it were numbered".to_owned()));
            }
            PartitionAnswer::Failed(
                Failure::Busy
                | Failure::Backlog(_)
                | Failure::Overfull(_)
                | Failure::Full
                | Failure::Stopped(_)
                | Failure::NotHere { .. },
            ) => {
                self.agenda.plan_in(SECOND / 10, Event::Ask(id));
                return Ok(());
            }
            PartitionAnswer::Failed(Failure::Missing) => Answer::Missing,
            PartitionAnswer::Failed(Failure::UnknownKind | Failure::UnknownHandler) => {
                let what = format!("{:?} is of a kind that this world does not have", self.asks[id].request.to);
                return Err(Finding::Unknown(what));
            }
            PartitionAnswer::Failed(failure) => Answer::Failed(failure.to_string()),
        };
        if self.asks[id].is_answered {
            return Ok(());
        }
        let is_kept = matches!(answer, Answer::Done(_) | Answer::Refused(_) | Answer::Expired)
            && self.asks[id].ask_kind != AskKind::Read;
        if is_kept && self.has_fault(|plan| plan.outside) {
            self.faults.answers_lost += 1;
            self.asks[id].lost = Some(answer);
            return Ok(());
        }
        let ask = &mut self.asks[id];
        if let Some(lost) = ask.lost.take()
            && is_kept
            && lost != answer
        {
            return Err(Finding::Platform(format!("one client key was answered {lost:?}, and then {answer:?}")));
        }
        ask.is_answered = true;
        self.open_asks -= 1;
        let (about, ask_kind) = (about(&ask.request), ask.ask_kind);
        if let (AskKind::Send, Answer::Failed(why)) = (ask_kind, &answer) {
            let name = self.names.message(None, &about.to, about.handler, &about.body);
            self.parked.push(format!("{name}: {why}"));
        }
        self.tell(Some(about), words(&answer));
        self.asks[id].answer = Some(answer);
        Ok(())
    }
}

fn words(answer: &Answer) -> String {
    match answer {
        Answer::Done(reply) => format!("answered {}", crate::names::value(reply)),
        Answer::Refused(refusal) => format!("refused: {refusal}"),
        Answer::Missing => "there is no such entity".to_owned(),
        Answer::Owed | Answer::Expired => "not answered in time".to_owned(),
        Answer::Failed(why) => format!("failed: {why}"),
    }
}

fn about(request: &TestRequest) -> TracedMessage {
    let TestRequest { to, handler, body } = request.clone();
    TracedMessage { cause: 0, from: None, to, role: Role::Plain, handler, body }
}
