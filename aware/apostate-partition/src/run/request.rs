//! Requests from outside: calls and reads, taken in and handled.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `read-unconfirmed`.

use apostate_core::limits::BODY_BYTES_MAX;
use apostate_core::{Access, Mode};

use crate::entities::SlotId;
use crate::entities::key_age::is_fitting;
use crate::interface::{AfterPanic, Answer, Failure, Request, RequestKind};
use crate::planted::{self, Bug};
use crate::run::attempt::{Ran, Run};
use crate::run::client_key::fingerprint;
use crate::run::handling::Handling;

/// Why a request has to run again.
pub(super) enum Again {
    /// An activity is being loaded that it asks for.
    Loading,
    /// The batch is given up.
    Abandoned,
}

impl Handling<'_> {
    /// Takes a request in.
    ///
    /// # Errors
    ///
    /// When no state can change the answer: it is given at once.
    pub(crate) fn admit(&mut self, request: Request) -> Result<(), Failure> {
        self.check(&request)?;
        if let RequestKind::Numbered { producer, number } = &request.request_kind {
            let (producer, number) = (producer.clone(), *number);
            if number > self.applied_of(&producer, request.to.hash()) && !self.is_forgotten(&producer) {
                self.prefetch(&request);
            }
            self.work.producers_mut().push(&producer, request);
        } else {
            self.prefetch(&request);
            self.work.push_request(request);
        }
        Ok(())
    }

    /// Has what a request needs read from the store, if it is not in memory.
    fn prefetch(&mut self, request: &Request) {
        let slot = self.entities.slot_of(&request.to);
        self.entities.start_load(slot, self.now);
        self.ask_for_key(slot, request);
    }

    /// Whether a request can be one at all, and there is room for it.
    fn check(&self, request: &Request) -> Result<(), Failure> {
        if !self.scope.range().contains(request.to.hash()) {
            return Err(Failure::NotHere { map_version: self.scope.map_version() });
        }
        match request.request_kind.client_key() {
            // Handler and arguments are judged once the key is known to be new: what another build did is not denied.
            Some(key) if is_fitting(key) => {}
            Some(_) => return Err(Failure::BadKey),
            None => self.judge(request)?,
        }
        // A producer's stream has a hole if one of its requests is turned away: its host lets it wait instead.
        let is_numbered = matches!(request.request_kind, RequestKind::Numbered { .. });
        let needs_room = request.request_kind.needs_record() || !self.log.is_serving();
        let may_wait = is_numbered && !planted::is(Bug::FullFailsNumber);
        if !may_wait && needs_room && self.log.is_full() {
            return Err(Failure::Full);
        }
        let waiting = self.work.requests() + self.entities.inboxes().waiting();
        let is_recall = matches!(request.request_kind, RequestKind::Recall { .. });
        if !is_numbered && !is_recall && waiting >= self.scope.tuning().requests_max {
            return Err(Failure::Busy);
        }
        Ok(())
    }

    /// Whether this build has what a request asks for, and the world outside may ask for it.
    pub(super) fn judge(&self, request: &Request) -> Result<(), Failure> {
        let Request { ticket: _, to, handler, body, request_kind, digest: _, deadline: _, trace: _ } = request;
        if matches!(request_kind, RequestKind::Recall { .. }) {
            return Err(Failure::Missing);
        }
        let registry = self.entities.registry();
        let kind = &registry.kinds()[registry.find(to.kind()).ok_or(Failure::UnknownKind)?];
        if !matches!(request_kind, RequestKind::State | RequestKind::Settle(_)) {
            let info = kind.handlers[kind.find(*handler).ok_or(Failure::UnknownHandler)?];
            let is_read = *request_kind == RequestKind::Read;
            // A caller without a client key could not be answered later. Nobody waits for the answer to a numbered message.
            let can_wait = !matches!(request_kind, RequestKind::Call { key: None });
            let is_fitting = is_read == (info.mode == Mode::Reads) && (can_wait || !info.answers_later);
            if info.access != Access::Open || !is_fitting {
                return Err(Failure::NotOpen);
            }
        }
        if body.len() > BODY_BYTES_MAX { Err(Failure::TooLarge) } else { Ok(()) }
    }

    /// Asks the store for a request's client key, if that is not in memory and may be there. True: it has to wait.
    pub(super) fn ask_for_key(&mut self, slot: SlotId, request: &Request) -> bool {
        request.request_kind.client_key().is_some_and(|key| self.entities.ask_for_key(slot, key))
    }

    /// Handles a call or a read, or lets it wait for its entity. A request whose deadline has passed is not begun.
    pub(crate) fn handle_request(&mut self, request: Request) {
        if request.deadline.is_some_and(|deadline| deadline <= self.time.uptime()) {
            return self.answer(request, Answer::Failed(Failure::Late));
        }
        let slot = self.entities.slot_of(&request.to);
        let is_read = matches!(request.request_kind, RequestKind::Read | RequestKind::State);
        self.entities.start_load(slot, self.now);
        if !self.entities.get(slot).is_resident() || self.ask_for_key(slot, &request) {
            return self.wait(slot, request);
        }
        if let Some(key) = request.request_kind.client_key() {
            if let Some(answer) = self.remembered(slot, key, &request) {
                return self.answer(request, answer);
            }
            if let Some(failure) = self.judge(&request).err().or_else(|| self.check_age(key)) {
                return self.answer_read(request, Answer::Failed(failure));
            }
        }
        if !is_read && self.entities.get(slot).has_inbox() {
            return match self.overfull(slot) {
                Some(why) => self.answer(request, Answer::Failed(why)),
                None => self.wait(slot, request),
            };
        }
        let answer = match self.run_request(slot, &request) {
            Ok(answer) => answer,
            Err(Again::Loading) => return self.wait(slot, request),
            Err(Again::Abandoned) => return self.work.put_back_request(request),
        };
        match &request.request_kind {
            RequestKind::Call { key: Some(key) } if !matches!(answer, Answer::Failed(_)) => {
                match self.runner.effects_mut().later.take() {
                    Some(later) if matches!(answer, Answer::Pending { .. }) => {
                        self.owe_client(slot, key, &request, later)
                    }
                    _ => self.remember(slot, key, (&request.to, fingerprint(&request)), &answer),
                }
                self.answer(request, answer);
            }
            RequestKind::Call { .. } if matches!(answer, Answer::Done { .. }) => self.answer(request, answer),
            RequestKind::Settle(settle) if !matches!(answer, Answer::Failed(_)) => {
                self.remember(slot, &settle.key, (&request.to, fingerprint(&request)), &answer);
                self.answer(request, answer);
            }
            // It changed nothing: it must be certain that we are still the writer, or the answer could be stale.
            _ => self.answer_read(request, answer),
        }
    }

    /// Runs a request.
    fn run_request(&mut self, slot: SlotId, request: &Request) -> Result<Answer, Again> {
        if let RequestKind::Settle(settle) = &request.request_kind {
            return self.run_settle(slot, request, settle);
        }
        let run = Run::of_request(slot, request, true);
        let ran = if request.request_kind == RequestKind::State { self.show(slot) } else { self.run(run) };
        Ok(match ran {
            Ran::Abandoned => return Err(Again::Abandoned),
            Ran::NeedsActivity => return Err(Again::Loading),
            Ran::Done(version) => match (self.runner.effects().later, self.runner.effects_mut().take_own_answer()) {
                (None, _) => Answer::Done { reply: self.runner.take_reply(), version },
                (Some(_), Some(Ok(reply))) => Answer::Done { reply, version },
                (Some(_), Some(Err(refusal))) => Answer::Refused(refusal),
                (Some(later), None) => Answer::Pending { number: later.number },
            },
            Ran::Refused(refusal) => Answer::Refused(refusal),
            Ran::Missing => Answer::Failed(Failure::Missing),
            Ran::Failed(why) => Answer::Failed(why),
            Ran::Panicked(text) => {
                self.notify_panic(&request.to, request.handler, &text, AfterPanic::AnsweredAsFailed);
                Answer::Failed(Failure::Panicked(text))
            }
        })
    }

    fn wait(&mut self, slot: SlotId, request: Request) {
        if self.entities.is_blocked(slot) {
            self.answer(request, Answer::Failed(Failure::Blocked));
        } else if let Some(request) = self.entities.wait(slot, request) {
            self.answer(request, Answer::Failed(Failure::Busy));
        }
    }
}
