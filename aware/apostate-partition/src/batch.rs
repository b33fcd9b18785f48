//! The batch under way: what will be one commit, and how to take all of it back.
//!
//! A panic of a handler may leave its entity with changes that other entities have already built upon. Nothing has left
//! yet, so the whole batch is undone and its inputs run again: the journal holds, in order, how to take each step back.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `panic-half-undone`.

mod cells;
mod journal;

use apostate_core::Timestamp;

use crate::cells::cell::{self, Section};
use crate::cells::record_body::RecordBuilder;
use crate::delivery::{Layout, Outgoing};
use crate::entities::{Before, SlotId};
use crate::interface::{Answer, Counts, Effect, Notice, Request};
use crate::limits::CELL_OVERHEAD_BYTES_MAX;
use crate::shares::Amount;

pub(crate) use self::journal::{CellChange, RunName, Touched, UndoEntry};

/// About how many bytes a touched entity takes in a record besides its state.
const TOUCHED_BYTES: usize = CELL_OVERHEAD_BYTES_MAX / 8;

/// The next commit, as far as it is made.
#[derive(Default)]
pub(crate) struct Batch {
    /// Messages handled, of whatever source.
    messages: usize,
    /// Bytes that the states of touched entities may take in the record.
    state_bytes: usize,
    /// Bytes of its answers.
    answers_bytes: usize,
    /// Cells other than states, as they come; states join when it closes.
    record: RecordBuilder,
    touched: Vec<Touched>,
    journal: Vec<UndoEntry>,
    /// Messages to other partitions, with the index of the peer.
    outgoing: Vec<(usize, Outgoing)>,
    /// Changes of cells that a checkpoint has to know of.
    cells: Vec<CellChange>,
    /// Effects that leave once the batch is durable.
    outputs: Vec<Effect>,
    /// Answers that changed nothing: they leave once it is certain that we are still the writer. Their requests stand in the
    /// journal.
    reads: Vec<Answer>,
    /// Notices that are given when the batch closes.
    notices: Vec<Notice>,
    /// The number of the next message when the batch began.
    first_number: u64,
    counts: Counts,
    /// When the newest UUIDv7 client key was made that it forgets.
    forgotten: Timestamp,
    /// Room in which a cell is made.
    scratch: Vec<u8>,
    /// The entity for whose sake the batch is given up.
    abandoned: Option<SlotId>,
    /// Messages of a batch are run one at a time for this many batches: their record was too long.
    one_at_a_time: usize,
    /// Counts of all batches that were closed.
    totals: Counts,
}

/// Remains of an undone batch, to be taken back in other parts.
pub(crate) struct Undone {
    pub(crate) touched: Vec<Touched>,
    /// The newest first.
    pub(crate) journal: Vec<UndoEntry>,
    pub(crate) first_number: u64,
}

/// How full it is.
impl Batch {
    /// Whether nothing was taken or made yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.journal.is_empty() && self.messages == 0 && self.outputs.is_empty() && self.reads.is_empty()
    }

    pub(crate) fn messages(&self) -> usize {
        self.messages
    }

    /// Bytes that its record may take.
    pub(crate) fn bytes(&self) -> usize {
        self.record.length() + self.state_bytes
    }

    /// Messages and bytes that it has taken so far.
    pub(crate) fn amount(&self) -> Amount {
        Amount { messages: self.messages, bytes: self.bytes() }
    }

    pub(crate) fn answers_bytes(&self) -> usize {
        self.answers_bytes
    }

    /// Most messages that it may have, where `most` is usual.
    pub(crate) fn messages_max(&self, most: usize) -> usize {
        if self.one_at_a_time > 0 { 1 } else { most }
    }

    /// Most local messages that may be handled when it closes, where `most` is usual.
    pub(crate) fn last_locals_max(&self, most: usize) -> usize {
        if self.one_at_a_time > 0 { 0 } else { most }
    }

    /// Counts of all batches that were closed.
    pub(crate) fn totals(&self) -> Counts {
        self.totals
    }

    /// The number of the next message when it began.
    pub(crate) fn first_number(&self) -> u64 {
        self.first_number
    }

    pub(crate) fn begin_at(&mut self, number: u64) {
        self.first_number = number;
    }
}

/// Contents, as runs put them in.
impl Batch {
    /// One more message.
    pub(crate) fn count_message(&mut self) {
        self.messages += 1;
    }

    pub(crate) fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Notes how to take a step back.
    pub(crate) fn note(&mut self, entry: UndoEntry) {
        self.journal.push(entry);
    }

    /// Gives a notice, unless the batch is given up: then what it says has never been. People read it before it is
    /// durable, and perhaps again; held back, a crash in between would keep it from them.
    pub(crate) fn notify(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    /// An answer that leaves once the batch is durable.
    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) {
        self.answers_bytes += answer.bytes();
        self.outputs.push(Effect::Answer { ticket, answer });
    }

    /// An answer that changed nothing, and leaves once it is certain that we are still the writer.
    pub(crate) fn answer_read(&mut self, request: Request, answer: Answer) {
        self.answers_bytes += answer.bytes();
        self.reads.push(answer);
        self.journal.push(UndoEntry::TookRead(request));
    }

    /// Another effect that leaves once the batch is durable.
    pub(crate) fn output(&mut self, effect: Effect) {
        self.outputs.push(effect);
    }

    /// The record, for rows of the partition's own.
    pub(crate) fn record(&mut self) -> &mut RecordBuilder {
        &mut self.record
    }

    /// Sends a message to another partition, with its cell under its sender.
    pub(crate) fn send(&mut self, peer: usize, outgoing: Outgoing) {
        let sub = cell::outgoing_sub(outgoing.identity.origin, outgoing.identity.number);
        let Layout::InMemory(bytes) = &outgoing.layout else { unreachable!("it was just sent") };
        self.record.put(Section::Outgoing, &outgoing.sender, &sub, bytes);
        self.outgoing.push((peer, outgoing));
    }

    /// A message stays within the partition. What is left of it when the batch closes becomes an inbox cell.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        self.state_bytes += bytes;
    }

    /// The place that the next touched entity gets.
    pub(crate) fn next_place(&self) -> usize {
        self.touched.len()
    }

    /// An entity is touched for the first time.
    pub(crate) fn touch(&mut self, slot: SlotId, before: Before) {
        self.state_bytes += before.length() + TOUCHED_BYTES;
        self.touched.push(Touched { slot, before, is_changed: false, last: RunName::default(), effects_bytes_max: 0 });
    }

    /// Takes back that an entity was touched, the newest one: nothing came of it.
    pub(crate) fn untouch_newest(&mut self, slot: SlotId) {
        let newest = self.touched.pop_if(|touched| touched.slot == slot && !touched.is_changed);
        let Touched { before, .. } =
            newest.expect("E3 broken: an entity is not touched any more that the batch has changed");
        self.state_bytes -= before.length() + TOUCHED_BYTES;
    }

    /// A client key is forgotten that was made then.
    pub(crate) fn note_forgotten(&mut self, made: Timestamp) {
        self.forgotten = self.forgotten.max(made);
    }

    /// When the newest UUIDv7 client key was made that it forgets; 0 if it forgets none.
    pub(crate) fn forgotten(&self) -> Timestamp {
        self.forgotten
    }

    /// As [`forgotten`](Self::forgotten), for the record that it becomes.
    pub(crate) fn take_forgotten(&mut self) -> Timestamp {
        std::mem::take(&mut self.forgotten)
    }

    /// A run on the touched entity at `place` came to its end.
    pub(crate) fn note_run(&mut self, place: usize, run: RunName) {
        self.touched[place].last = run;
    }

    /// The touched entity at `place` has changed, by a run that wrote so many bytes besides its state.
    pub(crate) fn note_changed(&mut self, place: usize, effects_bytes: usize) {
        let touched = &mut self.touched[place];
        touched.is_changed = true;
        touched.effects_bytes_max = touched.effects_bytes_max.max(effects_bytes);
    }
}

/// How it ends.
impl Batch {
    /// Gives the batch up, for the sake of an entity.
    pub(crate) fn abandon(&mut self, culprit: SlotId) {
        self.abandoned = Some(culprit);
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.is_some()
    }

    pub(crate) fn take_abandoned(&mut self) -> Option<SlotId> {
        self.abandoned.take()
    }

    /// Runs its messages one at a time when they come again: the record was too long.
    pub(crate) fn run_one_at_a_time(&mut self) {
        self.one_at_a_time = self.messages.max(1);
    }

    pub(crate) fn touched(&self) -> &[Touched] {
        &self.touched
    }

    pub(crate) fn journal(&self) -> &[UndoEntry] {
        &self.journal
    }

    /// Messages to other partitions, with the index of the peer: their record is made.
    pub(crate) fn take_outgoing(&mut self) -> impl Iterator<Item = (usize, Outgoing)> {
        self.outgoing.drain(..)
    }

    pub(crate) fn take_cells(&mut self) -> impl Iterator<Item = CellChange> {
        self.cells.drain(..)
    }

    pub(crate) fn take_notices(&mut self) -> impl Iterator<Item = Notice> {
        self.notices.drain(..)
    }

    /// Effects that leave once it is durable.
    pub(crate) fn outputs(&mut self) -> &mut Vec<Effect> {
        &mut self.outputs
    }

    pub(crate) fn has_reads(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Requests that changed nothing, and their answers, which leave once we are known to be the writer.
    pub(crate) fn take_reads(&mut self) -> impl Iterator<Item = (Request, Answer)> {
        let Self { journal, reads, .. } = self;
        let taken = journal.extract_if(.., |entry| matches!(entry, UndoEntry::TookRead(_)));
        let requests = taken.filter_map(|entry| match entry {
            UndoEntry::TookRead(request) => Some(request),
            _ => None,
        });
        requests.zip(reads.drain(..))
    }

    /// Takes requests out of the open batch that changed nothing: they are answered anew.
    pub(crate) fn withdraw_reads(&mut self) -> Vec<Request> {
        let (requests, answers): (Vec<_>, Vec<_>) = self.take_reads().unzip();
        self.answers_bytes -= answers.iter().map(Answer::bytes).sum::<usize>();
        requests
    }

    pub(crate) fn take_answers_bytes(&mut self) -> usize {
        std::mem::take(&mut self.answers_bytes)
    }

    /// Entities that it touched, for as long as its record is not durable; `empty` is the list of the next batch.
    pub(crate) fn exchange_touched(&mut self, empty: Vec<Touched>) -> Vec<Touched> {
        std::mem::replace(&mut self.touched, empty)
    }

    /// Ends it after its record was made, and begins the next at `next_number`.
    pub(crate) fn end(&mut self, next_number: u64) {
        self.totals.add(self.counts);
        self.one_at_a_time = self.one_at_a_time.saturating_sub(1);
        self.touched.clear();
        self.journal.clear();
        self.messages = 0;
        self.state_bytes = 0;
        self.counts = Counts::default();
        self.first_number = next_number;
    }

    /// Takes it back, and begins it anew.
    pub(crate) fn undo(&mut self) -> Undone {
        self.record.clear();
        self.forgotten = Timestamp(0);
        self.outgoing.clear();
        self.cells.clear();
        self.outputs.clear();
        self.reads.clear();
        self.answers_bytes = 0;
        self.notices.clear();
        self.messages = 0;
        self.state_bytes = 0;
        self.counts = Counts::default();
        let touched = std::mem::take(&mut self.touched);
        let mut journal = std::mem::take(&mut self.journal);
        journal.reverse();
        Undone { touched, journal, first_number: self.first_number }
    }
}

impl Batch {
    /// Recounts what is counted by hand. An empty batch has nothing in any of its lists.
    pub(crate) fn check(&self) {
        let answers = self.outputs.iter().filter_map(|effect| match effect {
            Effect::Answer { ticket: _, answer } => Some(answer),
            _ => None,
        });
        let bytes: usize = answers.chain(&self.reads).map(Answer::bytes).sum();
        assert!(
            bytes == self.answers_bytes,
            "P6 broken: answers of a batch are counted as {} bytes, not {bytes}",
            self.answers_bytes
        );
        let requests = self.journal.iter().filter(|entry| matches!(entry, UndoEntry::TookRead(_))).count();
        assert!(requests == self.reads.len(), "E2 broken: {requests} reads have {} answers", self.reads.len());
        assert!(self.abandoned.is_none(), "E1 broken: a batch that is given up was not undone");
        let has_nothing = self.touched.is_empty()
            && self.outgoing.is_empty()
            && self.cells.is_empty()
            && self.record.is_empty()
            && self.notices.is_empty()
            && self.state_bytes == 0;
        assert!(has_nothing || !self.is_empty(), "E1 broken: something is in no batch");
    }

    /// The entity at each place.
    pub(crate) fn places(&self) -> Vec<SlotId> {
        self.touched.iter().map(|touched| touched.slot).collect()
    }
}
