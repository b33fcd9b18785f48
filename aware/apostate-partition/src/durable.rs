//! What the log and the store answer, and what may leave because of it.
//!
//! Invariant E2, promise *never early*: an output carries the position of the newest record that was open when it was
//! made, and leaves when that record is durable.

use apostate_core::Timestamp;
use apostate_log::{AppendResult, Confirmation, Position, Record, StoreError};

use crate::cell::{self, OwnRow};
use crate::checkpoint::Cell;
use crate::commit::RecordKind;
use crate::interface::{
    Answer, Damage, Effect, Failure, Input, Invariant, Load, Loaded, Notice, Outage, StopReason, Stored,
};
use crate::partition::{Flight, Partition, Phase};
use crate::planted::{self, Bug};
use crate::slots::Residence;

/// How long to wait before the log is asked again when it had no room.
const FULL_DELAY: std::time::Duration = std::time::Duration::from_millis(200);

impl Partition {
    /// Appends the record that says who writes from here on. Nothing is served before it is durable.
    pub(crate) fn append_opening(&mut self, effects: &mut Vec<Effect>) {
        if self.phase != Phase::Closed {
            return;
        }
        self.phase = Phase::Opening;
        self.log.epoch.0 += u64::from(!planted::is(Bug::EpochKept) || self.log.epoch.0 == 0);
        let mut batch = std::mem::take(&mut self.batch);
        // No two writers write the same one: whoever finds another's there is fenced.
        let nonce = if planted::is(Bug::OpeningsAlike) { 0 } else { self.random() }.to_le_bytes();
        let row = cell::own_row(self.id, &OwnRow::Opening);
        batch.record.put_key(&row, &nonce);
        batch.record.delete_key(&row);
        self.begin_forgotten(&mut batch.record);
        self.append(&mut batch, RecordKind::Opening, effects);
        batch.first_number = self.log.next_number;
        self.batch = batch;
        if planted::is(Bug::OpenEarly) {
            self.phase = Phase::Serving;
        }
    }

    /// The log answers an append.
    pub(crate) fn appended(&mut self, position: Position, result: AppendResult, effects: &mut Vec<Effect>) {
        let Some(flight) = self.log.in_flight.iter_mut().find(|flight| flight.position == position) else { return };
        match result {
            AppendResult::Ok => flight.state = Flight::Done,
            AppendResult::Taken(bytes) if bytes == flight.record => flight.state = Flight::Done,
            AppendResult::Taken(_) if planted::is(Bug::FencingOff) => flight.state = Flight::Done,
            AppendResult::Taken(bytes) => {
                let reason = match Record::read(&bytes) {
                    Ok(record)
                        if record.header.epoch > self.log.epoch
                            || (self.phase == Phase::Opening && record.header.epoch == self.log.epoch) =>
                    {
                        StopReason::Fenced { epoch: record.header.epoch.0 }
                    }
                    // It was appended after we had read the log; whose it is, is known to whoever reads on.
                    Ok(_) if self.phase == Phase::Opening => StopReason::Overtaken,
                    _ => StopReason::Broken {
                        invariant: Invariant::P1,
                        detail: format!(
                            "record {position} of partition {} is another one than epoch {} wrote",
                            self.id, self.log.epoch
                        ),
                    },
                };
                return self.stop(reason, effects);
            }
            AppendResult::Unknown if planted::is(Bug::UnknownIsOk) => flight.state = Flight::Done,
            AppendResult::Unknown => flight.state = Flight::Again,
            AppendResult::Full => {
                flight.state = Flight::Again;
                self.log.again_at = Some(self.time.now().after(FULL_DELAY));
                if !std::mem::replace(&mut self.log.is_full, true) {
                    self.notices.push(Notice::LogFull);
                    self.turn_requests_away(effects);
                }
            }
            AppendResult::Poisoned(reason) => return self.stop(StopReason::Failed(Outage::Log(reason)), effects),
        }
        while let Some(flight) = self.log.in_flight.pop_front_if(|flight| flight.state == Flight::Done) {
            assert!(flight.position == self.log.durable.next(), "P6 broken: records became durable out of order");
            self.log.is_full = false;
            self.log.durable = flight.position;
        }
        if self.phase == Phase::Opening && self.log.durable == self.log.submitted {
            self.phase = Phase::Serving;
            self.notices.push(Notice::Serving { epoch: self.log.epoch.0 });
        }
        self.append_again(effects);
        self.release(effects);
    }

    /// Asks again for what the log did not take, with the same bytes at the same positions, in order.
    pub(crate) fn append_again(&mut self, effects: &mut Vec<Effect>) {
        if self.log.again_at.is_some_and(|at| at > self.time.now()) {
            return;
        }
        let is_asked = self.log.in_flight.iter().any(|flight| flight.state == Flight::Asked);
        if is_asked || self.log.in_flight.is_empty() {
            return;
        }
        self.log.again_at = None;
        for flight in self.log.in_flight.iter_mut().filter(|flight| flight.state == Flight::Again) {
            flight.state = Flight::Asked;
            effects.push(Effect::Append { at: flight.position, record: flight.record.clone() });
        }
    }

    /// Lets go what may leave.
    pub(crate) fn release(&mut self, effects: &mut Vec<Effect>) {
        let durable = self.log.durable;
        while let Some((_, output)) = self.held.outputs.pop_front_if(|(position, _)| *position <= durable) {
            self.held.let_go(&output);
            effects.push(output);
        }
        while let Some((_, _, read)) =
            self.held.reads.pop_front_if(|(ticket, position, _)| *ticket == 0 && *position <= durable)
        {
            self.held.let_go(&read);
            effects.push(read);
        }
    }

    /// The log says whether we are still the writer.
    pub(crate) fn confirmed(&mut self, confirmation: Confirmation, effects: &mut Vec<Effect>) {
        match confirmation {
            Confirmation::Yes(ticket) => {
                if let Some((_, reason)) = self.held.doubt.take_if(|(asked, _)| *asked <= ticket) {
                    return self.stop(reason, effects);
                }
                for (asked, _, _) in self.held.reads.iter_mut().filter(|(asked, _, _)| *asked <= ticket) {
                    *asked = 0;
                }
                self.release(effects);
            }
            // Perhaps not. A record that is appended from now on tells: if it becomes durable, we were.
            Confirmation::No(ticket) => {
                let next = self.log.submitted.next();
                self.is_record_wanted |= self.held.doubt.take_if(|(asked, _)| *asked <= ticket).is_some();
                for (asked, position, _) in self.held.reads.iter_mut().filter(|(asked, _, _)| *asked <= ticket) {
                    if *asked > 0 {
                        (*asked, *position) = (0, next);
                        self.is_record_wanted = true;
                    }
                }
            }
        }
    }

    /// The store answers a load.
    pub(crate) fn loaded(&mut self, loaded: Loaded, effects: &mut Vec<Effect>) {
        let Loaded { load, cells, is_partial } = loaded;
        let cells = match cells {
            Ok(cells) => cells,
            Err(error) => {
                let what = self.stored_by(&load);
                let reason = match error {
                    StoreError::Damaged { .. } => StopReason::Damaged(Damage::Known { what, error }),
                    error => StopReason::Failed(Outage::Load { what, error }),
                };
                return self.stop(reason, effects);
            }
        };
        let problem = match &load {
            Load::Outgoing { to, .. } => self.outbox.take_page(*to, &cells).err(),
            Load::ClientKeys { .. } => self.swept(&cells).err(),
            Load::Parked { to, number } => self.take_parked(to, *number, &cells).err(),
            Load::Inbox { address, cells: asked } => {
                let Some(id) = self.slots.find(address) else { return };
                self.take_inbox_page(id, asked, &cells).err()
            }
            Load::Entity(address) | Load::ClientKey(address, _) => {
                let Some(id) = self.slots.find(address) else { return };
                let is_read = match &load {
                    Load::ClientKey(_, key) => self.place_key(id, key.clone(), &cells),
                    _ if matches!(self.slots.get(id).residence, Residence::Loading(_)) => {
                        self.place_entity(id, &cells, is_partial)
                    }
                    _ => true,
                };
                if is_read {
                    self.make_ready(id);
                    self.release_waiting(id);
                }
                (!is_read).then(|| Damage::Unreadable(Stored::CellOf(self.name_of(address))))
            }
        };
        if let Some(damage) = problem {
            self.stop(StopReason::Damaged(damage), effects);
        }
    }

    /// What a load is about.
    fn stored_by(&self, load: &Load) -> Stored {
        match load {
            Load::Entity(address) => Stored::Entity(self.name_of(address)),
            Load::ClientKey(address, key) => Stored::ClientKey { key: key.clone(), entity: self.name_of(address) },
            Load::Outgoing { to, cells } => Stored::OutgoingPage { to: *to, count: cells.len() },
            Load::Inbox { address, .. } => Stored::InboxPage(self.name_of(address)),
            Load::ClientKeys { .. } => Stored::ClientKeys,
            Load::Parked { to, number } => Stored::Parked { number: *number, entity: self.name_of(to) },
        }
    }

    /// The store holds everything up to `position`.
    pub(crate) fn checkpointed(&mut self, position: Position, effects: &mut Vec<Effect>) {
        if self.dirty.written(position) {
            self.outbox.stored();
            self.sources.inboxes.note_stored();
            self.shed_inboxes();
            self.parked.shed(self.dirty.stored());
        }
        let before = if planted::is(Bug::TrimEarly) { self.log.durable.next() } else { position.next() };
        effects.push(Effect::Trim { before });
        let stored = self.dirty.stored();
        let (met, open) = self.checkpoint_requests.drain(..).partition(|(_, generation)| *generation <= stored);
        self.checkpoint_requests = if planted::is(Bug::CheckpointRequestLost) { Vec::new() } else { open };
        let met: Vec<(u64, u64)> = met;
        effects.extend(met.into_iter().map(|(ticket, _)| Effect::CheckpointDone { ticket }));
        self.take_checkpoint(effects);
    }

    /// Somebody wants everything durable so far to be in the store. If nothing was made a record since the last checkpoint was
    /// taken, that one has it all, and no other is written.
    pub(crate) fn request_checkpoint(&mut self, ticket: u64, effects: &mut Vec<Effect>) {
        let has_all = self.phase == Phase::Serving && self.dirty.is_clean();
        // Else what was taken before may not hold everything; the generation under way does, once it ends.
        let is_early = planted::is(Bug::CheckpointRequestEarly) && self.dirty.is_busy();
        let generation = self.dirty.generation() - u64::from(has_all || is_early);
        if generation <= self.dirty.stored() || (has_all && planted::is(Bug::CheckpointRequestUnwritten)) {
            effects.push(Effect::CheckpointDone { ticket });
            return;
        }
        self.checkpoint_requests.push((ticket, generation));
        self.is_checkpoint_wanted |= !has_all;
    }

    /// Ends the generation when it is time, and hands out a checkpoint whose record is durable.
    pub(crate) fn take_checkpoint(&mut self, effects: &mut Vec<Effect>) {
        // What waits for the store cannot be evicted: it may take half of the cache, not more.
        let dirty_max = self.tuning.dirty_bytes_max.min(self.tuning.cache_bytes);
        let is_due = self.is_checkpoint_wanted
            || self.dirty.log_bytes() >= self.tuning.checkpoint_log_bytes
            || self.dirty.bytes() + self.outbox.pinned_bytes() >= dirty_max / 2
            || self.outbox.wants_checkpoint();
        let may = self.phase == Phase::Serving && !self.dirty.is_busy();
        if is_due && may && !self.dirty.is_clean() {
            self.is_checkpoint_wanted = false;
            let mut rows = self.own_rows();
            rows.extend(self.outbox.unstored());
            self.sources.inboxes.taken = self.batch.first_number;
            if planted::is(Bug::InboxDroppedEarly) {
                self.shed_inboxes();
            }
            if planted::is(Bug::ParkedDroppedEarly) {
                self.parked.shed(self.dirty.generation());
            }
            self.dirty.take(self.id, self.log.submitted, rows);
        }
        if let Some(checkpoint) = self.dirty.next(self.log.durable) {
            effects.push(Effect::Checkpoint(Box::new(checkpoint)));
        }
    }

    /// The partition's own rows as of the newest record, and the deletion of those that are no more.
    fn own_rows(&mut self) -> Vec<Cell> {
        let mut counters = Vec::new();
        let words = [
            self.log.submitted.0,
            self.log.hash,
            self.log.epoch.0,
            self.batch.first_number,
            self.time.now().0,
            self.map.version,
        ];
        words.iter().for_each(|word| counters.extend_from_slice(&word.to_le_bytes()));
        let mut rows: Vec<Cell> = vec![(cell::own_row(self.id, &OwnRow::Counters).into(), Some(counters.into()))];
        for (origin, area, number) in self.rectangles.iter() {
            let row = cell::own_row(self.id, &OwnRow::Rectangle(origin.clone(), area));
            rows.push((row.into(), Some(number.to_le_bytes().as_slice().into())));
        }
        for (range, generation) in &self.generations.0 {
            let row = cell::own_row(self.id, &OwnRow::Generation(*range));
            rows.push((row.into(), Some(crate::control::generation_bytes(*generation).into())));
        }
        let forgotten = self.sweep.forgotten.map(|made| made.0.to_le_bytes().as_slice().into());
        rows.extend(forgotten.map(|made| (cell::own_row(self.id, &OwnRow::ForgottenKeys).into(), Some(made))));
        let current = rows.iter().map(|(key, _)| key.clone()).collect();
        let before = std::mem::replace(&mut self.stored_rows, current);
        rows.extend(before.into_iter().filter(|key| !self.stored_rows.contains(key)).map(|key| (key, None)));
        rows
    }

    /// Sends what sessions may send.
    pub(crate) fn send_frames(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Serving {
            let (durable, now): (Position, Timestamp) = (self.log.durable, self.time.now());
            self.outbox.send(durable, now, |to, bytes| effects.push(Effect::Frame { to, bytes }));
            self.outbox.next_pages(|to, cells| effects.push(Effect::Load(Load::Outgoing { to, cells })));
        }
    }

    /// Answers for a partition that has stopped.
    pub(crate) fn refuse(&self, input: Input, effects: &mut Vec<Effect>) {
        let Phase::Stopped(reason) = &self.phase else { return };
        let ticket = match input {
            Input::Request(request) => request.ticket,
            Input::Parked(command) => command.ticket,
            _ => return,
        };
        effects.push(Effect::Answer { ticket, answer: Answer::Failed(Failure::Stopped(reason.clone())) });
    }
}
