//! The world outside: clients that ask with a client key, and ask again until they are answered.

use super::node::{Ask, AskId, Message};
use super::running::{RunEnd, Source};
use super::world::{Event, IsolatedWorld};
use crate::call::{Answer, TestRequest};
use crate::finding::{Check, Finding};
use crate::simulation::AskKind;
use crate::trace::TraceEvent;
use apostate_core::OnRefused;
use apostate_partition::Role;
use apostate_world::SECOND;

impl IsolatedWorld {
    /// Plans a client's request for now.
    pub(super) fn plan_ask(&mut self, request: TestRequest, ask_kind: AskKind) -> Check<AskId> {
        let TestRequest { to, handler, body } = request;
        let to = self.node_of(&to)?;
        let (role, on_refused) = (Role::Plain, OnRefused::Ignore);
        let message = Message { from: to, number: 0, handler, role, about: 0, on_refused, body, cause: 0, timer: None };
        let ask = self.asks.len() as AskId;
        self.asks.push(Ask { to, message, ask_kind, answer: None, lost: None });
        let delay = self.delay(to);
        self.agenda.plan_in(delay, Event::Ask(ask));
        Ok(ask)
    }

    /// A request arrives.
    pub(super) fn arrive(&mut self, id: AskId) -> Check {
        let ask = &self.asks[id as usize];
        let (to, ask_kind) = (ask.to, ask.ask_kind);
        let now = self.agenda.now();
        let node = &self.nodes[to as usize];
        if node.back > now || !node.inbox.is_empty() {
            let wait = node.back.max(now + SECOND / 10);
            let delay = self.delay(to);
            self.agenda.plan_at(wait + delay, Event::Ask(id));
            return Ok(());
        }
        if self.has_fault(|plan| plan.outside) {
            self.faults.requests_lost += 1;
            return self.ask_again(id);
        }
        if self.nodes[to as usize].waits(id) {
            return Ok(());
        }
        let remembered = self.nodes[to as usize].keys.get(&id).cloned();
        let answer = match remembered {
            Some(answer) => answer,
            None => {
                let message = self.asks[id as usize].message.clone();
                let source = if ask_kind == AskKind::Read { Source::Read } else { Source::Outside(id) };
                match self.run(to, &message, source)? {
                    RunEnd::Crashed => return self.ask_again(id),
                    // Its client is told when the answer is there.
                    RunEnd::Committed(Answer::Owed) => return Ok(()),
                    RunEnd::Committed(answer) => answer,
                    RunEnd::Missing => Answer::Missing,
                    RunEnd::Panicked(text) => Answer::Failed(format!("the handler panicked: {text}")),
                    RunEnd::Impossible(_, why) => Answer::Failed(why),
                }
            }
        };
        self.leave(id, answer)
    }

    /// An answer is on its way to the client, and may get lost.
    fn leave(&mut self, id: AskId, answer: Answer) -> Check {
        let to = self.asks[id as usize].to;
        let is_second_time = std::mem::take(&mut self.nodes[to as usize].is_second_time);
        let is_every = self.plan.is_every_commit && is_second_time && !self.is_healed;
        let is_committed = self.nodes[to as usize].keys.contains_key(&id);
        if is_committed && (is_every || self.has_fault(|plan| plan.crash_after)) {
            self.faults.crashes_after += 1;
            self.crash(to);
            self.asks[id as usize].lost = Some(answer);
            return self.ask_again(id);
        }
        let ask = &mut self.asks[id as usize];
        if let Some(lost) = ask.lost.take()
            && ask.ask_kind != AskKind::Read
            && lost != answer
        {
            return Err(Finding::Platform(format!("one client key was answered {lost:?}, and then {answer:?}")));
        }
        if is_committed && self.has_fault(|plan| plan.outside) {
            self.faults.answers_lost += 1;
            self.asks[id as usize].lost = Some(answer);
            return self.ask_again(id);
        }
        let message = self.asks[id as usize].message.clone();
        if let (AskKind::Send, Answer::Failed(why)) = (self.asks[id as usize].ask_kind, &answer) {
            let name = self.names.message(None, &self.nodes[to as usize].address, message.handler, &message.body);
            self.parked.push(format!("{name}: {why}"));
            self.tell(to, &message, TraceEvent::Words("failed, and nobody waits for it".to_owned()));
        }
        self.asks[id as usize].answer = Some(answer);
        Ok(())
    }

    fn ask_again(&mut self, id: AskId) -> Check {
        let to = self.asks[id as usize].to;
        let delay = self.delay(to) + SECOND / 10;
        self.agenda.plan_in(delay, Event::Ask(id));
        Ok(())
    }
}
