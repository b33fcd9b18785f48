//! Runs one message against one entity, inside the batch.
//!
//! One decode per message, one encode per changed entity per batch: between two runs of a batch the live value is
//! ahead of its bytes. What a run must leave no trace of is undone from bytes; what other entities may already have
//! built upon is undone by undoing the batch.
//!
//! Invariant E3: no transaction touches two entities.

use std::panic::{AssertUnwindSafe, catch_unwind};

use apostate_core::limits::TX_BYTES_MAX;
use apostate_core::{
    Address, HandlerId, Invocation, Mode, OnRefused, Outcome, Refusal, Refused, Sent, encode, panic_text, step,
};

use crate::batch::{self, Touched};
use crate::cell::{self, Section};
use crate::client_keys::message_fingerprint;
use crate::delivery::{Layout, Outgoing};
use crate::interface::Failure;
use crate::limits::CRASHES_MAX;
use crate::message::{Identity, Message};
use crate::partition::Partition;
use crate::planted::{self, Bug};
use crate::slots::{NONE, SlotId, WORD_BYTES, word};
use crate::trace::TraceContext;

/// What to run.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) slot: SlotId,
    pub(crate) to: &'a Address,
    pub(crate) from: Option<&'a Address>,
    pub(crate) handler: HandlerId,
    pub(crate) body: &'a [u8],
    pub(crate) wants_reply: bool,
    pub(crate) trace: Option<&'a TraceContext>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Ran {
    /// Done: the entity has this version, the reply is in `run_effects`.
    Done(u64),
    /// A read found no entity.
    Missing,
    /// The entity said no; nothing was changed.
    Refused(Refusal),
    /// It cannot be run as it is; nothing was changed.
    Failed(Failure),
    /// The handler panicked; nothing was changed.
    Panicked(String),
    /// The batch is given up: the message goes back to where it came from, and comes again.
    Abandoned,
}

impl Partition {
    /// Runs a message against an entity that is here and of a known kind. On `Abandoned` the caller puts the message
    /// back where it came from, and runs nothing more in this batch.
    pub(crate) fn run(&mut self, run: Run<'_>) -> Ran {
        let span = self.begin_span(run.trace);
        let ran = self.run_once(run);
        if let Some(span) = span {
            self.end_span(span, &run, &ran);
        }
        ran
    }

    fn run_once(&mut self, run: Run<'_>) -> Ran {
        let kind = self.slots.get(run.slot).kind as usize;
        let Some(number) = self.registry.kinds()[kind].find(run.handler) else {
            return Ran::Failed(Failure::UnknownHandler);
        };
        let info = self.registry.kinds()[kind].handlers[number];
        let fingerprint = message_fingerprint(run.to.hash(), run.handler.0, run.body);
        if let Some(crash_count) = self.crash_count_of(fingerprint) {
            return Ran::Failed(Failure::PoisonMessage(crash_count));
        }
        if info.mode == Mode::Reads && !self.slots.get(run.slot).exists {
            return Ran::Missing;
        }
        if info.mode == Mode::Changes {
            self.touch(run.slot);
        }
        // A value with changes that are not encoded could not be taken back after a refusal.
        let is_guarded = info.refusable || self.slots.get(run.slot).careful > 0;
        if is_guarded && self.slots.get(run.slot).changed && self.encode(run.slot).is_err() {
            return self.abandon(run.slot);
        }
        self.observer.enter(fingerprint, run.to.kind().0, run.handler.0);
        if let Err(error) = self.awaken(run.slot, kind) {
            self.observer.leave();
            return Ran::Failed(Failure::UnreadableState(error));
        }
        let seed = self.random();
        let slot = self.slots.get_mut(run.slot);
        slot.used = true;
        let Some(live) = slot.live.as_deref_mut() else { unreachable!("it was awakened") };
        let invocation = Invocation {
            to: run.to,
            sender: run.from,
            handler: run.handler,
            body: run.body,
            now: self.time.now(),
            seed,
            wants_reply: run.wants_reply,
        };
        let outcome = step(live, number, &invocation, &mut self.run_effects);
        self.observer.leave();
        self.batch.counts.messages += 1;
        match (outcome, info.mode) {
            (Outcome::Done, Mode::Reads) => Ran::Done(self.slots.get(run.slot).version),
            (Outcome::Done, Mode::Changes) => {
                let touched = self.slots.get(run.slot).touched as usize;
                self.batch.touched[touched].last =
                    batch::RunName { fingerprint, kind: run.to.kind().0, handler: run.handler.0 };
                self.keep(run)
            }
            (Outcome::Refused(refusal), _) => self.take_back(run.slot, info.mode, Ran::Refused(refusal)),
            (Outcome::Unreadable(error), _) => Ran::Failed(Failure::Unreadable(error.0)),
            (Outcome::TooLarge, _) => self.undo_run(run.slot, Ran::Failed(Failure::TooLarge)),
            (Outcome::Panicked(text), _) => self.undo_run(run.slot, Ran::Panicked(text)),
        }
    }

    /// Gives the state of an entity that is here as the reply. Nothing of the author's runs, except that what was changed in
    /// this batch is encoded. `Abandoned` as for [`run`](Self::run).
    pub(crate) fn show(&mut self, id: SlotId) -> Ran {
        if !self.slots.get(id).exists {
            return Ran::Missing;
        }
        if self.slots.get(id).changed && self.encode(id).is_err() {
            return self.abandon(id);
        }
        let slot = self.slots.get_mut(id);
        slot.used = true;
        self.run_effects.reply.clear();
        self.run_effects.reply.extend_from_slice(slot.state().unwrap_or(&[]));
        Ran::Done(slot.version)
    }

    /// How often the message was running when the process died, if that is too often.
    fn crash_count_of(&self, fingerprint: u64) -> Option<u32> {
        if self.suspects.is_empty() {
            return None;
        }
        let suspect = self.suspects.iter().find(|suspect| suspect.fingerprint == fingerprint)?;
        (suspect.crash_count >= CRASHES_MAX).then_some(suspect.crash_count)
    }

    /// Notes how the entity was when the batch began.
    pub(crate) fn touch(&mut self, id: SlotId) {
        let slot = self.slots.get_mut(id);
        if slot.touched == NONE {
            slot.touched = self.batch.touched.len() as u32;
            let length = slot.encoded.as_ref().map_or(0, |encoded| encoded.len());
            self.batch.state_bytes += length + crate::limits::CELL_OVERHEAD_BYTES_MAX / 8;
            self.batch.touched.push(Touched {
                slot: id,
                encoded: slot.encoded.clone(),
                version: slot.version,
                has_keys: slot.has_keys,
                exists: slot.exists,
                is_changed: false,
                last: batch::RunName::default(),
            });
        }
    }

    /// Makes sure that the live value is there.
    fn awaken(&mut self, id: SlotId, kind: usize) -> Result<(), String> {
        let slot = self.slots.get_mut(id);
        if slot.live.is_none() {
            let kind = &self.registry.kinds()[kind];
            let live = match slot.state() {
                None => Ok(kind.new_entity()),
                // A hook of the author's may run in here.
                Some(state) => catch_unwind(AssertUnwindSafe(|| kind.decode(state)))
                    .unwrap_or_else(|payload| Err(apostate_core::StateError(panic_text(payload.as_ref())))),
            };
            slot.live = Some(live.map_err(|error| error.0)?);
        }
        Ok(())
    }

    /// Keeps what a handler that changes has done.
    fn keep(&mut self, run: Run<'_>) -> Ran {
        let slot = self.slots.get_mut(run.slot);
        let was_changed = slot.changed;
        let existed = slot.exists;
        slot.version += 1;
        slot.changed = true;
        slot.exists = !self.run_effects.deleted;
        let version = slot.version;
        let is_careful = slot.careful > 0;
        if !slot.exists {
            slot.live = None;
            self.encode(run.slot).expect("a version alone encodes");
        } else if is_careful {
            slot.careful -= 1;
            let before = slot.encoded.clone();
            let problem = match self.encode(run.slot) {
                Err(text) => Some(Ran::Panicked(text)),
                Ok(length) => {
                    (length + self.run_effects.bytes() > TX_BYTES_MAX).then_some(Ran::Failed(Failure::TooLarge))
                }
            };
            if let Some(problem) = problem {
                assert!(!was_changed, "E3 broken: a careful run began on a value that was not encoded");
                self.slots.set_encoded(run.slot, before);
                let slot = self.slots.get_mut(run.slot);
                slot.live = None;
                slot.changed = false;
                slot.version -= 1;
                slot.exists = existed;
                return problem;
            }
        }
        let touched = self.slots.get(run.slot).touched;
        self.batch.touched[touched as usize].is_changed = true;
        self.batch.state_bytes += run.body.len();
        self.send_all(run.to);
        Ran::Done(version)
    }

    /// After a refusal: the live value may hold what was refused.
    fn take_back(&mut self, id: SlotId, mode: Mode, ran: Ran) -> Ran {
        if mode == Mode::Changes {
            let slot = self.slots.get_mut(id);
            assert!(!slot.changed, "E3 broken: a handler that can refuse ran on a value that was not encoded");
            if !planted::is(Bug::RefusalKept) {
                slot.live = None;
            }
        }
        ran
    }

    /// After a panic, or a run that was too large: the live value may hold anything.
    fn undo_run(&mut self, id: SlotId, ran: Ran) -> Ran {
        if self.slots.get(id).changed && !planted::is(Bug::PanicHalfUndone) {
            return self.abandon(id);
        }
        self.slots.get_mut(id).live = None;
        ran
    }

    /// Encodes the live value. Gives its length, or what the author's code said when it failed.
    pub(crate) fn encode(&mut self, id: SlotId) -> Result<usize, String> {
        let slot = self.slots.get(id);
        self.scratch.clear();
        self.scratch.extend_from_slice(&word(slot.version, slot.has_keys).to_le_bytes());
        if let Some(live) = slot.live.as_deref().filter(|_| slot.exists) {
            let scratch = &mut self.scratch;
            catch_unwind(AssertUnwindSafe(|| live.encode(scratch))).map_err(|payload| panic_text(payload.as_ref()))?;
            assert!(self.scratch.len() > WORD_BYTES, "P4 broken: a state of no bytes");
        }
        let encoded = self.scratch.as_slice().into();
        self.slots.set_encoded(id, Some(encoded));
        self.slots.get_mut(id).changed = false;
        Ok(self.scratch.len())
    }

    /// Sends what the run that was kept has sent.
    fn send_all(&mut self, from: &Address) {
        let mut sent = std::mem::take(&mut self.run_effects.sent);
        for message in sent.drain(..) {
            let Sent { to, handler, on_refused, body } = message;
            let trace = self.trace.clone();
            self.post(Message { to, from: Some(from.clone()), handler, on_refused, body, trace });
        }
        self.run_effects.sent = sent;
    }

    /// Sends a message: into this batch if it stays here, else into the outbox, with a cell under its sender.
    pub(crate) fn post(&mut self, message: Message) {
        if self.range.contains(message.to.hash()) {
            // What is left of it when the batch closes becomes an inbox cell.
            self.batch.state_bytes += message.length();
            self.sources.local.push_back(message);
            return;
        }
        let target = self.map.find(message.to.hash());
        let peer = self.outbox.index_of(target).expect("P2 broken: the map names a partition that is no peer");
        let sender = message.from.clone().expect("E2 broken: a message to another partition without a sender");
        let identity = Identity { origin: self.id, number: self.number() };
        let mut bytes = Vec::with_capacity(message.length());
        message.write(Some(identity), &mut bytes);
        let sub = cell::outgoing_sub(identity.origin, identity.number);
        self.batch.record.put(Section::Outgoing, &sender, &sub, &bytes);
        let record = self.log.submitted.next();
        let outgoing = Outgoing { identity, sender, layout: Layout::Here(bytes.into()), record, is_stored: false };
        self.batch.outgoing.push((peer, outgoing));
    }

    /// Does what the sender of a refused message wanted.
    pub(crate) fn tell_refused(&mut self, message: &Message, why: Refusal) {
        match (message.on_refused, &message.from) {
            (OnRefused::Tell { handler, .. }, Some(sender)) if !planted::is(Bug::RefusalUntold) => {
                let refused = Refused { handler: self.handler_name(&message.to, message.handler), why };
                self.post(Message {
                    to: sender.clone(),
                    from: Some(message.to.clone()),
                    handler,
                    on_refused: OnRefused::Never,
                    body: encode(&refused),
                    trace: self.trace.clone(),
                });
            }
            _ => self.batch.counts.ignored_refusals += 1,
        }
    }

    /// Gives the batch up. Its source puts the message back first; then `undo_abandoned` takes back the rest.
    fn abandon(&mut self, culprit: SlotId) -> Ran {
        self.abandoned = Some(culprit);
        Ran::Abandoned
    }

    /// Undoes a batch that was given up, and has its culprit encoded around each run until the messages of the batch
    /// have come again.
    pub(crate) fn undo_abandoned(&mut self) {
        if let Some(culprit) = self.abandoned.take() {
            let runs = 64 + 4 * self.batch.messages as u32;
            self.undo_batch();
            self.slots.get_mut(culprit).careful = runs;
        }
    }
}
