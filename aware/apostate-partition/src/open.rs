//! Reads a partition back: the rows and open work that the store has, then the records behind them.
//!
//! Replay applies cells, and knows nothing of handlers. The states of entities are not read from the store: they
//! are loaded when somebody asks for them.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte. Invariant P6: what was acknowledged is here, or
//! the opening fails and says which record is missing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use apostate_core::{Address, Effects, Timestamp};
use apostate_log::{Epoch, Log, LogError, PartitionId, Position, Record, Store, StoreError, StoredCell};

use crate::accept::Parked;
use crate::batch::{Batch, Counts};
use crate::cell::{self, EntityCell, OwnRow, Section};
use crate::checkpoint::Dirty;
use crate::client_keys::{Known, Remembered};
use crate::commit::Body;
use crate::control::read_generation;
use crate::delivery::{Generations, Intakes, Layout, Outbox, Outgoing};
use crate::interface::{Config, Witness};
use crate::message::Message;
use crate::pacing::Pacer;
use crate::partition::{Held, LogState, Partition, Phase, Sources};
use crate::planted;
use crate::rectangles::Rectangles;
use crate::slots::{SlotId, Slots};
use crate::sweep::Sweep;

/// About how many bytes are read from the log or the store at once.
const READ_BYTES: usize = 4 << 20;

/// Why a partition cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// The map does not name it.
    #[error("partition {0} is not in the map")]
    NotInMap(PartitionId),
    /// The store holds a checkpoint that the log has not reached.
    #[error(
        "partition {partition} has lost its newest records: the store holds a checkpoint of record {stored}, the log ends \
         at {last}; restore the log that belongs to this store"
    )]
    LogBehindStore {
        /// The partition.
        partition: PartitionId,
        /// Position of the checkpoint.
        stored: Position,
        /// Position of the last record.
        last: Position,
    },
    /// The log was trimmed beyond what the store holds.
    #[error(
        "the store of partition {partition} is missing or too old: it holds records up to {stored}, the log begins at \
         {first}; restore the store that belongs to this log"
    )]
    StoreTooOld {
        /// The partition.
        partition: PartitionId,
        /// Position of the checkpoint; 0 if there is none.
        stored: Position,
        /// The oldest record that can be read.
        first: Position,
    },
    /// A record or cell is not what it should be.
    #[error("partition {partition}, record {position}: {detail}")]
    Damaged {
        /// The partition.
        partition: PartitionId,
        /// The record; the checkpoint's position for a cell of the store.
        position: Position,
        /// In what way.
        detail: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Partition {
    /// Reads what the store and the log hold of the partition. Blocking. Tell it [`Input::Open`](crate::Input::Open)
    /// next. `progress` is told positions as they are replayed.
    ///
    /// # Errors
    ///
    /// When what was acknowledged is not all there. Nothing was changed.
    pub fn open(
        config: Config,
        store: &dyn Store,
        log: &dyn Log,
        witness: Box<dyn Witness>,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Self, OpenError> {
        let mut partition = Self::empty(config, witness)?;
        partition.read_store(store)?;
        let stored = partition.log.next_number;
        (partition.sources.inboxes.taken, partition.sources.inboxes.stored) = (stored, stored);
        partition.read_log(log, progress)?;
        partition.outbox.settle();
        partition.queue_inboxes();
        Ok(partition)
    }

    fn empty(config: Config, witness: Box<dyn Witness>) -> Result<Self, OpenError> {
        let Config { id, map, registry, tuning, luck, suspects } = config;
        let range = map.range_of(id).ok_or(OpenError::NotInMap(id))?;
        let peers = || map.tiles.iter().copied().filter(|(_, other)| *other != id);
        Ok(Self {
            id,
            range,
            registry,
            tuning,
            luck,
            witness,
            suspects,
            phase: Phase::Closed,
            time: Pacer::default(),
            slots: Slots::default(),
            batch: Batch::default(),
            abandoned: None,
            log: LogState { next_number: 1, ..LogState::default() },
            held: Held::default(),
            dirty: Dirty::default(),
            sources: Sources::default(),
            outbox: Outbox::new(peers().map(|(_, id)| id), tuning.outbox_memory),
            intakes: Intakes::new(peers()),
            rectangles: Rectangles::default(),
            generations: Generations::default(),
            stored_rows: BTreeSet::new(),
            controls: VecDeque::new(),
            wishes: Vec::new(),
            is_checkpoint_wanted: false,
            loads: Vec::new(),
            counts: Counts::default(),
            is_record_wanted: false,
            sweep: Sweep::default(),
            parked: BTreeMap::new(),
            run_effects: Effects::default(),
            trace: None,
            scratch: Vec::new(),
            notices: Vec::new(),
            taken: 0,
            turn: 0,
            one_at_a_time: 0,
            map,
        })
    }

    fn damaged(&self, detail: impl Into<String>) -> OpenError {
        OpenError::Damaged { partition: self.id, position: self.log.submitted, detail: detail.into() }
    }

    /// Reads rows and open work from the store.
    fn read_store(&mut self, store: &dyn Store) -> Result<(), OpenError> {
        let (mut from, to) = cell::own_bounds(self.id);
        loop {
            let rows = store.scan(&from, &to, READ_BYTES)?;
            let Some((last, _)) = rows.last() else { break };
            from = [last, &[0][..]].concat();
            for (key, value) in &rows {
                self.stored_rows.insert(key[..].into());
                self.restore_row(key, Some(value))?;
            }
        }
        for section in [Section::Inbox, Section::Outgoing, Section::Parked] {
            self.read_section(store, section)?;
        }
        Ok(())
    }

    /// Reads the cells of one section that lie in the partition's range, kind by kind, also of kinds unknown to this
    /// build.
    fn read_section(&mut self, store: &dyn Store, section: Section) -> Result<(), OpenError> {
        let end = [section as u8 + 1];
        let mut from = vec![section as u8];
        loop {
            let cells = store.scan(&from, &end, 1)?;
            let Some((next, _)) = cells.first() else { return Ok(()) };
            let kind =
                cell::read_key(next).ok_or_else(|| self.damaged("a key of the store does not read"))?.address.kind();
            let (mut at, to) = cell::bounds(section, kind, self.range);
            loop {
                let cells = store.scan(&at, &to, READ_BYTES)?;
                let Some((last, _)) = cells.last() else { break };
                at = [last, &[0][..]].concat();
                for (key, value) in &cells {
                    self.restore_cell(key, Some(value), false)?;
                }
            }
            from = cell::bounds(section, kind, crate::Range::WHOLE).1;
        }
    }

    /// Replays the records behind the checkpoint.
    fn read_log(&mut self, log: &dyn Log, progress: &mut dyn FnMut(Position)) -> Result<(), OpenError> {
        let last = log.last()?;
        if last < self.log.submitted {
            return Err(OpenError::LogBehindStore { partition: self.id, stored: self.log.submitted, last });
        }
        loop {
            let records = match log.read(self.log.submitted.next(), READ_BYTES) {
                Ok(records) => records,
                Err(LogError::Trimmed { first, .. }) => {
                    let (partition, stored) = (self.id, self.log.submitted);
                    return Err(OpenError::StoreTooOld { partition, stored, first });
                }
                Err(error) => return Err(error.into()),
            };
            if records.is_empty() {
                break;
            }
            for record in records {
                self.replay(&record)?;
            }
            progress(self.log.submitted);
        }
        if self.log.submitted < last {
            return Err(self.damaged(format!("the log ends here, although it has held record {last}")));
        }
        self.log.durable = self.log.submitted;
        self.log.opened_number = self.log.next_number;
        self.batch.first_number = self.log.next_number;
        Ok(())
    }

    fn replay(&mut self, bytes: &[u8]) -> Result<(), OpenError> {
        let expected = self.log.submitted.next();
        let record = Record::read(bytes).map_err(|error| self.damaged(format!("the record after it: {error}")))?;
        let header = record.header;
        if header.partition != self.id || header.position != expected {
            return Err(
                self.damaged(format!("behind it stands record {} of partition {}", header.position, header.partition))
            );
        }
        if header.previous != self.log.hash {
            return Err(self.damaged("the record after it was made for another one than this"));
        }
        if header.epoch < self.log.epoch {
            return Err(self.damaged(format!("P1 broken: epoch {} after epoch {}", header.epoch, self.log.epoch)));
        }
        let body = Body::read(record.body).map_err(|error| self.damaged(error.to_string()))?;
        self.log.submitted = expected;
        self.log.hash = record.hash;
        self.log.epoch = header.epoch;
        self.log.next_number = body.next_number;
        self.time = Pacer::starting_at(Timestamp(header.time).max(self.time.now()));
        for cell in body.cells() {
            if planted::is("replay-skips") && expected.0.is_multiple_of(16) {
                break;
            }
            let (key, value) = cell.map_err(|error| self.damaged(error.to_string()))?;
            match cell::section_of(key) {
                Some(Section::Own) => self.restore_row(key, value)?,
                _ => self.restore_cell(key, value, true)?,
            }
        }
        self.dirty.count_log(bytes.len());
        Ok(())
    }

    /// Takes over a row of the partition's own.
    fn restore_row(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), OpenError> {
        let row = cell::read_own_row(self.id, key).ok_or_else(|| self.damaged("a row of its own does not read"))?;
        let unreadable = || OpenError::Damaged {
            partition: self.id,
            position: self.log.submitted,
            detail: "a row of its own does not read".to_owned(),
        };
        match row {
            OwnRow::Counters => {
                let value = value.ok_or_else(unreadable)?;
                let words: Vec<_> =
                    value.chunks_exact(8).map(|word| u64::from_le_bytes(std::array::from_fn(|at| word[at]))).collect();
                let &[position, hash, epoch, next_number, time, _map_version] = &words[..] else {
                    return Err(unreadable());
                };
                self.log.submitted = Position(position);
                self.log.hash = hash;
                self.log.epoch = Epoch(epoch);
                self.log.next_number = next_number;
                self.time = Pacer::starting_at(Timestamp(time));
            }
            OwnRow::Opening => {}
            OwnRow::Rectangle(origin, area) => {
                let number = value
                    .map(|value| value.try_into().map(u64::from_le_bytes))
                    .transpose()
                    .map_err(|_| unreadable())?;
                self.rectangles.restore(origin, area, number);
            }
            OwnRow::Generation(range) => {
                let generation = value.map(|value| read_generation(value).ok_or_else(unreadable)).transpose()?;
                self.generations.0.retain(|(other, _)| *other != range);
                self.generations.0.extend(generation.map(|generation| (range, generation)));
            }
        }
        Ok(())
    }

    /// Takes over a cell of an entity. `is_new`: it comes from the log, and the store may not have it.
    fn restore_cell(&mut self, key: &[u8], value: Option<&[u8]>, is_new: bool) -> Result<(), OpenError> {
        let Some(EntityCell { section, address, sub }) = cell::read_key(key) else {
            return Err(self.damaged(format!("a cell's key does not read: {}", crate::load::hex(key))));
        };
        if !self.range.contains(address.hash()) {
            return Err(self.damaged(format!("P2 broken: {} is not in its range", self.name_of(&address))));
        }
        let is_read = match section {
            Section::State => match value {
                None => false,
                Some(value) => {
                    let id = self.slot_of(&address);
                    let cell: Arc<[u8]> = value.into();
                    self.slots.set_cell(id, Some(cell.clone()));
                    let slot = self.slots.get_mut(id);
                    self.dirty.put_state(slot, cell);
                    if slot.has_keys && !planted::is("keys-of-log-only") {
                        // The store may have client keys of it that the log does not bring.
                        slot.extra().keys.is_partial = true;
                    }
                    true
                }
            },
            Section::ClientKeys => self.restore_client_key(&address, sub, value).is_some(),
            Section::Inbox => self.restore_inbox(&address, sub, value, is_new).is_some(),
            Section::Outgoing => self.restore_outgoing(key, sub, value, is_new).is_some(),
            Section::Parked => self.restore_parked(sub, value).is_some(),
            Section::Own | Section::Host => false,
        };
        if !is_read {
            return Err(self.damaged(format!("a cell of {} does not read", self.name_of(&address))));
        }
        // States, and messages that were sent, find their own way to the next checkpoint.
        if is_new && !matches!(section, Section::State | Section::Outgoing) {
            match value {
                Some(value) => self.dirty.put_cell(key.into(), value.into()),
                None if section == Section::ClientKeys => self.dirty.erase_cell(key.into()),
                None => self.dirty.delete_cell(key.into()),
            }
        }
        Ok(())
    }

    fn restore_client_key(&mut self, address: &Address, sub: &[u8], value: Option<&[u8]>) -> Option<()> {
        let id = self.slot_of(address);
        let key = std::str::from_utf8(sub).ok()?;
        // What the log brings, the store may not have: the slot stays until the first checkpoint.
        self.slots.get_mut(id).kept = self.dirty.generation();
        let slot = self.slots.get_mut(id);
        slot.has_keys = true;
        let keys = &mut slot.extra().keys;
        match value {
            Some(value) => {
                keys.absent.remove(key);
                keys.known.insert(key.into(), Known::new(Remembered::read(value)?));
            }
            None => {
                // The store may still have it.
                keys.known.remove(key);
                keys.absent.insert(key.into());
            }
        }
        Some(())
    }

    fn restore_outgoing(&mut self, key: &[u8], sub: &[u8], value: Option<&[u8]>, is_new: bool) -> Option<()> {
        let (origin, number) = sub.split_first_chunk()?;
        let identity = crate::Identity {
            origin: PartitionId(u64::from_be_bytes(*origin)),
            number: u64::from_be_bytes(number.try_into().ok()?),
        };
        match value {
            None => {
                if self.outbox.forget(identity) {
                    self.dirty.erase_cell(key.into());
                }
            }
            Some(value) => {
                let (message, written, []) = Message::read(value).ok()? else { return None };
                let peer = self.outbox.index_of(self.map.find(message.to.hash()))?;
                let sender = message.from.filter(|_| written == identity)?;
                let record = self.log.submitted;
                let (layout, is_stored) = (Layout::Here(value.into()), !is_new);
                self.outbox.restore(peer, Outgoing { identity, sender, layout, record, is_stored });
            }
        }
        Some(())
    }

    fn restore_parked(&mut self, sub: &[u8], value: Option<&[u8]>) -> Option<()> {
        let number = u64::from_be_bytes(sub.try_into().ok()?);
        match value {
            Some(value) => self.parked.insert(number, Parked::read(value)?),
            None => self.parked.remove(&number),
        };
        Some(())
    }

    /// Takes over an entity that a load brought; what memory holds of its client keys is newer. False: it does not read.
    pub(crate) fn place_entity(&mut self, id: SlotId, cells: &[StoredCell], is_partial: bool) -> bool {
        let had_keys = self.slots.get(id).has_keys;
        self.slots.set_cell(id, None);
        for (key, value) in cells {
            let Some(EntityCell { section, sub, .. }) = cell::read_key(key) else { return false };
            match section {
                Section::State => self.slots.set_cell(id, Some(value[..].into())),
                Section::ClientKeys => {
                    let (Ok(key), Some(remembered)) = (std::str::from_utf8(sub), Remembered::read(value)) else {
                        return false;
                    };
                    let keys = &mut self.slots.get_mut(id).extra().keys;
                    keys.known.entry(key.into()).or_insert_with(|| Known::stored(remembered));
                }
                _ => return false,
            }
        }
        let slot = self.slots.get_mut(id);
        slot.has_keys |= had_keys;
        if slot.has_keys {
            let keys = &mut slot.extra().keys;
            keys.is_partial = is_partial;
            let bytes = keys.recount();
            self.slots.set_key_bytes(id, bytes);
        }
        true
    }

    /// Takes over what the store has of one client key. False: it does not read.
    pub(crate) fn place_key(&mut self, id: SlotId, key: Box<str>, cells: &[StoredCell]) -> bool {
        let keys = &mut self.slots.get_mut(id).extra().keys;
        keys.asked.remove(&key);
        match cells {
            [] => keys.note_absent(key),
            [(_, value), ..] => {
                let Some(remembered) = Remembered::read(value) else { return false };
                let bytes = keys.note_stored(key, remembered);
                self.slots.set_key_bytes(id, bytes);
            }
        }
        true
    }
}
