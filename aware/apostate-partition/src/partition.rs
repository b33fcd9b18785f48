//! The partition: its shape, and its one verb.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use apostate_core::{Address, Effects, EntityKey, Registry, Timestamp, panic_text};
use apostate_log::{Epoch, PartitionId, Position};
use bytes::Bytes;

use crate::batch::{Batch, Counts};
use crate::checkpoint::Dirty;
use crate::delivery::{Generation, Generations, Intakes, Outbox};
use crate::inbox::Inboxes;
use crate::interface::{
    CrashSuspect, Effect, Input, Load, Notice, Outage, ParkedCommand, Request, RunObserver, StopReason,
};
use crate::message::Message;
use crate::pacing::{HostTime, Pacer};
use crate::parked::ParkedMessages;
use crate::rectangles::Rectangles;
use crate::slots::{SlotId, Slots};
use crate::sweep::Sweep;
use crate::trace::TraceContext;
use crate::{Map, Range, Tuning};

/// Many entities, one writer, one log.
///
/// Every input is legal in every state; nothing here fails, blocks or waits.
///
/// Invariants E1, E2, E3, E6, P1, P2, P4, P6.
pub struct Partition {
    pub(crate) id: PartitionId,
    pub(crate) range: Range,
    pub(crate) map: Map,
    pub(crate) registry: Arc<Registry>,
    pub(crate) tuning: Tuning,
    pub(crate) seed: u64,
    pub(crate) observer: Box<dyn RunObserver>,
    pub(crate) suspects: Vec<CrashSuspect>,

    pub(crate) phase: Phase,
    pub(crate) time: Pacer,
    pub(crate) slots: Slots,
    pub(crate) batch: Batch,
    /// The entity for whose sake the batch is given up.
    pub(crate) abandoned: Option<SlotId>,
    pub(crate) log: LogState,
    pub(crate) held: Held,
    pub(crate) dirty: Dirty,
    pub(crate) sources: Sources,
    pub(crate) outbox: Outbox,
    pub(crate) intakes: Intakes,
    pub(crate) rectangles: Rectangles,
    pub(crate) generations: Generations,
    /// Keys of own rows in the store as of the last checkpoint taken.
    pub(crate) stored_rows: BTreeSet<Box<[u8]>>,
    /// Frames that change more than one batch may see: taken between batches.
    pub(crate) controls: VecDeque<(PartitionId, Bytes)>,
    /// Checkpoints that somebody waits for: ticket, generation that must be stored.
    pub(crate) checkpoint_requests: Vec<(u64, u64)>,
    pub(crate) is_checkpoint_wanted: bool,
    pub(crate) loads: Vec<Load>,
    pub(crate) counts: Counts,
    /// Reads wait for a record, for want of a better proof that we are the writer.
    pub(crate) is_record_wanted: bool,
    pub(crate) sweep: Sweep,
    /// Parked messages, by their numbers.
    pub(crate) parked: ParkedMessages,
    /// The effects of the handler run under way; kept for its room.
    pub(crate) run_effects: Effects,
    /// Where what the handler run under way sends stands in its trace, if it has one.
    pub(crate) trace: Option<Box<TraceContext>>,
    pub(crate) scratch: Vec<u8>,
    pub(crate) notices: Vec<Notice>,
    /// Messages taken from any source in this round.
    pub(crate) taken: usize,
    /// Decides whose turn it is.
    pub(crate) turn: usize,
    /// Messages of a batch are run one at a time for this many batches: their record was too long.
    pub(crate) one_at_a_time: usize,
}

/// Where a partition is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Read back, not opened.
    Closed,
    /// Its opening record is under way.
    Opening,
    /// It serves.
    Serving,
    /// It has stopped for good.
    Stopped(Arc<StopReason>),
}

/// What the log knows of us.
#[derive(Debug, Default)]
pub(crate) struct LogState {
    pub(crate) epoch: Epoch,
    /// The newest record that was made.
    pub(crate) submitted: Position,
    /// The newest record that is durable, with all before it.
    pub(crate) durable: Position,
    /// The hash of the newest record.
    pub(crate) hash: u64,
    /// When the newest record was made.
    pub(crate) appended_at: Timestamp,
    pub(crate) in_flight: VecDeque<InFlight>,
    /// When to append again what the log had no room for.
    pub(crate) again_at: Option<Timestamp>,
    /// The log had no room when it was last asked.
    pub(crate) is_full: bool,
    /// The number that the next message, inbox item or parked message gets.
    pub(crate) next_number: u64,
    /// The next number as of the opening: what was sent before it is below.
    pub(crate) opened_number: u64,
    pub(crate) confirm_ticket: u64,
}

/// A record that is not durable yet.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) position: Position,
    pub(crate) record: Bytes,
    pub(crate) state: Flight,
}

/// How an append fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flight {
    /// Asked for.
    Asked,
    /// Durable, but something before it is not.
    Done,
    /// To be asked for again.
    Again,
}

/// What must not leave yet.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Leaves when the record at this position is durable.
    pub(crate) outputs: VecDeque<(Position, Effect)>,
    /// Leaves when the confirm with this ticket says yes, and the record at this position is durable.
    pub(crate) reads: VecDeque<(u64, Position, Effect)>,
    /// Bytes of the answers among them.
    pub(crate) answers_bytes: usize,
    /// Why this partition stops when the confirm with this ticket says that it is the writer.
    pub(crate) doubt: Option<(u64, StopReason)>,
}

impl Held {
    /// It leaves.
    pub(crate) fn let_go(&mut self, effect: &Effect) {
        if let Effect::Answer { ticket: _, answer } = effect {
            self.answers_bytes = self.answers_bytes.saturating_sub(answer.bytes());
        }
    }
}

/// Where work comes from.
#[derive(Default)]
pub(crate) struct Sources {
    /// Messages within the partition, of this batch.
    pub(crate) local: VecDeque<Message>,
    /// Entities whose inbox can go on.
    pub(crate) ready: VecDeque<SlotId>,
    /// Requests that waited for an entity, and need not any more.
    pub(crate) released: VecDeque<Request>,
    /// Requests in order of arrival.
    pub(crate) requests: VecDeque<Request>,
    /// Those whose messages wait or are in the batch: few, however many there have ever been.
    pub(crate) producers: Vec<Producer>,
    /// What operators want of parked messages.
    pub(crate) commands: VecDeque<ParkedCommand>,
    /// When an inbox goes on after a panic.
    pub(crate) retries: BTreeSet<(Timestamp, SlotId)>,
    /// Requests that wait in slots.
    pub(crate) waiting: usize,
    pub(crate) inboxes: Inboxes,
}

/// A producer outside that numbers its requests.
pub(crate) struct Producer {
    pub(crate) name: EntityKey,
    pub(crate) queue: VecDeque<Request>,
    /// The highest number handled in this batch.
    pub(crate) high: Option<u64>,
}

impl Partition {
    /// Takes one input and appends to `effects` what the world must now do, in that order. `now` is read from the host's clocks.
    pub fn step(&mut self, now: HostTime, input: Input, effects: &mut Vec<Effect>) {
        if matches!(self.phase, Phase::Stopped(_)) {
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
        if let Some(offset) = self.time.observe(now, self.tuning.clock_gap_max) {
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
            Input::Parked(command) => self.admit_command(command, effects),
            Input::Turn => self.run_turn(effects),
        }
        effects.extend(self.loads.drain(..).map(Effect::Load));
        effects.extend(self.notices.drain(..).map(Effect::Notice));
    }

    /// Stops for good.
    pub(crate) fn stop(&mut self, reason: StopReason, effects: &mut Vec<Effect>) {
        if !matches!(self.phase, Phase::Stopped(_)) {
            let reason = Arc::new(reason);
            self.phase = Phase::Stopped(reason.clone());
            effects.push(Effect::Stopped(reason));
        }
    }

    /// This partition's incarnation, as others see it.
    pub(crate) fn generation(&self) -> Generation {
        Generation { map_version: self.map.version, epoch: self.log.epoch.0 }
    }

    /// A random number.
    pub(crate) fn random(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// The next number of this partition.
    pub(crate) fn number(&mut self) -> u64 {
        let number = self.log.next_number;
        self.log.next_number += 1;
        number
    }

    /// The slot of an entity, made if it has none.
    pub(crate) fn slot_of(&mut self, address: &Address) -> SlotId {
        let registry = &self.registry;
        self.slots.find_or_insert(address, || {
            registry.find(address.kind()).and_then(|kind| u32::try_from(kind).ok()).unwrap_or(crate::slots::NONE)
        })
    }

    /// An entity's name for people.
    pub(crate) fn name_of(&self, address: &Address) -> String {
        match self.registry.find(address.kind()) {
            Some(kind) => format!("{}/{}", self.registry.kinds()[kind].name, address.key()),
            None => format!("{:08x}/{}", address.kind().0, address.key()),
        }
    }

    /// A handler's name for people.
    pub(crate) fn handler_name(&self, address: &Address, handler: apostate_core::HandlerId) -> String {
        let kind = self.registry.find(address.kind()).map(|kind| &self.registry.kinds()[kind]);
        let found = kind.and_then(|kind| Some(kind.handlers[kind.find(handler)?].name.to_owned()));
        found.unwrap_or_else(|| format!("{:08x}", handler.0))
    }
}
