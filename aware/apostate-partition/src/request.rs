//! What the world outside wants: calls, reads and numbered messages.

use apostate_core::limits::BODY_BYTES_MAX;
use apostate_core::{Access, Address, Mode, OnRefused};

use crate::batch::Did;
use crate::cell::Section;
use crate::client_keys::{Known, Remembered, fingerprint, is_expired, is_fitting, is_outdated, is_repetition};
use crate::interface::{AfterPanic, Answer, Effect, Failure, Load, Request, RequestKind};
use crate::limits::WAITING_CALLS_MAX;
use crate::message::Message;
use crate::partition::{Partition, Producer};
use crate::planted::{self, Bug};
use crate::rectangles::Origin;
use crate::run::{Ran, Run};
use crate::slots::{Residence, SlotId, word};

/// What became of the head of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// It was handled.
    Handled,
    /// It waits for a load: the source is passed over.
    Waits,
    /// It was put back: the batch is given up.
    Abandoned,
}

impl Partition {
    /// Takes a request in, or answers at once what no state can change.
    pub(crate) fn admit(&mut self, request: Request, effects: &mut Vec<Effect>) {
        if let Err(failure) = self.check(&request) {
            effects.push(Effect::Answer { ticket: request.ticket, answer: Answer::Failed(failure) });
            return;
        }
        let slot = self.slot_of(&request.to);
        self.start_load(slot);
        self.ask_for_key(slot, &request);
        if let RequestKind::Numbered { producer, .. } = &request.request_kind {
            let known = self.sources.producers.iter().position(|known| known.name == *producer);
            let producer = known.unwrap_or_else(|| self.new_producer(producer.clone()));
            self.sources.producers[producer].queue.push_back(request);
        } else {
            self.sources.requests.push_back(request);
        }
    }

    /// Turns away what has not been begun: the log has no room, and what is begun waits until it has.
    pub(crate) fn turn_requests_away(&mut self, effects: &mut Vec<Effect>) {
        let sources = &mut self.sources;
        let requests = sources.released.drain(..).chain(sources.requests.drain(..)).map(|request| request.ticket);
        let commands = sources.commands.drain(..).chain(self.parked.turn_away());
        let tickets = requests.chain(commands.map(|command| command.ticket));
        effects.extend(tickets.map(|ticket| Effect::Answer { ticket, answer: Answer::Failed(Failure::Full) }));
    }

    fn new_producer(&mut self, name: apostate_core::EntityKey) -> usize {
        self.sources.producers.push(Producer { name, queue: std::collections::VecDeque::new(), high: None });
        self.sources.producers.len() - 1
    }

    /// Whether a request can be one at all.
    fn check(&self, request: &Request) -> Result<(), Failure> {
        let Request { ticket: _, to, handler, body, request_kind, digest: _, deadline: _, trace: _ } = request;
        if !self.range.contains(to.hash()) {
            return Err(Failure::NotHere { map_version: self.map.version });
        }
        let kind = self.registry.find(to.kind()).ok_or(Failure::UnknownKind)?;
        if *request_kind != RequestKind::State {
            let kind = &self.registry.kinds()[kind];
            let info = kind.handlers[kind.find(*handler).ok_or(Failure::UnknownHandler)?];
            let is_read_only = *request_kind == RequestKind::Read;
            if info.access != Access::Open || is_read_only != (info.mode == Mode::Reads) {
                return Err(Failure::NotOpen);
            }
        }
        if body.len() > BODY_BYTES_MAX {
            return Err(Failure::TooLarge);
        }
        if let RequestKind::Call { key: Some(key) } = request_kind
            && !is_fitting(key)
        {
            return Err(Failure::BadKey);
        }
        // A producer's stream has a hole if one of its requests is turned away: its host lets it wait instead.
        let is_numbered = matches!(request_kind, RequestKind::Numbered { .. });
        if !is_numbered && self.log.is_full {
            return Err(Failure::Full);
        }
        let waiting = self.sources.requests.len() + self.sources.released.len() + self.sources.waiting;
        if !is_numbered && waiting >= self.tuning.requests_max {
            return Err(Failure::Busy);
        }
        Ok(())
    }

    /// Handles a call or a read, or lets it wait for its entity. What nobody waits for any more is not begun.
    pub(crate) fn handle_request(&mut self, request: Request) {
        if request.deadline.is_some_and(|deadline| deadline <= self.time.uptime()) {
            self.batch.answer(request.ticket, Answer::Failed(Failure::Late));
            self.batch.journal.push(Did::TookRequest(request));
            return;
        }
        let slot = self.slot_of(&request.to);
        let is_read_only = matches!(request.request_kind, RequestKind::Read | RequestKind::State);
        self.start_load(slot);
        let is_here = self.slots.get(slot).residence == Residence::Here;
        if !is_here || (!is_read_only && self.slots.get(slot).has_inbox()) {
            return self.wait(slot, request);
        }
        if self.ask_for_key(slot, &request) {
            return self.wait(slot, request);
        }
        if let RequestKind::Call { key: Some(key) } = &request.request_kind {
            if let Some(answer) = self.remembered(slot, key, &request) {
                self.batch.answer(request.ticket, answer);
                self.batch.journal.push(Did::TookRequest(request));
                return;
            }
            // Only now: one that is remembered all the same was answered.
            if let Some(failure) = self.unfit_for_use(key) {
                self.batch.answer_read(request.ticket, Answer::Failed(failure));
                self.batch.journal.push(Did::TookRequest(request));
                return;
            }
        }
        let Request { ticket: _, to, handler, body, request_kind, digest: _, deadline: _, trace } = &request;
        let trace = trace.as_deref();
        let run = Run { slot, to, from: None, handler: *handler, body, wants_reply: true, trace };
        let ran = if *request_kind == RequestKind::State { self.show(slot) } else { self.run(run) };
        let answer = match ran {
            Ran::Abandoned => {
                self.sources.released.push_front(request);
                return;
            }
            Ran::Done(version) => Answer::Done { reply: std::mem::take(&mut self.run_effects.reply), version },
            Ran::Refused(refusal) => Answer::Refused(refusal),
            Ran::Missing => Answer::Failed(Failure::Missing),
            Ran::Failed(why) => Answer::Failed(why),
            Ran::Panicked(text) => {
                self.tell_panic(to, *handler, &text, AfterPanic::AnsweredAsFailed);
                Answer::Failed(Failure::Panicked(text))
            }
        };
        match &request.request_kind {
            RequestKind::Call { key: Some(key) } if !matches!(answer, Answer::Failed(_)) => {
                self.remember(slot, key, &request, &answer);
                self.batch.answer(request.ticket, answer);
            }
            RequestKind::Call { .. } if matches!(answer, Answer::Done { .. }) => {
                self.batch.answer(request.ticket, answer)
            }
            // It changed nothing: it must be certain that we are still the writer, or the answer could be stale.
            _ => self.batch.answer_read(request.ticket, answer),
        }
        self.batch.journal.push(Did::TookRequest(request));
    }

    fn wait(&mut self, slot: SlotId, request: Request) {
        let is_blocked = self.is_blocked(slot);
        let extra = self.slots.get_mut(slot).extra();
        if is_blocked || extra.waiting.len() >= WAITING_CALLS_MAX {
            let failure = if is_blocked { Failure::Blocked } else { Failure::Busy };
            self.batch.answer(request.ticket, Answer::Failed(failure));
            self.batch.journal.push(Did::TookRequest(request));
        } else {
            extra.waiting.push_back(request);
            self.sources.waiting += 1;
        }
    }

    /// What the client key was answered, if it was used before and is not too old.
    fn remembered(&mut self, slot: SlotId, key: &str, request: &Request) -> Option<Answer> {
        let (now, retention) = (self.time.now(), self.tuning.client_key_retention);
        let keys = &mut self.slots.get_mut(slot).extra.as_mut()?.keys;
        let remembered = keys.known.get(key)?.remembered.clone();
        // A key that would be refused as too old gets its reply for as long as that is there.
        if is_outdated(key, remembered.time, now, retention) && !is_expired(key, now, retention) {
            self.forget(slot, key, &request.to);
            return None;
        }
        self.batch.counts.repeated += 1;
        if is_repetition(remembered.fingerprint, request) {
            Some(Answer::Repeated(Box::new(remembered.answer.clone())))
        } else {
            Some(Answer::Failed(Failure::KeyReused))
        }
    }

    /// Forgets a client key that is too old.
    fn forget(&mut self, slot: SlotId, key: &str, to: &Address) {
        let keys = &mut self.slots.get_mut(slot).extra().keys;
        if let Some(known) = keys.known.remove(key) {
            // It will not be looked for in the store either.
            keys.note_absent(key.into());
            self.batch.erase(Section::ClientKeys, to, key.as_bytes());
            self.note_forgotten(key);
            self.batch.journal.push(Did::Forgot { slot, key: key.into(), known });
        }
    }

    /// Asks the store for a client key that is not in memory, and may be there. True: its request has to wait.
    fn ask_for_key(&mut self, slot: SlotId, request: &Request) -> bool {
        let RequestKind::Call { key: Some(key) } = &request.request_kind else { return false };
        let Some(extra) = self.slots.get_mut(slot).extra.as_mut() else { return false };
        let must_ask = extra.keys.must_ask(key);
        if must_ask && extra.keys.asked.insert(key.clone()) {
            self.loads.push(Load::ClientKey(request.to.clone(), key.clone()));
        }
        must_ask
    }

    /// Remembers an answer in the same commit as the effect, and forgets some that are too old.
    fn remember(&mut self, slot: SlotId, key: &str, request: &Request, answer: &Answer) {
        let now = self.time.now();
        let remembered = Remembered { fingerprint: fingerprint(request), time: now, answer: answer.clone() };
        for old in self.slots.get_mut(slot).extra().keys.expired(now, self.tuning.client_key_retention) {
            self.forget(slot, &old, &request.to);
        }
        let mut value = Vec::new();
        remembered.write(&mut value);
        self.sweep.note_written(key.len() + value.len());
        if !planted::is(Bug::KeyForgotten) {
            self.batch.put(Section::ClientKeys, &request.to, key.as_bytes(), value);
        }
        self.batch.journal.push(Did::Remembered { slot, key: key.into() });
        self.slots.get_mut(slot).extra().keys.known.insert(key.into(), Known::new(remembered));
        if !self.slots.get(slot).has_keys {
            self.mark_keys(slot);
        }
    }

    /// Notes in the state cell that the entity has client keys, also if there is no entity.
    fn mark_keys(&mut self, id: SlotId) {
        self.touch(id);
        let slot = self.slots.get_mut(id);
        slot.has_keys = true;
        let touched = slot.touched as usize;
        self.batch.touched[touched].is_changed = true;
        if !slot.changed {
            // Not changed by a handler: its bytes are all there is, under a new word.
            let word = word(slot.version, true).to_le_bytes();
            let encoded = [&word, slot.state().unwrap_or(&[])].concat();
            self.slots.set_encoded(id, Some(encoded.into()));
        }
    }

    /// Handles the next message of a producer, or lets the producer wait.
    pub(crate) fn handle_numbered(&mut self, at: usize) -> Head {
        let producer = &self.sources.producers[at];
        let (name, high) = (producer.name.clone(), producer.high);
        let Some(request) = producer.queue.front() else { return Head::Waits };
        let RequestKind::Numbered { number, .. } = request.request_kind else {
            unreachable!("a producer's queue is numbered")
        };
        let applied = self.rectangles.applied(&Origin::Producer(name), request.to.hash(), request.to.hash());
        let is_duplicate = number <= applied.max(high.unwrap_or(0));
        let to = request.to.clone();
        let slot = self.slot_of(&to);
        if !is_duplicate && self.is_worth_waiting(slot) {
            return Head::Waits;
        }
        let Some(request) = self.sources.producers[at].queue.pop_front() else { return Head::Waits };
        let answer = if is_duplicate { Some(Answer::Duplicate) } else { self.run_numbered(slot, &request) };
        let Some(answer) = answer else {
            self.sources.producers[at].queue.push_front(request);
            return Head::Abandoned;
        };
        if !is_duplicate {
            self.sources.producers[at].high = Some(number);
        }
        self.batch.answer(request.ticket, answer);
        self.batch.journal.push(Did::TookNumbered { producer: at, request, high });
        Head::Handled
    }

    /// Runs a numbered message, or accepts it. None: the batch is given up.
    fn run_numbered(&mut self, slot: SlotId, request: &Request) -> Option<Answer> {
        let Request { to, handler, body, trace, .. } = request;
        let accepted = || Message {
            to: to.clone(),
            from: None,
            handler: *handler,
            on_refused: OnRefused::Ignore,
            body: body.clone(),
            trace: trace.clone(),
        };
        if !self.is_free(slot) {
            self.accept(slot, accepted());
            return Some(Answer::Accepted);
        }
        let trace = trace.as_deref();
        Some(match self.run(Run { slot, to, from: None, handler: *handler, body, wants_reply: true, trace }) {
            Ran::Abandoned => return None,
            Ran::Done(version) => Answer::Done { reply: std::mem::take(&mut self.run_effects.reply), version },
            Ran::Refused(refusal) => Answer::Refused(refusal),
            Ran::Missing => Answer::Failed(Failure::Missing),
            Ran::Failed(why) => Answer::Failed(why),
            Ran::Panicked(text) => {
                let message = accepted();
                self.note_panic(&message, &text, AfterPanic::Retried);
                self.accept(slot, message);
                self.retry_later(slot);
                Answer::Accepted
            }
        })
    }
}
