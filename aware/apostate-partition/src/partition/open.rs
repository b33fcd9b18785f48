//! Reads a partition back: the rows and open work that the store has, then the records behind them.
//!
//! Replay applies cells, and knows nothing of handlers. The states of entities are not read from the store: they
//! are loaded when they are asked for.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte. Invariant P6: what was acknowledged is here, or
//! the opening fails and says which record is missing.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; planted `replay-skips`, `keys-of-log-only`, `timer-lost-at-restart`.

use apostate_core::Timestamp;
use apostate_log::{Log, LogError, Position, Record, RecordError, Store};

use super::Partition;
use super::children;
use crate::batch::Batch;
use crate::cells::cell::{self, Section};
use crate::cells::record_body::{Body, RecordKind};
use crate::checkpoints::Checkpoints;
use crate::delivery::Delivery;
use crate::entities::open_work::OPEN_WORK;
use crate::entities::{Entities, KeySweep};
use crate::format::{DecodeError, Format};
use crate::interface::{Ancestors, Config, OpenError, RunObserver};
use crate::log::{LogWriter, Replayed};
use crate::pacing::Pacer;
use crate::planted::{self, Bug};
use crate::range::Range;
use crate::run::Runner;
use crate::scope::Scope;
use crate::timers::Timers;
use crate::work::Work;

/// About how many bytes are read from the log or the store at once.
const READ_BYTES: usize = 4 << 20;

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
        Self::open_child(config, Ancestors::NONE, (store, log), observer, progress)
    }

    /// Reads a partition back that goes on for others: from what those have left, as long as the store has no checkpoint of its own.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); and when one of those others has not ended.
    pub fn open_child(
        config: Config,
        ancestors: Ancestors<'_>,
        (store, log): (&dyn Store, &dyn Log),
        observer: Box<dyn RunObserver>,
        progress: &mut dyn FnMut(Position),
    ) -> Result<Self, OpenError> {
        let mut partition = Self::empty(config, observer)?;
        let (id, line) = (partition.scope.id(), children::line(partition.scope.id(), store, log, ancestors)?);
        partition.reads = line.first().map_or(id, |oldest| oldest.id);
        partition.read_store(store)?;
        partition.entities.note_inboxes_taken(partition.log.next_number());
        partition.entities.note_inboxes_stored();
        let next = line.iter().skip(1).map(|ancestor| ancestor.id).chain([id]);
        for (ancestor, next) in line.iter().zip(next) {
            partition.read_log(&*ancestor.log, progress)?;
            partition.pass_seal(next)?;
        }
        partition.read_log(log, progress)?;
        if let Some(seal) = partition.seal.take() {
            return Err(OpenError::Sealed { partition: id, seal });
        }
        let restored = partition.entities.open_work_mut().end_restore();
        restored.map_err(|error| partition.unread(error, "an agreement is there in part"))?;
        partition.delivery.end_opening(&partition.scope);
        partition.note_known_producers();
        partition.entities.queue_inboxes(partition.time.now());
        Ok(partition)
    }

    pub(super) fn empty(config: Config, observer: Box<dyn RunObserver>) -> Result<Self, OpenError> {
        let Config { id, map, registry, tuning, seed, suspects } = config;
        let scope = Scope::new(id, map, tuning).ok_or(OpenError::NotInMap(id))?;
        Ok(Self {
            time: Pacer::default(),
            entities: Entities::new(registry),
            runner: Runner::new(seed, observer, suspects),
            batch: Batch::default(),
            work: Work::default(),
            log: LogWriter::default(),
            checkpoints: Checkpoints::default(),
            delivery: Delivery::new(&scope),
            sweep: KeySweep::default(),
            timers: Timers::default(),
            topology: None,
            intent: None,
            seal: None,
            genesis: None,
            reads: id,
            notices: Vec::new(),
            steps: 0,
            scope,
        })
    }

    pub(super) fn damaged(&self, detail: impl Into<String>) -> OpenError {
        OpenError::Damaged { partition: self.scope.id(), position: self.log.submitted(), detail: detail.into() }
    }

    /// Something of the log or the store is not read; `what`, if it is damaged.
    pub(super) fn unread(&self, error: DecodeError, what: impl Into<String>) -> OpenError {
        match error {
            DecodeError::Damaged => self.damaged(what),
            DecodeError::Newer(format) => {
                OpenError::Newer { partition: self.scope.id(), position: self.log.submitted(), format }
            }
        }
    }

    /// Reads rows and open work from the store.
    fn read_store(&mut self, store: &dyn Store) -> Result<(), OpenError> {
        let (mut from, to) = cell::partition_bounds(self.reads);
        loop {
            let rows = store.scan(&from, &to, READ_BYTES)?;
            let Some((last, _)) = rows.last() else { break };
            from = [last, &[0][..]].concat();
            for (key, value) in &rows {
                self.restore_row(key, Some(value))?;
            }
        }
        let messages = [Section::Timers, Section::Inbox, Section::Outgoing, Section::Parked];
        for section in messages.into_iter().chain(OPEN_WORK) {
            if section == Section::Timers && planted::is(Bug::TimerLostAtRestart) {
                continue;
            }
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
            let read = cell::read_key(next);
            let kind = read.map_err(|error| self.unread(error, "a key of the store does not read"))?.address.kind();
            let (mut at, to) = cell::bounds(section, kind, self.scope.range());
            loop {
                let cells = store.scan(&at, &to, READ_BYTES)?;
                let Some((last, _)) = cells.last() else { break };
                at = [last, &[0][..]].concat();
                for (key, value) in &cells {
                    self.restore_cell(key, Some(value), false)?;
                }
            }
            from = cell::bounds(section, kind, Range::WHOLE).1;
        }
    }

    /// Replays the records behind the checkpoint.
    fn read_log(&mut self, log: &dyn Log, progress: &mut dyn FnMut(Position)) -> Result<(), OpenError> {
        let (partition, last) = (self.reads, log.last()?);
        if last < self.log.submitted() {
            return Err(OpenError::LogBehindStore { partition, stored: self.log.submitted(), last });
        }
        loop {
            let records = match log.read(self.log.submitted().next(), READ_BYTES) {
                Ok(records) => records,
                Err(LogError::Trimmed { first, .. }) => {
                    return Err(OpenError::StoreTooOld { partition, stored: self.log.submitted(), first });
                }
                Err(error) => return Err(error.into()),
            };
            if records.is_empty() {
                break;
            }
            for record in records {
                self.replay(&record)?;
            }
            progress(self.log.submitted());
        }
        if self.log.submitted() < last {
            return Err(self.damaged(format!("the log ends here, although it has held record {last}")));
        }
        self.log.end_replay();
        self.batch.begin_at(self.log.next_number());
        Ok(())
    }

    fn replay(&mut self, bytes: &[u8]) -> Result<(), OpenError> {
        let expected = self.log.submitted().next();
        let record = Record::read(bytes).map_err(|error| match error {
            RecordError::Newer(number) => self.unread(DecodeError::newer(Format::Record, number), ""),
            error => self.damaged(format!("the record after it: {error}")),
        })?;
        let header = record.header;
        if header.partition != self.reads || header.position != expected {
            return Err(
                self.damaged(format!("behind it stands record {} of partition {}", header.position, header.partition))
            );
        }
        if header.previous != self.log.hash() {
            return Err(self.damaged("the record after it was made for another one than this"));
        }
        if header.epoch < self.log.epoch() {
            return Err(self.damaged(format!("P1 broken: epoch {} after epoch {}", header.epoch, self.log.epoch())));
        }
        let unread =
            |error| self.unread(error, "the cells of the record after it do not read, although its checksum is right");
        let body = Body::read(record.body).map_err(unread)?;
        if body.kind == RecordKind::Genesis {
            self.drop_rows();
        }
        if self.reads == self.scope.id() {
            self.scope.restore_born(body.map_version);
        }
        let (hash, epoch, next_number) = (record.hash, header.epoch, body.next_number);
        self.log.replay(Replayed { position: expected, hash, epoch, next_number });
        self.time = Pacer::starting_at(Timestamp(header.time).max(self.time.now()));
        for cell in body.cells() {
            if planted::is(Bug::ReplaySkips) && expected.0.is_multiple_of(16) {
                break;
            }
            let what = "the cells of the record do not read, although its checksum is right";
            let (key, value) = cell.map_err(|error| self.unread(error, what))?;
            match cell::section_of(key) {
                Ok(Section::Own) => self.replay_row(key, value)?,
                _ => self.restore_cell(key, value, true)?,
            }
        }
        self.checkpoints.dirty_mut().count_log(bytes.len());
        Ok(())
    }
}
