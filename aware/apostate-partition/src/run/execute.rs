//! Runs one message against one entity, inside the batch.
//!
//! One decode per message, one encode per changed entity per batch: between two runs of a batch the live value is
//! ahead of its bytes. What a run must leave no trace of is undone from bytes; what other entities may already have
//! built upon is undone by undoing the batch.
//!
//! Invariant E3: no transaction touches two entities.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs` and `traces.rs`; planted `refusal-kept`, `panic-half-undone`.

use apostate_core::limits::TX_BYTES_MAX;
use apostate_core::{Invocation, Mode, PartnerKey, StepOutcome, step_with};

use crate::batch::{RunName, UndoEntry};
use crate::entities::SlotId;
use crate::interface::{Effect, Failure, RunEnd, Span, SpanEnd};
use crate::limits::CELL_OVERHEAD_BYTES_MAX;
use crate::message;
use crate::planted::{self, Bug};
use crate::run::attempt::{Occasion, Ran, Run};
use crate::run::handling::Handling;
use crate::run::owed::OwedBy;
use crate::run::runner::OpenSpan;
use crate::timers::TimersOf;

impl Handling<'_> {
    /// Runs a message against an entity that is here and of a known kind. On `Abandoned` the caller puts the message
    /// back where it came from, and runs nothing more in this batch.
    pub(crate) fn run(&mut self, run: Run<'_>) -> Ran {
        let span = self.runner.begin_span(run.trace);
        let ran = self.run_once(run);
        if run.from.is_some() {
            self.count_message(&run, &ran);
        }
        if let Some(span) = span
            && let Some(span) = self.span_of(span, &run, &ran)
        {
            self.batch.output(span);
        }
        ran
    }

    /// Tells the observer what became of a message between entities.
    fn count_message(&mut self, run: &Run<'_>, ran: &Ran) {
        let end = match ran {
            // It comes again, and is counted then.
            Ran::Abandoned | Ran::NeedsActivity => return,
            Ran::Done(_) => RunEnd::Done,
            Ran::Refused(_) => RunEnd::Refused,
            Ran::Missing | Ran::Failed(_) | Ran::Panicked(_) => RunEnd::Failed,
        };
        self.runner.ran_message(run.to, run.handler, end);
    }

    fn run_once(&mut self, run: Run<'_>) -> Ran {
        let slot = self.entities.get(run.slot);
        let Some(kind) = slot.kind() else { unreachable!("only messages for kinds of this build are run") };
        let kinds = self.entities.registry().kinds();
        let Some(number) = kinds[kind].find(run.handler) else {
            return Ran::Failed(Failure::UnknownHandler);
        };
        let info = kinds[kind].handlers[number];
        let fingerprint = message::fingerprint(run.to, run.handler, run.body);
        if let Some(crash_count) = self.runner.crash_count_of(fingerprint) {
            return Ran::Failed(Failure::PoisonMessage(crash_count));
        }
        if info.mode == Mode::Reads && !slot.exists() {
            return Ran::Missing;
        }
        // A value with changes that are not encoded could not be taken back after a refusal.
        let has_activities = kinds[kind].has_activities;
        let is_guarded = info.refusable || has_activities || slot.is_encoded_each_run();
        let has_to_encode = is_guarded && slot.is_ahead();
        let is_touched_first = info.mode == Mode::Changes && self.touch(run.slot);
        if has_to_encode && self.encode(run.slot).is_err() {
            return self.abandon(run.slot);
        }
        let name = RunName { fingerprint, kind: run.to.kind().0, handler: run.handler.0 };
        self.runner.enter(name);
        if let Err(error) = self.entities.awaken(run.slot, kind) {
            self.runner.leave();
            return Ran::Failed(Failure::UnreadableState(error));
        }
        let ran = self.run_awake(run, (number, info.mode, has_activities), name);
        if is_touched_first && ran.comes_again() {
            self.untouch(run.slot);
        }
        ran
    }

    /// Runs a handler on a value that is awake.
    fn run_awake(&mut self, run: Run<'_>, (number, mode, has_activities): (usize, Mode, bool), name: RunName) -> Ran {
        let seed = self.seed_of(run.slot, has_activities, name.fingerprint);
        let deleted_version = self.entities.deleted_version();
        let (slot, work) = self.entities.slot_and_work(run.slot);
        let mut loaded = has_activities.then(|| slot.activities_mut().take());
        let version = slot.next_version(deleted_version);
        let Some(live) = slot.live_mut() else { unreachable!("it was awakened") };
        let invocation = Invocation {
            to: run.to,
            sender: run.from,
            handler: run.handler,
            body: run.body,
            now: self.now,
            seed,
            wants_reply: run.wants_reply,
            version,
            timers: &TimersOf { timers: self.timers, address: run.to, running: run.occasion.timer() },
            owed: &OwedBy { work, address: run.to },
            is_try: matches!(run.occasion, Occasion::Try(_)),
            agreement: run.occasion.agreement(),
        };
        let outcome = step_with(live, number, &invocation, loaded.as_mut(), self.runner.effects_mut());
        self.runner.leave();
        if let Some(loaded) = loaded {
            slot.activities_mut().put_back(loaded);
        }
        if let StepOutcome::NeedsActivity(partner) = outcome {
            return self.stop_run(run.slot, (name.fingerprint, seed), partner);
        }
        self.batch.counts_mut().messages += 1;
        self.conclude(run, outcome, mode, name)
    }

    /// As if the run that touched the entity first had never begun. What an earlier run has touched stays so: its client key is in memory alone.
    fn untouch(&mut self, id: SlotId) {
        self.batch.untouch_newest(id);
        self.entities.get_mut(id).untouch();
    }

    /// The seed of a run: the one that it had, if it was stopped before.
    pub(super) fn seed_of(&mut self, id: SlotId, has_activities: bool, fingerprint: u64) -> u64 {
        let before = has_activities.then(|| self.entities.get_mut(id).activities_mut().take_rerun(fingerprint));
        before.flatten().unwrap_or_else(|| self.runner.random())
    }

    /// Keeps what came of a run, or takes it back.
    fn conclude(&mut self, run: Run<'_>, outcome: StepOutcome, mode: Mode, name: RunName) -> Ran {
        match (outcome, mode) {
            (StepOutcome::Done, Mode::Reads) => Ran::Done(self.entities.get(run.slot).version()),
            (StepOutcome::Done, Mode::Changes) => {
                if let Some(why) = self.backlogged(&run) {
                    return self.undo_run(run.slot, Ran::Failed(why));
                }
                if let Some(why) = self.refuses_effects(&run) {
                    return self.undo_run(run.slot, Ran::Failed(why));
                }
                if self.owes_too_much(run.to) {
                    return self.undo_run(run.slot, Ran::Failed(Failure::OwesTooMuch));
                }
                self.batch.note_run(self.place_of(run.slot), name);
                self.keep(run)
            }
            (StepOutcome::Refused(refusal), _) => self.take_back(run.slot, mode, Ran::Refused(refusal)),
            (StepOutcome::NeedsActivity(_), _) => unreachable!("it was stopped"),
            (StepOutcome::Unreadable(error), _) => Ran::Failed(Failure::Unreadable(error.0)),
            (StepOutcome::TooLarge, _) => self.undo_run(run.slot, Ran::Failed(Failure::TooLarge)),
            (StepOutcome::Panicked(text), _) => self.undo_run(run.slot, Ran::Panicked(text)),
        }
    }

    /// Why what a run has done cannot be kept, if that is so.
    fn refuses_effects(&self, run: &Run<'_>) -> Option<Failure> {
        if self.has_too_many_asks(run.to) {
            return Some(Failure::TooManyAsks);
        }
        if self.runner.effects().deleted && self.is_uncertain(run) {
            return Some(Failure::Uncertain);
        }
        self.refuses_proposals(run.to)
    }

    /// Why the run has to come again, if it may be told so: a receiver of one of its messages does not take what waits for it.
    fn backlogged(&self, run: &Run<'_>) -> Option<Failure> {
        let has_backlog = self.delivery.outbox().has_backlog();
        let inbox_max = self.scope.tuning().inbox_max;
        let has_overfull = self.entities.inboxes().count() >= inbox_max;
        if !run.is_refusable || !(has_backlog || has_overfull) {
            return None;
        }
        self.runner.effects().sent.iter().find_map(|sent| {
            if self.scope.range().contains(sent.to.hash()) {
                let slot = self.entities.find(&sent.to)?;
                return self.overfull(slot);
            }
            let id = self.scope.find(sent.to.hash());
            self.delivery.is_backlogged(id).then_some(Failure::Backlog(id))
        })
    }

    /// Why nothing is taken from outside that adds to the inbox of an entity, if that is so.
    pub(super) fn overfull(&self, id: SlotId) -> Option<Failure> {
        let is_overfull = self.entities.is_overfull(id, self.scope.tuning().inbox_max);
        is_overfull.then(|| Failure::Overfull(self.entities.name_of(self.entities.get(id).address())))
    }

    /// Takes a run back that was stopped at an activity. The entity takes no message before that is loaded.
    fn stop_run(&mut self, id: SlotId, run: (u64, u64), partner: PartnerKey) -> Ran {
        let slot = self.entities.get_mut(id);
        assert!(!slot.is_ahead(), "E3 broken: a handler that can be stopped ran on a value that was not encoded");
        slot.drop_live();
        self.entities.await_activity(id, run, partner, self.now);
        Ran::NeedsActivity
    }

    /// Gives the state of an entity that is here as the reply. Nothing of the author's runs, except that what was changed in
    /// this batch is encoded. `Abandoned` as for [`run`](Self::run).
    pub(crate) fn show(&mut self, id: SlotId) -> Ran {
        if !self.entities.get(id).exists() {
            return Ran::Missing;
        }
        if self.entities.get(id).is_ahead() && self.encode(id).is_err() {
            return self.abandon(id);
        }
        let slot = self.entities.get_mut(id);
        slot.note_used();
        let effects = self.runner.effects_mut();
        effects.clear();
        let reply = &mut effects.reply;
        reply.extend_from_slice(slot.state_bytes().unwrap_or(&[]));
        Ran::Done(slot.version())
    }

    /// Notes how the entity was when the batch began. False: that is noted.
    pub(crate) fn touch(&mut self, id: SlotId) -> bool {
        let before = self.entities.touch(id, self.batch.next_place());
        before.map(|before| self.batch.touch(id, before)).is_some()
    }

    /// The place of a touched entity in the batch.
    pub(crate) fn place_of(&self, id: SlotId) -> usize {
        self.entities.get(id).touched().expect("E3 broken: an entity changes that the batch did not touch")
    }

    /// Keeps what a handler that changes has done.
    fn keep(&mut self, run: Run<'_>) -> Ran {
        let is_deleted = self.runner.effects().deleted;
        let slot = self.entities.get_mut(run.slot);
        let (was_ahead, existed, before_version) = (slot.is_ahead(), slot.exists(), slot.version());
        let has_activities = self.entities.has_activities(run.slot);
        let deleted_version = self.entities.deleted_version();
        let slot = self.entities.get_mut(run.slot);
        let is_encoded_each_run = has_activities || slot.is_encoded_each_run();
        // Of a run that is encoded by itself the sum is judged here, and not once more when the batch closes.
        let effects_bytes = if is_encoded_each_run { 0 } else { self.runner.effects().bytes() };
        let version = slot.keep_change(!is_deleted, deleted_version);
        if is_deleted {
            self.entities.drop_state(run.slot);
        } else if is_encoded_each_run {
            slot.count_encoded_run();
            let before = slot.encoded().cloned();
            if let Err(problem) = self.encode_alone(run.slot) {
                assert!(!was_ahead, "E3 broken: a run that is encoded alone began on a value that was not encoded");
                self.entities.take_back_change(run.slot, before, (before_version, existed));
                return problem;
            }
        }
        if has_activities {
            self.keep_activities(run.slot, existed, is_deleted);
        }
        self.batch.note_changed(self.place_of(run.slot), effects_bytes);
        self.keep_answers(run.slot, run.to);
        self.keep_timers(run.to, is_deleted);
        self.batch.reserve(run.body.len());
        self.send_all(&run);
        if is_deleted {
            self.drop_asks(run.to);
            self.drop_owed(run.slot, run.to);
        }
        Ran::Done(version)
    }

    /// Keeps what a run has changed of the activities. They belong to the life that begins with an entity and ends with its deletion.
    fn keep_activities(&mut self, slot: SlotId, existed: bool, is_deleted: bool) {
        let changes = std::mem::take(&mut self.runner.effects_mut().activities);
        if is_deleted {
            let before = self.entities.end_life(slot);
            self.batch.note(UndoEntry::ChangedLife { slot, before });
            return;
        }
        if !existed {
            let before = self.entities.begin_life(slot);
            self.batch.note(UndoEntry::ChangedLife { slot, before });
        }
        for change in changes {
            let before = self.entities.change_activity(slot, change);
            self.batch.reserve(before.written_bytes + CELL_OVERHEAD_BYTES_MAX / 4);
            if !planted::is(Bug::ActivityNotUndone) {
                self.batch.note(UndoEntry::ChangedActivity { slot, before });
            }
        }
    }

    /// Encodes what one run has changed, by itself.
    fn encode_alone(&mut self, id: SlotId) -> Result<(), Ran> {
        let length = self.encode(id).map_err(Ran::Panicked)?;
        let is_too_large = length + self.runner.effects().bytes() > TX_BYTES_MAX;
        if is_too_large { Err(Ran::Failed(Failure::TooLarge)) } else { Ok(()) }
    }

    /// After a refusal: the live value may hold what was refused.
    fn take_back(&mut self, id: SlotId, mode: Mode, ran: Ran) -> Ran {
        if mode == Mode::Changes {
            let slot = self.entities.get_mut(id);
            assert!(!slot.is_ahead(), "E3 broken: a handler that can refuse ran on a value that was not encoded");
            if !planted::is(Bug::RefusalKept) {
                slot.drop_live();
            }
        }
        ran
    }

    /// After a panic, or a run that was too large: the live value may hold anything.
    fn undo_run(&mut self, id: SlotId, ran: Ran) -> Ran {
        if self.entities.get(id).is_ahead() && !planted::is(Bug::PanicHalfUndone) {
            return self.abandon(id);
        }
        self.entities.get_mut(id).drop_live();
        ran
    }

    /// Encodes the live value. Gives its length, or what the author's code said when it failed.
    fn encode(&mut self, id: SlotId) -> Result<usize, String> {
        self.entities.encode(id, self.runner.scratch())
    }

    /// Gives the batch up. Its source puts the message back first; then the rest is taken back.
    fn abandon(&mut self, culprit: SlotId) -> Ran {
        self.batch.abandon(culprit);
        Ran::Abandoned
    }

    /// The run has ended. What it sent and what its refusal is told by leaves with its trace still.
    pub(super) fn span_of(&mut self, open: OpenSpan, run: &Run<'_>, ran: &Ran) -> Option<Effect> {
        let end = match ran {
            // It comes again, and has its span then.
            Ran::Abandoned | Ran::NeedsActivity => return None,
            Ran::Done(_) => SpanEnd::Done,
            Ran::Missing => SpanEnd::Missing,
            Ran::Refused(refusal) => SpanEnd::Refused(refusal.text.clone()),
            Ran::Failed(why) => SpanEnd::Failed(why.clone()),
            Ran::Panicked(text) => SpanEnd::Failed(Failure::Panicked(text.clone())),
        };
        let context = run.trace?;
        let span = Span {
            trace: context.trace,
            id: open.id,
            parent: context.span,
            to: run.to.clone(),
            from: run.from.cloned(),
            handler: run.handler,
            began: open.began,
            ended: self.runner.clock(),
            end,
        };
        Some(Effect::Span(Box::new(span)))
    }
}
