//! A producer: sends numbered messages, each applied once for ever, as fast as the node takes them.
//!
//! A producer is an origin like a partition: the node remembers the highest number applied, not every message. So a
//! producer that was interrupted starts again at any number that it knows to be answered, or at the first, and what was
//! applied before is a *duplicate*.
//!
//! Messages leave in batches and answers come back in batches, so that a message costs neither a lock nor a wake-up.

use std::collections::VecDeque;
use std::sync::Arc;

use apostate_core::{Call, Entity, EntityKey, FromOutside, KeyError, Refusal};
use apostate_partition::{Answer, Failure, Manner, Request};

use crate::client::Changing;
use crate::mail::Mail;
use crate::shared::Shared;
use crate::slot::{NotDone, Verdict};
use crate::tickets::Stream;

/// Messages for one partition that leave together.
const BATCH_MESSAGES: usize = 256;

/// How many messages may be unanswered unless [`Producer::window`] says otherwise.
const WINDOW_DEFAULT: usize = 65_536;

/// A producer's open stream.
///
/// Dropped, it sends what it holds back, and forgets what becomes of it: [`finish`](Self::finish) waits.
pub struct Producer {
    shared: Arc<Shared>,
    name: EntityKey,
    stream: Stream,
    window: usize,
    /// Messages that have not left, for each partition in the order of the ring.
    unsent: Vec<Vec<Request>>,
    /// Every number from the lowest unanswered on, and whether it was answered. Ascending.
    open: VecDeque<(u64, bool)>,
    /// How many of `open` were not answered.
    unanswered: usize,
    highest: u64,
    arrived: Vec<(u64, Verdict)>,
    results: Vec<(u64, ProducerResult)>,
    keeps_results: bool,
    summary: ProducerSummary,
    broken: Option<ProducerError>,
}

/// What became of one numbered message: durable, whatever it is.
pub type ProducerResult = Result<ProducerAnswer, Failure>;

/// What became of one numbered message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProducerAnswer {
    /// It was applied; this is the handler's reply, encoded.
    Done {
        /// For `apostate_core::decode`.
        reply: Vec<u8>,
    },
    /// It had been applied before. Nothing was changed.
    Duplicate,
    /// It is in its entity's inbox, and will be applied; its reply is for nobody.
    Accepted,
    /// The entity said no. Nothing was changed, and it is not asked again.
    Refused(Refusal),
}

/// What became of all messages of a stream so far, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerSummary {
    /// Applied.
    pub done: u64,
    /// Applied before.
    pub duplicates: u64,
    /// In an inbox.
    pub accepted: u64,
    /// Refused by the entity.
    pub refused: u64,
    /// Not done for another reason, such as a handler that is not there.
    pub failed: u64,
}

/// Why a producer's stream does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// The producer has a stream open in this process.
    #[error("producer {name} has a stream open; finish or drop it first")]
    InUse {
        /// The producer.
        name: EntityKey,
    },
    /// The name, or the key of a message's entity, cannot be one. Nothing was sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Numbers ascend from message to message, from 1. Nothing was sent.
    #[error("message {number} comes after message {highest}; numbers ascend, from 1")]
    NotAscending {
        /// The number.
        number: u64,
        /// The highest before it.
        highest: u64,
    },
    /// The node, or the partition that a message was for, stopped. Open a new stream after the next start, and send
    /// again from `lowest_unanswered` on: what was applied is known to be.
    #[error(
        "the stream of {name} broke at message {number}: {reason}; after the next start, send again from message \
         {lowest_unanswered} on"
    )]
    Broken {
        /// The producer.
        name: EntityKey,
        /// The message of which this is known.
        number: u64,
        /// What happened.
        reason: String,
        /// The first message that is not known to be durable.
        lowest_unanswered: u64,
    },
}

impl Producer {
    pub(crate) fn open(shared: &Arc<Shared>, name: EntityKey) -> Result<Self, ProducerError> {
        if !shared.open_stream(&name) {
            return Err(ProducerError::InUse { name });
        }
        let partitions = shared.routes.places().len();
        Ok(Self {
            shared: Arc::clone(shared),
            name,
            stream: Stream::default(),
            window: WINDOW_DEFAULT,
            unsent: (0..partitions).map(|_| Vec::new()).collect(),
            open: VecDeque::new(),
            unanswered: 0,
            highest: 0,
            arrived: Vec::new(),
            results: Vec::new(),
            keeps_results: true,
            summary: ProducerSummary::default(),
            broken: None,
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

    /// Sends `call` as message `number`, which must be higher than all before it. Blocks while too many are unanswered.
    ///
    /// # Errors
    ///
    /// See [`ProducerError`]. After [`ProducerError::Broken`] every other call gives the same error.
    pub fn send<E, R, S, A>(&mut self, number: u64, call: Call<E, R, S, A>) -> Result<(), ProducerError>
    where
        E: Entity,
        S: Changing,
        A: FromOutside,
    {
        self.check()?;
        let to = call.to?;
        if number <= self.highest {
            return Err(ProducerError::NotAscending { number, highest: self.highest });
        }
        self.highest = number;
        let is_idle = self.unanswered == 0;
        let partition = self.shared.routes.index_of_hash(to.hash());
        let manner = Manner::Numbered { producer: self.name.clone(), number };
        self.unsent[partition].push(Request { ticket: 0, to, handler: call.handler, body: call.body, manner });
        self.open.push_back((number, false));
        self.unanswered += 1;
        // The first message of a slow stream waits for no other.
        if is_idle || self.unsent[partition].len() >= BATCH_MESSAGES {
            self.flush_partition(partition);
            self.take_arrived();
        }
        while self.unanswered >= self.window {
            self.flush();
            self.wait_for_some()?;
        }
        self.check()
    }

    /// Sends what is held back for a fuller batch.
    pub fn flush(&mut self) {
        (0..self.unsent.len()).for_each(|partition| self.flush_partition(partition));
    }

    /// What became of messages since the last call, in the order in which it became known. Does not block.
    pub fn results(&mut self) -> Vec<(u64, ProducerResult)> {
        self.flush();
        self.take_arrived();
        std::mem::take(&mut self.results)
    }

    /// As [`results`](Self::results), and blocks until there is one, unless nothing is unanswered.
    ///
    /// # Errors
    ///
    /// [`ProducerError::Broken`], when there is none and there will be none.
    pub fn wait_results(&mut self) -> Result<Vec<(u64, ProducerResult)>, ProducerError> {
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

    /// How many messages are unanswered.
    #[must_use]
    pub fn unanswered(&self) -> usize {
        self.unanswered
    }

    /// The lowest number that is not known to be durable; one above the highest if all are.
    #[must_use]
    pub fn lowest_unanswered(&self) -> u64 {
        self.open.front().map_or(self.highest + 1, |(number, _)| *number)
    }

    /// What became of all messages so far.
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
        let place = self.shared.routes.places()[partition];
        let mail = Mail::Stream { seat: place.seat, requests, stream: Arc::clone(&self.stream) };
        if self.shared.is_closing() {
            mail.refuse();
        } else {
            self.shared.routes.mailbox(place).post(mail);
        }
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
                Judged::Result(result) => self.settle(number, result),
                Judged::Broken(reason) => self.break_at(number, reason),
            }
        }
        self.arrived = arrived;
    }

    fn settle(&mut self, number: u64, result: ProducerResult) {
        let count = match &result {
            Ok(ProducerAnswer::Done { .. }) => &mut self.summary.done,
            Ok(ProducerAnswer::Duplicate) => &mut self.summary.duplicates,
            Ok(ProducerAnswer::Accepted) => &mut self.summary.accepted,
            Ok(ProducerAnswer::Refused(_)) => &mut self.summary.refused,
            Err(_) => &mut self.summary.failed,
        };
        *count += 1;
        if let Ok(at) = self.open.binary_search_by_key(&number, |(number, _)| *number) {
            self.open[at].1 = true;
            self.unanswered -= 1;
        }
        while self.open.front().is_some_and(|(_, is_answered)| *is_answered) {
            self.open.pop_front();
        }
        if self.keeps_results {
            self.results.push((number, result));
        }
    }

    fn break_at(&mut self, number: u64, reason: String) {
        let lowest_unanswered = self.lowest_unanswered();
        let name = self.name.clone();
        self.broken.get_or_insert(ProducerError::Broken { name, number, reason, lowest_unanswered });
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.flush();
        self.shared.close_stream(&self.name);
    }
}

enum Judged {
    Result(ProducerResult),
    Broken(String),
}

fn judge(verdict: Verdict) -> Judged {
    match verdict {
        Verdict::Answered(Answer::Done { reply, version: _ }) => Judged::Result(Ok(ProducerAnswer::Done { reply })),
        Verdict::Answered(Answer::Duplicate) => Judged::Result(Ok(ProducerAnswer::Duplicate)),
        Verdict::Answered(Answer::Accepted) => Judged::Result(Ok(ProducerAnswer::Accepted)),
        Verdict::Answered(Answer::Refused(refusal)) => Judged::Result(Ok(ProducerAnswer::Refused(refusal))),
        // Messages behind it were perhaps applied; this one was not, and has lost its place.
        Verdict::Answered(Answer::Failed(
            failure @ (Failure::Stopped(_) | Failure::NotHere { .. } | Failure::Busy),
        )) => Judged::Broken(failure.to_string()),
        Verdict::Answered(Answer::Failed(failure)) => Judged::Result(Err(failure)),
        Verdict::NotDone(NotDone::Closed) => Judged::Broken("the node is closed".to_owned()),
        Verdict::NotDone(NotDone::Stopped(reason)) | Verdict::Unknown(reason) => {
            Judged::Broken(format!("its partition stopped ({reason})"))
        }
        Verdict::NotDone(NotDone::Busy) => Judged::Broken("too much is waiting".to_owned()),
    }
}
