//! The conformance suite: what any log engine must do, as cases that it runs.
//!
//! An engine brings a [`Bench`], and its test calls [`run`]. Each case is a sentence about [`Log`] and begins with
//! an empty log. A failure names the case and what was seen.
//!
//! ```
//! use apostate_log::conformance::{Bench, Fault, run};
//! use apostate_log::{Log, MemoryFault, MemoryLog};
//!
//! struct Memory(MemoryLog);
//!
//! impl Bench for Memory {
//!     fn fresh(&mut self) -> Box<dyn Log> {
//!         self.0 = MemoryLog::new(apostate_log::conformance::PARTITION);
//!         Box::new(self.0.clone())
//!     }
//!     fn another(&mut self) -> Box<dyn Log> {
//!         Box::new(self.0.clone())
//!     }
//!     fn crash(&mut self) -> Box<dyn Log> {
//!         Box::new(self.0.clone())
//!     }
//!     fn wait(&mut self) {}
//!     fn inject(&mut self, fault: Option<Fault>) -> bool {
//!         match fault {
//!             Some(Fault::Full) => self.0.inject([MemoryFault::Full]),
//!             Some(Fault::Unknown) => self.0.inject([MemoryFault::UnknownWritten]),
//!             None => {}
//!         }
//!         true
//!     }
//! }
//!
//! run(&mut Memory(MemoryLog::new(apostate_log::conformance::PARTITION)));
//! ```

mod appending;
mod reading;
mod writers;

use bytes::Bytes;

use crate::{AppendResult, Epoch, Log, PartitionId, Position, RECORD_HEADER_BYTES, Record, RecordHeader};

/// The partition whose log is put to the test.
pub const PARTITION: PartitionId = PartitionId(7);

/// How an engine is put to the test.
pub trait Bench {
    /// An empty log of [`PARTITION`], and its first writer. What was there before is forgotten.
    fn fresh(&mut self) -> Box<dyn Log>;

    /// Another writer of the same log.
    fn another(&mut self) -> Box<dyn Log>;

    /// The only writer after the process, or its link to the log, died. All handles were dropped before.
    fn crash(&mut self) -> Box<dyn Log>;

    /// Returns when results may be ready. Panics when none come for so long that the engine must be stuck.
    fn wait(&mut self);

    /// Lets the next appends go wrong, at least the first of them, or none any more. False: this engine never
    /// answers so.
    fn inject(&mut self, fault: Option<Fault>) -> bool;
}

/// Results that an engine can be made to answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// *Full*.
    Full,
    /// *Unknown*.
    Unknown,
}

/// A sentence, and what proves it.
pub type Case = (&'static str, fn(&mut dyn Bench));

/// All cases.
pub const CASES: &[Case] = &[
    ("an empty log has no last record", reading::an_empty_log_has_no_last_record),
    ("records read back whole, in pages", reading::records_read_back_whole_in_pages),
    ("a read behind the last record is empty", reading::a_read_behind_the_last_record_is_empty),
    ("what is trimmed is not needed any more", reading::what_is_trimmed_is_not_needed_any_more),
    ("last is known when all is trimmed", reading::last_is_known_when_all_is_trimmed),
    ("appends are pipelined and answered in order", appending::appends_are_pipelined_and_answered_in_order),
    ("positions are dense", appending::positions_are_dense),
    ("the same bytes again are ok", appending::the_same_bytes_again_are_ok),
    ("a full log is tried again", appending::a_full_log_is_tried_again),
    ("an unknown append ends when it is repeated", appending::an_unknown_append_ends_when_it_is_repeated),
    ("a crash keeps what was acknowledged", writers::a_crash_keeps_what_was_acknowledged),
    ("other bytes are answered with what stands there", writers::other_bytes_are_answered_with_what_stands_there),
    ("a writer that lost its place never writes again", writers::a_writer_that_lost_its_place_never_writes_again),
    ("confirm tells the writer from the fenced", writers::confirm_tells_the_writer_from_the_fenced),
];

/// Runs all cases.
///
/// # Panics
///
/// When the engine fails one.
pub fn run(bench: &mut dyn Bench) {
    for (sentence, case) in CASES {
        // Shown by the test harness of whatever case fails.
        println!("conformance: {sentence}");
        bench.inject(None);
        case(bench);
    }
}

/// A chain of records, as a partition would write it.
struct Chain {
    epoch: Epoch,
    next: Position,
    previous: u64,
}

impl Chain {
    fn new() -> Self {
        Self { epoch: Epoch(1), next: Position(1), previous: 0 }
    }

    /// A chain that goes on behind a record.
    fn after(record: &Bytes) -> Self {
        let last = Record::read(record).expect("a record of the suite");
        Self { epoch: Epoch(last.header.epoch.0 + 1), next: last.header.position.next(), previous: last.hash }
    }

    fn record(&mut self, body_bytes: usize) -> (Position, Bytes) {
        let position = self.next;
        let mut bytes = vec![0; RECORD_HEADER_BYTES + body_bytes];
        for (number, byte) in bytes[RECORD_HEADER_BYTES..].iter_mut().enumerate() {
            *byte = number.wrapping_mul(31).wrapping_add(usize::try_from(position.0).unwrap_or(0)).to_le_bytes()[0];
        }
        let header =
            RecordHeader { partition: PARTITION, epoch: self.epoch, position, previous: self.previous, time: 0 };
        self.previous = header.seal(&mut bytes);
        self.next = position.next();
        (position, Bytes::from(bytes))
    }

    fn records(&mut self, count: usize, body_bytes: usize) -> Vec<(Position, Bytes)> {
        (0..count).map(|_| self.record(body_bytes)).collect()
    }
}

/// Appends all, and waits for all results.
fn append(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) -> Vec<AppendResult> {
    for (position, record) in records {
        log.append(*position, record.clone());
    }
    results(bench, log, records)
}

/// Waits for the results of appends, and sees that they come in order.
fn results(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) -> Vec<AppendResult> {
    let mut done = Vec::new();
    loop {
        log.poll(&mut done);
        if done.len() >= records.len() {
            break;
        }
        bench.wait();
    }
    let positions: Vec<Position> = done.iter().map(|(position, _)| *position).collect();
    let asked: Vec<Position> = records.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, asked, "one result for each append, in order of position");
    done.into_iter().map(|(_, result)| result).collect()
}

fn append_ok(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) {
    for (result, (position, _)) in append(bench, log, records).iter().zip(records) {
        assert_eq!(*result, AppendResult::Ok, "record {position}");
    }
}

/// Reads all records from `from` on.
fn read_all(log: &dyn Log, mut from: Position) -> Vec<Bytes> {
    let mut records = Vec::new();
    loop {
        let page = log.read(from, 10_000).expect("what was acknowledged reads back");
        if page.is_empty() {
            return records;
        }
        from = Position(from.0 + page.len() as u64);
        records.extend(page);
    }
}

fn bytes_of(records: &[(Position, Bytes)]) -> Vec<Bytes> {
    records.iter().map(|(_, record)| record.clone()).collect()
}
