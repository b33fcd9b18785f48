//! Carries out what partitions want: appends, loads, checkpoints, frames, answers.

use apostate_log::{AppendResult, Confirmation, Position, StoreError};
use apostate_partition::{
    Answer, Checkpoint, Effect, Failure, Input, Load, Notice, Outage, RequestKind, StopReason, Uptime, load,
};
use apostate_world::{Moment, SECOND};
use bytes::Bytes;

use crate::check::leaving;
use crate::check::sessions::Leaving;
use crate::engine::WriterId;
use crate::engine::{GONE_ON, Landing, gone, lock};
use crate::fault::Fault;
use crate::host::uptime;
use crate::violation::{Check, Violation, ensure};
use crate::world::{AppendOutcome, Completion, Event, Waiter, World};
use apostate_log::PartitionId;

/// Turns in a row that a partition may ask for at once, without anything new.
const SPINS_MAX: u32 = 500;

/// Pages of client keys in a thousand that come long after they were read.
const SWEEP_SLOW_RATE: u64 = 500;

/// The error of a store that was told to fail.
const LOAD_FAILED: &str = "it failed on purpose";
const CHECKPOINT_FAILED: &str = "the store failed on purpose";

impl World {
    /// A partition works, and what it wants is carried out.
    pub(crate) fn turn(&mut self, id: WriterId) -> Check {
        let now = self.agenda.now();
        let Some(writer) = self.writers.all.get_mut(&id) else { return Ok(()) };
        let clock = self.nodes[writer.node].clock(now);
        let mut effects = writer.running.begin_turn(now, clock);
        let (mut result, mut sealed) = (Ok(()), None);
        for effect in effects.drain(..) {
            self.trace.effect(now, id, &effect);
            if let Effect::Sealed(seal) = effect {
                // What it wants behind that goes along: loads, and answers.
                sealed = Some(seal);
                continue;
            }
            result = self.carry_out(id, effect);
            if result.is_err() || !self.writers.all.contains_key(&id) {
                break;
            }
        }
        if let Some(writer) = self.writers.all.get_mut(&id) {
            writer.running.end_turn(effects);
        }
        result?;
        match sealed {
            Some(seal) => self.hand_over(id, &seal),
            None => self.rehearse_split(id),
        }
    }

    fn carry_out(&mut self, id: WriterId, effect: Effect) -> Check {
        let Some(writer) = self.writers.all.get(&id) else { return Ok(()) };
        let (own, node, is_old) = (writer.id, writer.node, writer.is_old);
        match effect {
            Effect::Append { at, record } => self.append(id, own, at, record),
            Effect::Confirm { number } => {
                let delay = self.delay(self.plan.append_delay);
                self.agenda.plan_in(delay, Event::Confirm { writer: id, number });
            }
            Effect::Frame { to, bytes } => {
                if !self.is_damaged {
                    let (shadow, credit) = (self.shadows.get(own), self.plan.tuning.credit_bytes);
                    leaving::frame(shadow, &bytes)?;
                    self.sessions.leaves(&Leaving { shadow, to, is_old, credit }, &bytes)?;
                }
                self.carry_frame(own, to, bytes);
            }
            Effect::Answer { ticket, answer } => self.check_answer(own, ticket, answer)?,
            // Clients ask again by themselves.
            Effect::Settled { .. } => {}
            Effect::Load(load) => {
                let slow = if is_page(&load) { Fault::PageSlow } else { Fault::LoadSlow };
                let delay = self.store_delay(slow, SECOND);
                self.agenda.plan_in(delay, Event::Load { writer: id, load });
            }
            Effect::Checkpoint(checkpoint) => {
                let delay = self.store_delay(Fault::CheckpointSlow, 3 * SECOND);
                self.agenda.plan_in(delay, Event::Checkpoint { writer: id, checkpoint });
            }
            Effect::CheckpointDone { ticket } => self.checkpoint_done(id, ticket)?,
            Effect::Trim { before } => {
                // Also when all is healed: it does no harm, and leaves a log that begins before its store ends.
                if self.rng.chance(100) {
                    self.note(Fault::TrimIgnored);
                } else if !is_old {
                    lock(self.disk(own)).trim(before);
                }
            }
            Effect::WakeAt(at) => self.wake(id, at)?,
            Effect::Notice(notice) => match notice {
                Notice::Panicked { .. } => self.note(Fault::Panicked),
                Notice::Parked { .. } => self.note(Fault::Parked),
                _ => {}
            },
            Effect::Span(span) => {
                if !self.is_damaged {
                    self.span(&span)?;
                }
            }
            // Done at the end of the turn.
            Effect::Sealed(_) => {}
            Effect::SplitRefused(refusal) => self.split_refused(id, refusal)?,
            Effect::Stopped(reason) => self.stopped(id, own, node, &reason)?,
        }
        Ok(())
    }

    /// A partition answers a request: checks that the answer is not early, and carries it.
    fn check_answer(&mut self, own: PartitionId, ticket: u64, answer: Answer) -> Check {
        let Some((waiting, to)) = self.tickets.get(&ticket) else {
            return Err(Violation::new("answers", format!("request {ticket} is answered twice: {answer:?}")));
        };
        if !self.is_damaged {
            let shadow = self.shadows.get(own);
            leaving::answer(shadow, to, &answer)?;
            match waiting.clone() {
                Waiter::Number { name, number, .. } => leaving::numbered(shadow, &name, number, &answer)?,
                Waiter::Command(decision) => self.check_decided(own, &decision, &answer)?,
                Waiter::Settle(cell) => self.check_settled(own, &cell, &answer)?,
                Waiter::Op { op, asked_at } => {
                    if let RequestKind::Call { key: Some(key) } = &self.ops[op].request_kind {
                        self.shadows.keys.answered(to, key, &answer, asked_at)?;
                    }
                }
                Waiter::Nobody => {}
            }
        }
        self.carry_answer(ticket, answer);
        Ok(())
    }

    /// How long the store takes to begin: at most `slow_max` when it is slow, which is the fault `slow`.
    fn store_delay(&mut self, slow: Fault, slow_max: Moment) -> Moment {
        let is_slow = self.has_fault(self.plan.store_rate);
        if is_slow {
            self.note(slow);
        }
        self.delay(if is_slow { slow_max } else { self.plan.store_delay })
    }

    fn wake(&mut self, id: WriterId, at: Uptime) -> Check {
        let wait = at.0.saturating_sub(uptime(self.agenda.now()).0) * 1000;
        let Some(writer) = self.writers.all.get_mut(&id) else { return Ok(()) };
        writer.spins = if wait == 0 { writer.spins + 1 } else { 0 };
        ensure!(writer.spins < SPINS_MAX, "liveness", "partition {} wants a turn at once, again and again", writer.id);
        let at = self.agenda.now() + wait.max(1000);
        if writer.running.wake_at(at) {
            self.agenda.plan_at(at, Event::Turn(id));
        }
        Ok(())
    }

    fn stopped(&mut self, id: WriterId, own: PartitionId, node: usize, reason: &StopReason) -> Check {
        if self.is_damaged {
            self.noticed = Some(reason.to_string());
            self.writers.remove(id);
            return Ok(());
        }
        let was_serving = self.writers.all.get(&id).is_some_and(|writer| writer.has_served);
        match reason {
            StopReason::Broken { invariant, .. } => {
                return Err(Violation::new(invariant.name(), format!("partition {own} stopped: {reason}")));
            }
            StopReason::Damaged(_) | StopReason::Newer { .. } => {
                return Err(Violation::new("P6", format!("partition {own} stopped: {reason}")));
            }
            StopReason::Fenced { .. } | StopReason::Overtaken => {
                self.note(if was_serving { Fault::Retired } else { Fault::OpeningLost });
            }
            StopReason::Failed(outage) => {
                let is_known = match outage {
                    Outage::Log(text) => text.ends_with(GONE_ON),
                    Outage::Checkpoint(text) => text == CHECKPOINT_FAILED,
                    Outage::Load { error: StoreError::Io { detail }, .. } => detail == LOAD_FAILED,
                    Outage::Load { .. } => false,
                };
                ensure!(is_known, "P6", "partition {own} stopped: {reason}");
            }
        }
        let is_current = self.writers.current(own) == Some(id);
        self.writers.remove(id);
        if is_current {
            let delay = self.delay(SECOND);
            self.agenda.plan_in(delay, Event::Reopen { node });
        }
        Ok(())
    }

    fn append(&mut self, id: WriterId, own: PartitionId, at: Position, record: Bytes) {
        let usual = self.delay(self.plan.append_delay);
        let mut delay = usual;
        let mut outcome = AppendOutcome::Answered;
        if self.has_fault(self.plan.append_rate) {
            match self.rng.below(4) {
                0 => {
                    self.note(Fault::AppendSlow);
                    delay += self.rng.below(SECOND);
                }
                1 => {
                    self.note(Fault::AppendUnknownWritten);
                    outcome = AppendOutcome::Unknown;
                }
                2 => {
                    self.note(Fault::AppendUnknownLost);
                    return self.answer_append(id, at, AppendResult::Unknown);
                }
                _ => {
                    self.note(Fault::AppendUnknownLate);
                    self.answer_append(id, at, AppendResult::Unknown);
                    let late = usual + self.rng.below(SECOND);
                    self.agenda
                        .plan_in(late, Event::Land { writer: id, id: own, at, record, outcome: AppendOutcome::Late });
                    return;
                }
            }
        }
        let now = self.agenda.now();
        let Some(writer) = self.writers.all.get_mut(&id) else { return };
        let lands = writer.running.lands_at(now + delay);
        self.agenda.plan_at(lands, Event::Land { writer: id, id: own, at, record, outcome });
    }

    /// The log answers an append, after those before it.
    fn answer_append(&mut self, id: WriterId, at: Position, result: AppendResult) {
        let delay = self.delay(self.plan.append_delay);
        let now = self.agenda.now();
        let Some(writer) = self.writers.all.get_mut(&id) else { return };
        let landed = writer.running.last_landing();
        let answered = writer.running.answered_at(landed.max(now + delay));
        self.agenda.plan_at(answered, Event::Completed { writer: id, completion: Completion::Appended(at, result) });
    }

    /// An append reaches the log.
    pub(crate) fn land(
        &mut self,
        id: WriterId,
        own: PartitionId,
        at: Position,
        record: Bytes,
        outcome: AppendOutcome,
    ) -> Check {
        let is_alive = self.writers.all.contains_key(&id);
        if !is_alive && self.plan.is_embedded {
            // It died with its process.
            return Ok(());
        }
        if self.log(own).is_full {
            self.answer_append(id, at, AppendResult::Full);
            return Ok(());
        }
        let before = lock(self.disk(own)).last();
        let landing = lock(self.disk(own)).land(id, at, record);
        let is_new = lock(self.disk(own)).last() > before;
        if is_new && self.writers.current(own).is_some_and(|current| current != id) {
            self.note(Fault::LateRecord);
        }
        if !self.plan.is_embedded {
            let last = lock(self.disk(own)).last();
            self.sync(own, last)?;
        }
        let result = match (outcome, landing) {
            (AppendOutcome::Late, _) => return Ok(()),
            (AppendOutcome::Unknown, _) => AppendResult::Unknown,
            (AppendOutcome::Answered, Landing::Landed) => AppendResult::Ok,
            (AppendOutcome::Answered, Landing::Taken(other)) => AppendResult::Taken(other),
            (AppendOutcome::Answered, Landing::Gone) => gone(at),
            (AppendOutcome::Answered, Landing::Gap) if self.rng.chance(500) => AppendResult::Full,
            (AppendOutcome::Answered, Landing::Gap) => AppendResult::Unknown,
        };
        self.answer_append(id, at, result);
        Ok(())
    }

    pub(crate) fn confirm(&mut self, id: WriterId, number: u64) {
        let Some(writer) = self.writers.all.get(&id) else { return };
        let is_writer = lock(self.disk(writer.id)).is_writer(id);
        let answer = if is_writer { Confirmation::Yes(number) } else { Confirmation::No(number) };
        let delay = self.delay(self.plan.append_delay);
        self.agenda.plan_in(delay, Event::Completed { writer: id, completion: Completion::Confirmed(answer) });
    }

    pub(crate) fn load(&mut self, id: WriterId, wanted: Load) {
        let is_page = is_page(&wanted);
        let has_failed = self.has_fault(self.plan.store_rate / if is_page { 4 } else { 100 });
        let id = self.heir_of(id, &wanted);
        let Some(writer) = self.writers.all.get(&id) else { return };
        let mut loaded = load(&writer.store, wanted);
        if has_failed {
            loaded.cells = Err(StoreError::Io { detail: LOAD_FAILED.to_owned() });
            self.note(if is_page { Fault::PageFailed } else { Fault::LoadFailed });
        }
        // The sweep is in no hurry, and much may happen until its page comes.
        let is_late = matches!(loaded.load, Load::ClientKeys { .. }) && self.has_fault(SWEEP_SLOW_RATE);
        let delay = self.delay(if is_late { SECOND } else { self.plan.store_delay });
        self.agenda.plan_in(delay, Event::Completed { writer: id, completion: Completion::Loaded(loaded) });
    }

    /// The writer that an answer to a load is for: another one, if that has been handed over.
    fn heir_of(&self, id: WriterId, load: &Load) -> WriterId {
        self.repartitioning.heir(id, load).unwrap_or(id)
    }

    pub(crate) fn checkpoint(&mut self, id: WriterId, checkpoint: Checkpoint) -> Check {
        let Some(writer) = self.writers.all.get(&id) else { return Ok(()) };
        let (own, node, is_old, store) = (writer.id, writer.node, writer.is_old, writer.store.clone());
        let position = checkpoint.position;
        let completion = if !is_old && std::mem::take(&mut self.nodes[node].fails_checkpoint) {
            self.note(Fault::CheckpointFailed);
            Completion::CheckpointFailed(CHECKPOINT_FAILED.to_owned())
        } else {
            ensure!(
                self.is_damaged || position <= lock(self.disk(own)).synced(),
                "P6",
                "a checkpoint of record {position}, not durable"
            );
            checkpoint.write(&store, &[]).map_err(|error| Violation::new("P6", error.to_string()))?;
            if !is_old && !self.is_damaged {
                self.log_mut(own).store_model.check(&store, position)?;
                self.forget_ended(node)?;
            }
            Completion::Checkpointed(position)
        };
        let delay: Moment = self.delay(self.plan.store_delay);
        self.agenda.plan_in(delay, Event::Completed { writer: id, completion });
        Ok(())
    }

    /// A partition is told something.
    pub(crate) fn complete(&mut self, id: WriterId, completion: Completion) -> Check {
        let id = match &completion {
            Completion::Loaded(loaded) => self.heir_of(id, &loaded.load),
            _ => id,
        };
        let Some(writer) = self.writers.all.get_mut(&id) else { return Ok(()) };
        let own = writer.id;
        let input = match completion {
            Completion::Appended(at, result) => {
                if result == AppendResult::Ok {
                    self.sync(own, at)?;
                }
                Input::Appended(at, result)
            }
            Completion::Confirmed(confirmation) => Input::Confirmed(confirmation),
            Completion::Loaded(loaded) => Input::Loaded(loaded),
            Completion::Checkpointed(position) => Input::Checkpointed(position),
            Completion::CheckpointFailed(reason) => Input::CheckpointFailed(reason),
        };
        self.give(id, input);
        if let Some(writer) = self.writers.all.get_mut(&id) {
            writer.has_served |= writer.running.status().is_serving;
        }
        Ok(())
    }
}

/// Whether a load reads back messages that memory had no room for.
fn is_page(load: &Load) -> bool {
    matches!(load, Load::Outgoing { .. } | Load::Inbox { .. } | Load::Parked { .. })
}

/// Whether an answer says that the request was certainly not done and may be sent again.
pub(crate) fn is_try_again(failure: &Failure) -> bool {
    matches!(failure, Failure::Busy | Failure::Backlog(_) | Failure::Overfull(_) | Failure::Full | Failure::Late)
}
