//! Numbered messages of producers outside: applied once each, in order, by their numbers alone.
//!
//! Invariant E1: a message at or below the watermark of its producer is a duplicate.
//!
//! Scenarios: planted `producer-forgotten`, `forgotten-producer-taken`; the producers of `sim/apostate-sim/src/outside.rs`.

use apostate_core::{EntityKey, OnRefused};

use crate::batch::UndoEntry;
use crate::entities::SlotId;
use crate::interface::{AfterPanic, Answer, Failure, Request, RequestKind};
use crate::message::{Message, Role};
use crate::planted::{self, Bug};
use crate::rectangles::Origin;
use crate::run::attempt::{Ran, Run};
use crate::run::handling::{Handling, Head};

impl Handling<'_> {
    /// Handles the next message of a producer, or lets the producer wait.
    pub(crate) fn handle_numbered(&mut self, at: usize) -> Head {
        let Some(head) = self.work.producers().front(at) else { return Head::Waits };
        let (request, high) = (head.request, head.high);
        let RequestKind::Numbered { number, .. } = request.request_kind else {
            unreachable!("a producer's queue is numbered")
        };
        let applied = self.applied_of(head.producer, request.to.hash());
        if number <= applied.max(high.unwrap_or(0)) {
            let Some(request) = self.work.producers_mut().pop(at) else { return Head::Waits };
            self.batch.answer(request.ticket, Answer::Duplicate);
            self.batch.note(UndoEntry::TookNumbered { producer: at, request, high });
            return Head::Handled;
        }
        if applied == 0 && high.is_none() && self.is_forgotten(head.producer) {
            let Some(request) = self.work.producers_mut().pop(at) else { return Head::Waits };
            self.batch.answer(request.ticket, Answer::Failed(Failure::ProducerForgotten));
            self.batch.note(UndoEntry::TookNumbered { producer: at, request, high });
            return Head::Handled;
        }
        let slot = self.entities.slot_of(&request.to);
        let is_worth_waiting = self.entities.is_worth_waiting(slot, self.now, self.scope.tuning().load_patience);
        if is_worth_waiting || self.overfull(slot).is_some() {
            return Head::Waits;
        }
        let Some(request) = self.work.producers_mut().pop(at) else { return Head::Waits };
        let answer = match self.run_numbered(slot, &request) {
            Ok(answer) => answer,
            Err(head) => {
                self.work.producers_mut().put_back(at, request);
                return head;
            }
        };
        self.work.producers_mut().note_high(at, Some(number));
        self.batch.answer(request.ticket, answer);
        self.batch.note(UndoEntry::TookNumbered { producer: at, request, high });
        Head::Handled
    }

    /// The highest number of the producer that closed batches applied, where its message is for an entity with this hash.
    pub(crate) fn applied_of(&self, producer: &EntityKey, hash: u64) -> u64 {
        self.delivery.rectangles().applied(&Origin::Producer(producer.clone()), hash, hash)
    }

    /// Whether a producer that is not known was perhaps forgotten: this number may have been applied before.
    pub(super) fn is_forgotten(&self, producer: &EntityKey) -> bool {
        self.work.producers().known().may_have_forgotten(producer) && !planted::is(Bug::ForgottenProducerTaken)
    }

    /// Runs a numbered message, or accepts it: its number is used either way.
    ///
    /// # Errors
    ///
    /// When it has to come again: the batch is given up, or a partition that it sends to does not take what waits for it.
    fn run_numbered(&mut self, slot: SlotId, request: &Request) -> Result<Answer, Head> {
        if !self.entities.is_free(slot, self.now) {
            self.accept(slot, accepted(request));
            return Ok(Answer::Accepted);
        }
        // Nobody waits for an answer that comes later.
        let wants_reply = !self.entities.answers_later(slot, request.handler);
        Ok(match self.run(Run { wants_reply, ..Run::of_request(slot, request, true) }) {
            Ran::Abandoned => return Err(Head::Abandoned),
            Ran::Failed(Failure::Backlog(_) | Failure::Overfull(_)) | Ran::NeedsActivity => {
                return Err(Head::Waits);
            }
            Ran::Done(_) if !wants_reply => Answer::Accepted,
            Ran::Done(version) => Answer::Done { reply: self.runner.take_reply(), version },
            Ran::Refused(refusal) => Answer::Refused(refusal),
            // The number is used for good: the message is parked from the inbox, with the reason, and an operator decides.
            Ran::Missing | Ran::Failed(_) => {
                self.accept(slot, accepted(request));
                Answer::Accepted
            }
            Ran::Panicked(text) => {
                self.notify_panic(&request.to, request.handler, &text, AfterPanic::Retried);
                self.accept(slot, accepted(request));
                self.retry_later(slot);
                Answer::Accepted
            }
        })
    }
}

/// A numbered message as it waits in an inbox.
fn accepted(request: &Request) -> Message {
    let Request { to, handler, body, trace, .. } = request;
    Message {
        to: to.clone(),
        from: None,
        handler: *handler,
        role: Role::Plain,
        about: None,
        on_refused: OnRefused::Ignore,
        body: body.as_slice().into(),
        trace: trace.clone(),
    }
}
