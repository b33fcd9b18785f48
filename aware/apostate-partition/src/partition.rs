//! The partition: its parts, and one verb.
//!
//! Reading order: `open.rs` reads it back, `turn.rs` says what runs when, `close.rs` makes a record of a batch and `undo.rs` takes it back;
//! `seal.rs` is how it ends in others, `answers.rs` takes what log and store answer, `sessions.rs` what other partitions say, `full.rs` is for a log without room, `checkpoints.rs`, `sweep.rs` and `producers.rs` write to the
//! store. Each is about several parts; a rule of one part stands with that.

mod answers;
mod check;
mod checkpoints;
mod children;
mod close;
mod full;
mod open;
mod producers;
mod restore;
mod rows;
mod seal;
mod sessions;
mod split;
mod status;
mod sweep;
mod turn;
mod undo;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use apostate_core::panic_text;
use apostate_log::PartitionId;

use crate::batch::Batch;
use crate::cells::lineage::{Genesis, Seal};
use crate::checkpoints::Checkpoints;
use crate::delivery::{Delivery, Generation};
use crate::entities::{Entities, KeySweep};
use crate::interface::{
    Answer, Effect, Failure, Input, Notice, Outage, ParkedCommand, Request, SplitIntent, StopReason,
};
use crate::log::LogWriter;
use crate::pacing::{HostTime, Pacer};
use crate::range::Map;
use crate::run::{Handling, Runner};
use crate::scope::Scope;
use crate::timers::Timers;
use crate::work::Work;

/// Many entities, one writer, one log.
///
/// Every input is legal in every state; nothing here fails, blocks or waits.
///
/// Invariants E1, E2, E3, E6, P1, P2, P4, P6.
pub struct Partition {
    scope: Scope,
    time: Pacer,
    entities: Entities,
    runner: Runner,
    batch: Batch,
    work: Work,
    log: LogWriter,
    checkpoints: Checkpoints,
    delivery: Delivery,
    sweep: KeySweep,
    timers: Timers,
    /// Where everybody is, to be taken over once the batch has ended: that knows others by their indexes.
    topology: Option<Arc<Map>>,
    /// A split that is wanted.
    intent: Option<SplitIntent>,
    /// The last record, once it is made.
    seal: Option<Seal>,
    /// The partitions that this one goes on for; none of one of the first map.
    genesis: Option<Genesis>,
    /// The partition whose log is being read: this one, or one that it goes on for.
    reads: PartitionId,
    /// Given at the end of the step.
    notices: Vec<Notice>,
    /// Steps so far, for [`Tuning::check_every`](crate::Tuning::check_every).
    steps: u32,
}

impl Partition {
    /// Takes one input and appends to `effects` what the host must now do, in that order. `now` is read from the host's clocks.
    pub fn step(&mut self, now: HostTime, input: Input, effects: &mut Vec<Effect>) {
        if self.log.stopped().is_some() {
            self.refuse(input, effects);
            return;
        }
        let before = effects.len();
        let step = AssertUnwindSafe(|| self.take(now, input, effects));
        if let Err(payload) = catch_unwind(step) {
            // A broken assertion: nothing of this step leaves, and there is no further one.
            effects.truncate(before);
            self.stop(StopReason::of_panic(panic_text(payload.as_ref())), effects);
        }
    }

    fn take(&mut self, now: HostTime, input: Input, effects: &mut Vec<Effect>) {
        if let Some(offset) = self.time.observe(now, self.scope.tuning().clock_gap_max) {
            self.notices.push(Notice::TimeOffset(offset));
        }
        match input {
            Input::Open => self.append_opening(effects),
            Input::Request(request) => self.admit(request, effects),
            Input::Frame { from, bytes } => self.admit_frame(from, bytes),
            Input::Appended(position, result) => self.appended(position, result, effects),
            Input::Confirmed(confirmation) => self.confirmed(confirmation, effects),
            Input::Loaded(loaded) => self.loaded(loaded, effects),
            Input::Checkpointed(position) => self.checkpointed(position, effects),
            Input::CheckpointFailed(reason) => self.stop(StopReason::Failed(Outage::Checkpoint(reason)), effects),
            Input::RequestCheckpoint { ticket } => self.request_checkpoint(ticket, effects),
            Input::Topology(map) => self.hear_of(map),
            Input::Split(intent) => self.begin_split(intent, effects),
            Input::Quota(quota) => self.scope.take_quota(quota),
            Input::Command(command) => self.admit_command(command, effects),
            Input::Turn => self.run_turn(effects),
        }
        self.check();
        effects.extend(self.entities.take_loads().map(Effect::Load));
        effects.extend(self.notices.drain(..).map(Effect::Notice));
    }

    /// Stops for good.
    fn stop(&mut self, reason: StopReason, effects: &mut Vec<Effect>) {
        self.log.stop(reason, effects);
    }

    /// Answers for a partition that has stopped.
    fn refuse(&self, input: Input, effects: &mut Vec<Effect>) {
        let Some(reason) = self.log.stopped() else { return };
        let ticket = match input {
            Input::Request(request) => request.ticket,
            Input::Command(command) => command.ticket,
            _ => return,
        };
        effects.push(Effect::Answer { ticket, answer: Answer::Failed(Failure::Stopped(reason.clone())) });
    }

    /// Takes a request in, or answers at once what no state can change.
    fn admit(&mut self, request: Request, effects: &mut Vec<Effect>) {
        let ticket = request.ticket;
        if let Err(failure) = self.handling().admit(request) {
            effects.push(Effect::Answer { ticket, answer: Answer::Failed(failure) });
        }
    }

    /// Takes an operator's command in, or turns it away: without room in the log it would be done at some time, and the operator
    /// would not know.
    fn admit_command(&mut self, command: ParkedCommand, effects: &mut Vec<Effect>) {
        if self.log.is_full() {
            let (ticket, answer) = (command.ticket, Answer::Failed(Failure::Full));
            effects.push(Effect::Answer { ticket, answer });
        } else {
            self.work.push_command(command);
        }
    }

    /// Where everybody is, to be taken over between batches; the newest counts.
    fn hear_of(&mut self, map: Arc<Map>) {
        if self.topology.as_ref().is_none_or(|heard| heard.version < map.version) {
            self.topology = Some(map);
        }
    }

    /// The parts that the handling of a message may touch.
    fn handling(&mut self) -> Handling<'_> {
        let Self { scope, time, entities, runner, batch, work, log, delivery, sweep, timers, .. } = self;
        Handling { scope, time, now: time.now(), entities, runner, batch, work, log, delivery, sweep, timers }
    }

    /// The partition's incarnation, as others see it.
    fn generation(&self) -> Generation {
        Generation { map_version: self.scope.born(), epoch: self.log.epoch().0 }
    }

    /// Whether one more record may be under way.
    fn has_room(&self) -> bool {
        self.log.has_room(self.scope.tuning().append_window)
    }
}
