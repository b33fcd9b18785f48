//! The writer: one thread that turns what arrives from all partitions into groups.
//!
//! ```text
//!   append ─┐
//!   append ─┼─▶ gather ─▶ write ─▶ sync ─▶ report, wake ─▶ gather what arrived meanwhile …
//!   append ─┘   (one group, one call)
//! ```
//!
//! There is never more than one group that is not synced. So a group that is found on disk proves that the one
//! before it was durable, and the tail that a power cut may tear is one group long.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use super::disk::{DiskFailure, is_full};
use super::format::{ALIGN, ENTRY_BYTES, Entry, GROUP_HEADER_BYTES, GroupHeader, Location, encode_group, record_hash};
use super::index::{Index, RecordPlace, SegmentFile, SharedIndex, read_place};
use super::requests::{Append, Outbox, Request};
use super::segments::Segments;
use crate::failpoint::failpoint;
use crate::{AppendResult, PartitionId, Position};

pub(super) struct Writer {
    pub(super) shared: Arc<SharedIndex>,
    pub(super) requests: Receiver<Request>,
    pub(super) segments: Segments,
    /// The number of the next group.
    pub(super) sequence: u64,
    pub(super) group_bytes_max: usize,
    pub(super) idle_after: Duration,
    pub(super) batch: Batch,
    pub(super) table: Vec<u8>,
}

/// The batch that is gathered for one group.
#[derive(Default)]
pub(super) struct Batch {
    answers: Vec<Answer>,
    accepted: Vec<Accepted>,
    bytes: usize,
    /// The position that comes next, for partitions with records in this batch.
    next: BTreeMap<PartitionId, Position>,
    is_trimmed: bool,
    is_closing: bool,
    /// Channels that are told of the end of this round.
    rounds: Vec<Sender<()>>,
    /// An append that must wait until the group is durable.
    held: Option<Append>,
}

/// The answer to one append; without a result of its own it gets that of the group.
struct Answer {
    outbox: Arc<Outbox>,
    at: Position,
    result: Option<AppendResult>,
}

struct Accepted {
    partition: PartitionId,
    at: Position,
    record: Bytes,
    writer: u64,
}

/// How a group ended.
enum Written {
    Durable,
    Full,
    Failed(String),
}

/// How long a full disk is left alone when there is nothing to write.
const FULL_DELAY: Duration = Duration::from_secs(1);

/// How the end of the log stands when nothing arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// An empty group says that everything is synced, or nothing can be said any more.
    Said,
    /// Groups were written since.
    Open,
    /// There was no room to say it.
    Full,
}

impl Writer {
    pub(super) fn run(mut self) {
        // The roll of the new segment: from here on the segments before it are not needed to know last positions.
        let mut end = self.write_idle();
        loop {
            let first = match self.batch.held.take() {
                Some(held) => Ok(Request::Append(held)),
                None if end == End::Said => self.requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
                None if end == End::Full => self.requests.recv_timeout(self.idle_after.max(FULL_DELAY)),
                None => self.requests.recv_timeout(self.idle_after),
            };
            match first {
                Ok(first) => {
                    self.gather(first);
                    if !self.batch.accepted.is_empty() {
                        end = End::Open;
                    }
                    self.commit();
                }
                Err(RecvTimeoutError::Timeout) => end = self.write_idle(),
                Err(RecvTimeoutError::Disconnected) => self.batch.is_closing = true,
            }
            if self.batch.is_closing {
                if end != End::Said {
                    self.write_idle();
                }
                return;
            }
        }
    }

    /// Takes in `first` and what else has arrived, up to a full group.
    fn gather(&mut self, first: Request) {
        let shared = Arc::clone(&self.shared);
        let index = shared.index();
        self.batch.take_in(first, &index);
        while self.batch.bytes < self.group_bytes_max && self.batch.held.is_none() && !self.batch.is_closing {
            let Ok(request) = self.requests.try_recv() else { break };
            self.batch.take_in(request, &index);
        }
        drop(index);
        failpoint("files.gathered");
    }

    fn commit(&mut self) {
        let accepted = std::mem::take(&mut self.batch.accepted);
        let mut written = if accepted.is_empty() { Written::Durable } else { self.write(&accepted) };
        if matches!(written, Written::Full) && std::mem::take(&mut self.batch.is_trimmed) {
            self.free();
            written = self.write(&accepted);
        }
        // Whoever hears that a record is durable can use its room again.
        drop(accepted);
        self.batch.report(&match written {
            Written::Durable => AppendResult::Ok,
            Written::Full => AppendResult::Full,
            Written::Failed(why) => self.poison(why),
        });
        failpoint("files.reported");
        if std::mem::take(&mut self.batch.is_trimmed) {
            self.free();
        }
        for waiting in self.batch.rounds.drain(..) {
            // The receiver may have gone.
            let _ = waiting.send(());
        }
        self.segments.prepare_next();
    }

    /// Writes a group without records, which says that everything before it is synced.
    fn write_idle(&mut self) -> End {
        if self.shared.index().poisoned.is_some() {
            return End::Said;
        }
        match self.write(&[]) {
            Written::Durable => End::Said,
            Written::Full => End::Full,
            Written::Failed(why) => {
                self.poison(why);
                End::Said
            }
        }
    }

    fn write(&mut self, accepted: &[Accepted]) -> Written {
        match self.try_write(accepted) {
            Ok(()) => Written::Durable,
            Err(DiskFailure::Full) => Written::Full,
            Err(DiskFailure::Other(error)) => Written::Failed(error.to_string()),
        }
    }

    /// One group: written in one call, synced once.
    fn try_write(&mut self, accepted: &[Accepted]) -> Result<(), DiskFailure> {
        let roll = self.roll();
        let records: usize = accepted.iter().map(|accepted| accepted.record.len()).sum();
        let bytes_max = GROUP_HEADER_BYTES + (accepted.len() + roll.len()) * ENTRY_BYTES + records;
        let is_new = self.segments.make_room((bytes_max as u64).next_multiple_of(ALIGN), self.sequence)?;
        // There always is one when there is room.
        let Some(current) = &self.segments.current else { return Err(DiskFailure::Full) };
        let at = current.at();
        let is_first = is_new || at.offset == ALIGN || accepted.is_empty();
        let mut entries = if is_first { roll } else { Vec::new() };
        let rolls = entries.len();
        entries.extend(accepted.iter().map(|accepted| Entry::Record {
            partition: accepted.partition,
            position: accepted.at,
            length: u32::try_from(accepted.record.len()).unwrap_or(u32::MAX),
            hash: record_hash(&accepted.record),
        }));
        encode_group(&GroupHeader { at, sequence: self.sequence, synced: at }, current.seed, &entries, &mut self.table);
        let length = (self.table.len() + records) as u64;
        let end = at.offset + length.next_multiple_of(ALIGN);
        let zeros = [0; ALIGN as usize];
        let padding = usize::try_from(length.next_multiple_of(ALIGN) - length).unwrap_or(0);
        let mut slices = Vec::with_capacity(accepted.len() + 2);
        slices.push(IoSlice::new(&self.table));
        slices.extend(accepted.iter().map(|accepted| IoSlice::new(&accepted.record)));
        slices.push(IoSlice::new(&zeros[..padding]));
        if let Err(error) = current.file.file.write_all_at(&mut slices, at.offset) {
            return Err(undo(&current.file, error, at.offset));
        }
        failpoint("files.written");
        current.file.file.sync().map_err(DiskFailure::Other)?;
        failpoint("files.synced");
        self.sequence += 1;
        let file = Arc::clone(&current.file);
        if let Some(current) = &mut self.segments.current {
            current.offset = end;
        }
        self.enter(accepted, &entries[rolls..], &file, at.offset + self.table.len() as u64, end);
        Ok(())
    }

    /// Enters a durable group into the index.
    fn enter(&self, accepted: &[Accepted], entries: &[Entry], file: &Arc<SegmentFile>, mut offset: u64, end: u64) {
        let mut index = self.shared.index();
        for (accepted, entry) in accepted.iter().zip(entries) {
            let Entry::Record { partition, length, hash, .. } = *entry else { continue };
            let segment = Arc::clone(file);
            let indexed = index.partition(partition);
            indexed.places.push_back(RecordPlace { segment, offset, length, hash });
            indexed.writer = accepted.writer;
            offset += u64::from(length);
        }
        index.groups += 1;
        index.synced = Location { segment: file.number, offset: end };
        index.lengths = self.segments.lengths();
    }

    /// The last position of every partition that is not set aside.
    fn roll(&self) -> Vec<Entry> {
        let index = self.shared.index();
        let healthy = index.partitions.iter().filter(|(_, indexed)| !indexed.is_aside);
        healthy.map(|(partition, indexed)| Entry::Roll { partition: *partition, last: indexed.last() }).collect()
    }

    fn poison(&self, why: String) -> AppendResult {
        let mut index = self.shared.index();
        AppendResult::Poisoned(index.poisoned.get_or_insert(why).clone())
    }

    fn free(&mut self) {
        let index = self.shared.index();
        if index.poisoned.is_some() {
            return;
        }
        let needed = index.oldest_needed();
        drop(index);
        if let Err(error) = self.segments.free_before(needed) {
            self.poison(error.to_string());
        }
        self.shared.index().lengths = self.segments.lengths();
    }
}

impl Drop for Writer {
    /// From here on the engine has no writer; the appends of a group that a panic broke off are answered so.
    fn drop(&mut self) {
        let why = if std::thread::panicking() { "the writer panicked" } else { "the engine is closed" };
        let result = self.poison(why.to_owned());
        self.batch.report(&result);
    }
}

/// A disk that is full may have taken a part of the group: it must not look like one.
fn undo(segment: &SegmentFile, error: io::Error, offset: u64) -> DiskFailure {
    if !is_full(&error) {
        return DiskFailure::Other(error);
    }
    let zeros = [0; ALIGN as usize];
    match segment.file.overwrite_at(&zeros, offset).and_then(|()| segment.file.sync()) {
        Ok(()) => DiskFailure::Full,
        Err(error) => DiskFailure::Other(error),
    }
}

impl Batch {
    fn take_in(&mut self, request: Request, index: &Index) {
        match request {
            Request::Trimmed => self.is_trimmed = true,
            Request::Close => self.is_closing = true,
            Request::Round(waiting) => self.rounds.push(waiting),
            Request::Append(append) => self.append(append, index),
        }
    }

    fn append(&mut self, mut append: Append, index: &Index) {
        let Some(outbox) = append.outbox.take() else { return };
        let Append { partition, at, .. } = append;
        let indexed = index.partitions.get(&partition);
        let (first, last) = indexed.map_or((Position(1), Position(0)), |indexed| (indexed.first, indexed.last()));
        let next = self.next.get(&partition).copied().unwrap_or(last.next());
        let result = if let Some(other) = outbox.fence.get() {
            Some(AppendResult::Taken(other.clone()))
        } else if let Some(why) = &index.poisoned {
            Some(AppendResult::Poisoned(why.clone()))
        } else if let Some(damage) = indexed.and_then(|indexed| indexed.damage.as_ref()) {
            Some(AppendResult::Poisoned(format!("record {} is damaged: {}", damage.position, damage.detail)))
        } else if at > next {
            // What should stand before it was not written: neither is this.
            Some(AppendResult::Full)
        } else if at == next {
            self.next.insert(partition, next.next());
            let record = std::mem::take(&mut append.record);
            self.bytes += record.len() + ENTRY_BYTES;
            self.accepted.push(Accepted { partition, at, record, writer: outbox.writer });
            None
        } else if at > last {
            // It competes with a record of this very group.
            append.outbox = Some(outbox);
            self.held = Some(append);
            return;
        } else if at < first {
            Some(AppendResult::Poisoned(format!("record {at} was trimmed")))
        } else {
            indexed.and_then(|indexed| indexed.at(at)).map(|place| compare(place, &append.record, &outbox))
        };
        self.answers.push(Answer { outbox, at, result });
    }

    fn report(&mut self, of_group: &AppendResult) {
        let mut woken: VecDeque<Arc<Outbox>> = VecDeque::new();
        for Answer { outbox, at, result } in self.answers.drain(..) {
            outbox.put(at, result.unwrap_or_else(|| of_group.clone()));
            if !woken.iter().any(|other| Arc::ptr_eq(other, &outbox)) {
                woken.push_back(outbox);
            }
        }
        for outbox in woken {
            outbox.wake();
        }
        self.next.clear();
        self.bytes = 0;
    }
}

/// Compares an append with the record that stands at its position already: the same bytes, or another writer's.
fn compare(place: &RecordPlace, record: &Bytes, outbox: &Outbox) -> AppendResult {
    match read_place(place) {
        Ok(there) if there == *record => AppendResult::Ok,
        Ok(there) => AppendResult::Taken(outbox.fence.get_or_init(|| there).clone()),
        Err(detail) => AppendResult::Poisoned(detail),
    }
}
