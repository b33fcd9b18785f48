//! Requests while the log has no room: what is durable is shown, what would have to be written is turned away.
//!
//! A read needs the proof that we are the writer, and no record. It is answered outside of the batch, which waits for room: on a
//! value of its own, decoded from the bytes that are durable, so nothing that is in flight can be seen and nothing has to be
//! taken back. A client key is looked up in the same way; one whose record is in flight is turned away, for its outcome is not known.
//!
//! Invariant E2: nothing is shown that could still be lost.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/full.rs`; planted `undurable-shown`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use apostate_core::{Invocation, Kind, Live, NoAnswers, NoTimers, StateError, StepOutcome, panic_text, step_with};

use crate::cells::state::{StateBytes, WORD_BYTES, read_word};
use crate::entities::SlotId;
use crate::entities::key_age::{is_expired, is_outdated};
use crate::interface::{AfterPanic, Answer, Effect, Failure, Request, RequestKind};
use crate::message;
use crate::planted::{self, Bug};
use crate::run::attempt::{Ran, Run};
use crate::run::client_key::is_repetition;
use crate::run::handling::Handling;

/// Fate of a request while the log has no room.
pub(crate) enum Served {
    /// Waits for a load.
    Waits,
    /// Turned away, or too late: it says nothing of any state.
    Turned(Request, Failure),
    /// Answered, if we are the writer. Everything that the answer depends on is durable.
    Answered(Request, Answer),
}

impl Handling<'_> {
    /// Answers a request while the log has no room. Spans of runs are added to `spans`.
    pub(crate) fn serve_durable(&mut self, request: Request, spans: &mut Vec<Effect>) -> Served {
        if request.deadline.is_some_and(|deadline| deadline <= self.time.uptime()) {
            return Served::Turned(request, Failure::Late);
        }
        if request.request_kind == (RequestKind::Call { key: None }) {
            return Served::Turned(request, Failure::Full);
        }
        let slot = self.entities.slot_of(&request.to);
        self.entities.start_load(slot, self.now);
        if !self.entities.get(slot).is_resident() || self.ask_for_key(slot, &request) {
            return match self.entities.wait(slot, request) {
                None => Served::Waits,
                Some(request) => Served::Turned(request, Failure::Busy),
            };
        }
        let answer = match &request.request_kind {
            RequestKind::Read => match self.read_durable(slot, &request, spans) {
                Some(answer) => answer,
                None => {
                    return match self.entities.wait(slot, request) {
                        None => Served::Waits,
                        Some(request) => Served::Turned(request, Failure::Busy),
                    };
                }
            },
            RequestKind::State => {
                let image = self.durable_image(slot);
                shown(image.as_ref())
            }
            _ => match self.recall_durable(slot, &request) {
                Answer::Failed(failure @ Failure::Full) => return Served::Turned(request, failure),
                answer => answer,
            },
        };
        Served::Answered(request, answer)
    }

    /// The answer that a client key got, if that is durable.
    fn recall_durable(&mut self, slot: SlotId, request: &Request) -> Answer {
        let Some(key) = request.request_kind.client_key() else { return Answer::Failed(Failure::Full) };
        let (now, retention) = (self.now, self.scope.tuning().client_key_retention);
        let known = self.entities.get(slot).keys().and_then(|keys| keys.get(key)).cloned();
        let kept =
            known.filter(|known| !is_outdated(key, known.time(), now, retention) || is_expired(key, now, retention));
        match kept {
            Some(known) if !known.is_durable(self.log.durable()) && !planted::is(Bug::UndurableShown) => {
                Answer::Failed(Failure::Full)
            }
            Some(known) => {
                let remembered = known.remembered();
                if !is_repetition(remembered.fingerprint, request) {
                    return Answer::Failed(Failure::KeyReused);
                }
                self.batch.counts_mut().repeated += 1;
                Answer::Repeated(Box::new(remembered.answer))
            }
            None => {
                let failure = self.judge(request).err().or_else(|| self.check_age(key));
                Answer::Failed(failure.unwrap_or(Failure::Full))
            }
        }
    }

    /// The state cell as it is durable. None: there is none.
    fn durable_image(&self, id: SlotId) -> Option<StateBytes> {
        let slot = self.entities.get(id);
        if planted::is(Bug::UndurableShown) {
            return slot.encoded().cloned();
        }
        let in_batch = || slot.touched().map(|place| &self.batch.touched()[place].before);
        match self.log.before_image(id).or_else(in_batch) {
            Some(before) => before.encoded().cloned(),
            None => slot.encoded().cloned(),
        }
    }

    /// Runs a read on the durable state. None: it waits for an activity.
    fn read_durable(&mut self, slot: SlotId, request: &Request, spans: &mut Vec<Effect>) -> Option<Answer> {
        let image = self.durable_image(slot);
        let run = Run::of_request(slot, request, false);
        let span = self.runner.begin_span(run.trace);
        let ran = self.run_on_image(run, image.as_ref());
        if let Some(span) = span {
            spans.extend(self.span_of(span, &run, &ran));
        }
        Some(match ran {
            Ran::NeedsActivity => return None,
            Ran::Done(version) => Answer::Done { reply: self.runner.take_reply(), version },
            Ran::Refused(refusal) => Answer::Refused(refusal),
            Ran::Missing | Ran::Abandoned => Answer::Failed(Failure::Missing),
            Ran::Failed(why) => Answer::Failed(why),
            Ran::Panicked(text) => {
                self.notify_panic(&request.to, request.handler, &text, AfterPanic::AnsweredAsFailed);
                Answer::Failed(Failure::Panicked(text))
            }
        })
    }

    fn run_on_image(&mut self, run: Run<'_>, image: Option<&StateBytes>) -> Ran {
        let Some(kind) = self.entities.get(run.slot).kind() else { return Ran::Failed(Failure::UnknownKind) };
        let kind = &self.entities.registry().kinds()[kind];
        let Some(number) = kind.find(run.handler) else { return Ran::Failed(Failure::UnknownHandler) };
        let Some((version, state)) = image.and_then(read_state) else { return Ran::Missing };
        let has_activities = kind.has_activities;
        let durable = self.log.durable();
        let slot = self.entities.get(run.slot);
        if slot.activities().is_some_and(|activities| !activities.is_durable(durable)) {
            // What it remembers about partners has no image of its own.
            return Ran::Failed(Failure::Full);
        }
        let fingerprint = message::fingerprint(run.to, run.handler, run.body);
        if let Some(crash_count) = self.runner.crash_count_of(fingerprint) {
            return Ran::Failed(Failure::PoisonMessage(crash_count));
        }
        let name = crate::batch::RunName { fingerprint, kind: run.to.kind().0, handler: run.handler.0 };
        self.runner.enter(name);
        let mut live = match decode(kind, state) {
            Ok(live) => live,
            Err(error) => {
                self.runner.leave();
                return Ran::Failed(Failure::UnreadableState(error.0));
            }
        };
        let seed = self.seed_of(run.slot, has_activities, fingerprint);
        let invocation = Invocation {
            to: run.to,
            sender: None,
            handler: run.handler,
            body: run.body,
            now: self.now,
            seed,
            wants_reply: run.wants_reply,
            version,
            timers: &NoTimers,
            owed: &NoAnswers,
            is_try: false,
            agreement: None,
        };
        let slot = self.entities.get_mut(run.slot);
        let mut loaded = has_activities.then(|| slot.activities_mut().take());
        let outcome = step_with(live.as_mut(), number, &invocation, loaded.as_mut(), self.runner.effects_mut());
        if let Some(loaded) = loaded {
            slot.activities_mut().put_back(loaded);
        }
        self.runner.leave();
        self.batch.counts_mut().messages += 1;
        match outcome {
            StepOutcome::Done => Ran::Done(version),
            StepOutcome::Refused(refusal) => Ran::Refused(refusal),
            StepOutcome::Unreadable(error) => Ran::Failed(Failure::Unreadable(error.0)),
            StepOutcome::TooLarge => Ran::Failed(Failure::TooLarge),
            StepOutcome::Panicked(text) => Ran::Panicked(text),
            StepOutcome::NeedsActivity(partner) => {
                self.entities.await_activity(run.slot, (fingerprint, seed), partner, self.now);
                Ran::NeedsActivity
            }
        }
    }
}

/// The entity of which this is the state. A hook of the author's may run in here.
fn decode(kind: &Kind, state: &[u8]) -> Result<Box<dyn Live>, StateError> {
    catch_unwind(AssertUnwindSafe(|| kind.decode(state)))
        .unwrap_or_else(|payload| Err(StateError(panic_text(payload.as_ref()))))
}

/// Version and state of an entity that exists.
fn read_state(cell: &StateBytes) -> Option<(u64, &[u8])> {
    let (word, state) = cell.split_first_chunk::<WORD_BYTES>()?;
    let (version, _) = read_word(u64::from_le_bytes(*word));
    (!state.is_empty()).then_some((version, state))
}

/// The whole state as an answer.
fn shown(cell: Option<&StateBytes>) -> Answer {
    match cell.and_then(read_state) {
        Some((version, state)) => Answer::Done { reply: state.to_vec(), version },
        None => Answer::Failed(Failure::Missing),
    }
}
