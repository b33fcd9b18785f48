//! Reads a partition back: the rows and open work that the store has, then the records behind them.
//!
//! Replay applies cells, and knows nothing of handlers. The states of entities are not read from the store: they
//! are loaded when somebody asks for them.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte. Invariant P6: what was acknowledged is here, or
//! the opening fails and says which record is missing.

use std::collections::{BTreeSet, VecDeque};

use apostate_core::{Effects, Timestamp};
use apostate_log::{Log, LogError, PartitionId, Position, Record, Store, StoreError};

use crate::batch::{Batch, Counts};
use crate::cell::{self, Section};
use crate::checkpoint::Dirty;
use crate::commit::Body;
use crate::delivery::{Generations, Intakes, Outbox};
use crate::interface::{Config, RunObserver};
use crate::pacing::Pacer;
use crate::parked::ParkedMessages;
use crate::partition::{Held, LogState, Partition, Phase, Sources};
use crate::planted::{self, Bug};
use crate::rectangles::Rectangles;
use crate::slots::Slots;
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
        observer: Box<dyn RunObserver>,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Self, OpenError> {
        let mut partition = Self::empty(config, observer)?;
        partition.read_store(store)?;
        let stored = partition.log.next_number;
        (partition.sources.inboxes.taken, partition.sources.inboxes.stored) = (stored, stored);
        partition.read_log(log, progress)?;
        partition.outbox.settle();
        partition.queue_inboxes();
        Ok(partition)
    }

    fn empty(config: Config, observer: Box<dyn RunObserver>) -> Result<Self, OpenError> {
        let Config { id, map, registry, tuning, seed, suspects } = config;
        let range = map.range_of(id).ok_or(OpenError::NotInMap(id))?;
        let peers = || map.tiles.iter().copied().filter(|(_, other)| *other != id);
        Ok(Self {
            id,
            range,
            registry,
            tuning,
            seed,
            observer,
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
            checkpoint_requests: Vec::new(),
            is_checkpoint_wanted: false,
            loads: Vec::new(),
            counts: Counts::default(),
            is_record_wanted: false,
            sweep: Sweep::default(),
            parked: ParkedMessages::default(),
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

    pub(crate) fn damaged(&self, detail: impl Into<String>) -> OpenError {
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
            if planted::is(Bug::ReplaySkips) && expected.0.is_multiple_of(16) {
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
}
