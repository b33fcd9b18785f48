//! Producer: sends numbered messages, each applied once for ever, as fast as the node takes them.
//!
//! A producer is an origin like a partition: each partition remembers the highest number that it took, not every message. So a
//! producer that was interrupted starts again at any number that it knows to be answered, or at the first, and what was
//! taken before is a *duplicate*.
//!
//! Numbers may repeat what was sent before, the same message under the same number, or go on above it. A message that is taken
//! has used its number for good: it is done, refused, or accepted and perhaps parked. One that cannot be taken ends the stream before
//! anything behind it is sent, so that its number is not passed over, however many partitions there are. A number that the
//! producer leaves out is left out for ever.
//!
//! A partition that knows many producers forgets those that were silent for longer than client keys are remembered; one that comes back is told so,
//! and takes a new name.
//!
//! Messages leave in batches and answers come back in batches, so that a message costs neither a lock nor a wake-up.

mod results;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use apostate_api::{BulkEnding, NUMBER_MAX, ProducerSummary};
use apostate_core::limits::BODY_BYTES_MAX;
use apostate_core::{Access, Address, Call, Entity, EntityKey, FromOutside, HandlerId, Mode, Writes};
use apostate_partition::{Failure, Request, RequestKind};

use crate::answers::stream::Stream;
use crate::answers::verdict::Verdict;
use crate::client::node_handle::NodeHandle;
use crate::client::producer::results::{Judged, judge};
use crate::executor::messages::ExecutorMessage;
use crate::executor::route_table::RouteTable;
use crate::traces::parent::Parent;

pub use crate::client::producer::results::{ProducerAnswer, ProducerError, StreamBreak};

/// Messages for one partition that leave together.
const BATCH_MESSAGES: usize = 256;

/// How many messages may be unanswered unless [`Producer::window`] says otherwise.
const WINDOW_DEFAULT: usize = 65_536;

/// A producer's open stream.
///
/// Dropped, it sends what it holds back, and forgets what becomes of it: [`finish`](Self::finish) waits.
pub struct Producer {
    node: Arc<NodeHandle>,
    name: EntityKey,
    stream: Stream,
    window: usize,
    /// The routes that messages which have not left go by.
    table: Arc<RouteTable>,
    /// Messages that have not left, for each partition in the order of the ring.
    unsent: Vec<Vec<Request>>,
    /// Every number from the lowest unanswered on. Ascending.
    open: VecDeque<Open>,
    /// How many of `open` were not answered.
    unanswered: usize,
    /// Bytes of their bodies.
    unanswered_bytes: usize,
    highest: u64,
    arrived: Vec<(u64, Verdict)>,
    results: Vec<(u64, ProducerAnswer)>,
    keeps_results: bool,
    summary: ProducerSummary,
    broken: Option<ProducerError>,
    /// The trace that its messages are part of, if their sender says so.
    parent: Option<Parent>,
}

/// A message that was sent, and the one before it was perhaps not answered.
struct Open {
    number: u64,
    bytes: usize,
    is_answered: bool,
}

impl Producer {
    pub(crate) fn open(node: &Arc<NodeHandle>, name: EntityKey) -> Result<Self, ProducerError> {
        if !node.open_stream(&name) {
            return Err(ProducerError::InUse { name });
        }
        let table = node.routes.snapshot();
        Ok(Self {
            node: Arc::clone(node),
            name,
            stream: Stream::default(),
            window: WINDOW_DEFAULT,
            unsent: table.places().iter().map(|_| Vec::new()).collect(),
            table,
            open: VecDeque::new(),
            unanswered: 0,
            unanswered_bytes: 0,
            highest: 0,
            arrived: Vec::new(),
            results: Vec::new(),
            keeps_results: true,
            summary: ProducerSummary::default(),
            broken: None,
            parent: None,
        })
    }

    /// Lets at most this many messages be unanswered: [`send`](Self::send) blocks at that.
    pub fn window(&mut self, messages: usize) -> &mut Self {
        self.window = messages.max(1);
        self
    }

    /// Only counts answers from now on, and keeps none for [`results`](Self::results).
    pub fn count_only(&mut self) -> &mut Self {
        self.keeps_results = false;
        self.results = Vec::new();
        self
    }

    /// Sends `call` as message `number`, which must be higher than all before it, and no higher than
    /// [`NUMBER_MAX`]. A number that is left out is left out for ever: a later stream must not use it. Blocks while too many are unanswered.
    ///
    /// # Errors
    ///
    /// See [`ProducerError`]. After [`ProducerError::Broken`] or [`ProducerError::Forgotten`] every other call gives the same error.
    pub fn send<E, R, S, A>(&mut self, number: u64, call: Call<E, R, S, A>) -> Result<(), ProducerError>
    where
        E: Entity,
        S: Writes,
        A: FromOutside,
    {
        self.check()?;
        if self.offer(number, call.to?, call.handler, call.body)? {
            self.take_arrived();
        }
        while self.unanswered >= self.window {
            self.flush();
            self.wait_for_some()?;
        }
        self.check()
    }

    /// Sends a message without its types, and never blocks: the caller minds the window. Whether it has left
    /// already, with what was held back for the same partition.
    pub(crate) fn offer(
        &mut self,
        number: u64,
        to: Address,
        handler: HandlerId,
        body: Vec<u8>,
    ) -> Result<bool, ProducerError> {
        if let Err(failure) = self.judge(&to, handler, &body) {
            return Err(ProducerError::Unfit { number, failure });
        }
        self.take_number(number)?;
        let is_idle = self.unanswered == 0;
        self.follow_routes();
        let partition = self.table.index_of_hash(to.hash());
        let bytes = body.len();
        let request_kind = RequestKind::Numbered { producer: self.name.clone(), number };
        let trace = self.node.follow(self.parent);
        self.unsent[partition].push(Request { trace, ..Request::new(to, handler, body, request_kind) });
        self.open.push_back(Open { number, bytes, is_answered: false });
        self.unanswered += 1;
        self.unanswered_bytes += bytes;
        // The first message of a slow stream waits for no other.
        let leaves = is_idle || self.unsent[partition].len() >= BATCH_MESSAGES;
        if leaves {
            self.flush_partition(partition);
        }
        Ok(leaves)
    }

    /// Goes by the newest routes from now on. What was held back leaves before, so that it stays before what follows.
    fn follow_routes(&mut self) {
        if Arc::ptr_eq(&self.table, &self.node.routes.table()) {
            return;
        }
        self.flush();
        self.table = self.node.routes.snapshot();
        self.unsent = self.table.places().iter().map(|_| Vec::new()).collect();
    }

    /// Traces its messages as their sender says, and not each by chance.
    pub(crate) fn follow_as(&mut self, parent: Option<Parent>) {
        self.parent = parent;
    }

    /// Whether a partition of this node would take the message. One that it would not is not sent: those behind it would use its
    /// number up.
    fn judge(&self, to: &Address, handler: HandlerId, body: &[u8]) -> Result<(), Failure> {
        let registry = &self.node.registry;
        let kind = &registry.kinds()[registry.find(to.kind()).ok_or(Failure::UnknownKind)?];
        let info = &kind.handlers[kind.find(handler).ok_or(Failure::UnknownHandler)?];
        if info.access != Access::Open || info.mode != Mode::Changes {
            return Err(Failure::NotOpen);
        }
        if body.len() > BODY_BYTES_MAX { Err(Failure::TooLarge) } else { Ok(()) }
    }

    /// Takes the number of the next message.
    fn take_number(&mut self, number: u64) -> Result<(), ProducerError> {
        if number <= self.highest || number > NUMBER_MAX {
            return Err(ProducerError::NotAscending { number, highest: self.highest });
        }
        self.highest = number;
        Ok(())
    }

    /// Sends messages that are held back for a fuller batch.
    pub fn flush(&mut self) {
        (0..self.unsent.len()).for_each(|partition| self.flush_partition(partition));
    }

    /// The results since the last call, in the order in which they became known. Does not block.
    pub fn results(&mut self) -> Vec<(u64, ProducerAnswer)> {
        self.flush();
        self.take_arrived();
        std::mem::take(&mut self.results)
    }

    /// As [`results`](Self::results), and blocks until there is one, unless nothing is unanswered.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Broken`], when there is none and there will be none.
    pub fn wait_results(&mut self) -> Result<Vec<(u64, ProducerAnswer)>, ProducerError> {
        self.flush();
        self.take_arrived();
        while self.results.is_empty() && self.unanswered > 0 {
            self.wait_for_some()?;
        }
        if self.results.is_empty() {
            self.check()?;
        }
        Ok(std::mem::take(&mut self.results))
    }

    /// As [`results`](Self::results), for a task. Ready without a result if nothing is unanswered.
    pub(crate) fn poll_results(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Vec<(u64, ProducerAnswer)>, ProducerError>> {
        self.flush();
        while self.results.is_empty() && self.unanswered > 0 {
            self.check()?;
            let mut arrived = std::mem::take(&mut self.arrived);
            if self.stream.poll(context, &mut arrived).is_pending() {
                self.arrived = arrived;
                return Poll::Pending;
            }
            self.digest(arrived);
        }
        if self.results.is_empty() {
            self.check()?;
        }
        Poll::Ready(Ok(std::mem::take(&mut self.results)))
    }

    /// Bytes of the bodies of unanswered messages.
    pub(crate) fn unanswered_bytes(&self) -> usize {
        self.unanswered_bytes
    }

    /// How many messages are unanswered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The lowest number that is not known to be durable; one above the highest if all are.
    #[must_use]
    pub fn lowest_unanswered(&self) -> u64 {
        self.open.front().map_or(self.highest + 1, |open| open.number)
    }

    /// The counts of all results so far.
    #[must_use]
    pub fn summary(&self) -> ProducerSummary {
        self.summary
    }

    /// Waits until everything sent so far is answered, durably.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Broken`].
    pub fn wait_all(&mut self) -> Result<ProducerSummary, ProducerError> {
        self.flush();
        self.check()?;
        while self.unanswered > 0 {
            self.wait_for_some()?;
        }
        Ok(self.summary)
    }

    /// Waits until everything is answered, durably, and ends the stream.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Broken`].
    pub fn finish(mut self) -> Result<ProducerSummary, ProducerError> {
        self.wait_all()
    }

    fn check(&self) -> Result<(), ProducerError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    fn flush_partition(&mut self, partition: usize) {
        let unsent = &mut self.unsent[partition];
        if unsent.is_empty() {
            return;
        }
        let requests = std::mem::replace(unsent, Vec::with_capacity(BATCH_MESSAGES));
        let partition = self.table.places()[partition].partition;
        let stream = Arc::clone(&self.stream);
        self.node.post(ExecutorMessage::Stream { partition, requests, stream });
    }

    fn wait_for_some(&mut self) -> Result<(), ProducerError> {
        // Of a broken stream nothing may be left to come.
        self.check()?;
        let mut arrived = std::mem::take(&mut self.arrived);
        self.stream.wait(&mut arrived);
        self.digest(arrived);
        self.check()
    }

    fn take_arrived(&mut self) {
        let mut arrived = std::mem::take(&mut self.arrived);
        self.stream.take(&mut arrived);
        self.digest(arrived);
    }

    fn digest(&mut self, mut arrived: Vec<(u64, Verdict)>) {
        for (number, verdict) in arrived.drain(..) {
            match judge(verdict) {
                Judged::Result(result) => self.record_result(number, result),
                Judged::Broken(reason) => self.break_at(number, reason),
            }
        }
        self.arrived = arrived;
    }

    fn record_result(&mut self, number: u64, result: ProducerAnswer) {
        self.summary.count(match &result {
            ProducerAnswer::Done { .. } => BulkEnding::Done,
            ProducerAnswer::Duplicate => BulkEnding::Duplicate,
            ProducerAnswer::Accepted => BulkEnding::Accepted,
            ProducerAnswer::Refused(_) => BulkEnding::Refused,
        });
        if let Ok(at) = self.open.binary_search_by_key(&number, |open| open.number) {
            self.open[at].is_answered = true;
            self.unanswered -= 1;
            self.unanswered_bytes -= self.open[at].bytes;
        }
        while self.open.front().is_some_and(|open| open.is_answered) {
            self.open.pop_front();
        }
        if self.keeps_results {
            self.results.push((number, result));
        }
    }

    fn break_at(&mut self, number: u64, reason: StreamBreak) {
        let lowest_unanswered = self.lowest_unanswered();
        let name = self.name.clone();
        self.broken.get_or_insert(match reason {
            StreamBreak::Failed(Failure::ProducerForgotten) => {
                ProducerError::Forgotten { name, number, lowest_unanswered }
            }
            reason => ProducerError::Broken { name, number, reason, lowest_unanswered },
        });
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.flush();
        self.node.close_stream(&self.name);
    }
}
