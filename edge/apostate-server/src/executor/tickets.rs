//! Tickets: who waits for which answer of one partition.
//!
//! The callers of HTTP wait at completion queues, and their tickets are kept there. Those of this process, producers and checkpoint
//! requests wait in a table here. A ticket is good for one answer, wherever it is kept.

use std::sync::Arc;

use apostate_core::Address;
use apostate_partition::{Answer, Range, StopReason};

use crate::answers::promise::Promise;
use crate::answers::queues::{AnswerBatches, CompletionQueues};
use crate::answers::stop::{Interruption, PartitionStop};
use crate::answers::stream::Stream;
use crate::answers::ticket::{OWN_TABLE, PLACES_MAX, Ticket};
use crate::answers::verdict::{NotDone, Verdict};
use crate::executor::messages::CheckpointReply;

/// The open tickets of one partition host.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// The number of the host: what it has claimed at completion queues is marked with it.
    host: u32,
    queues: Arc<CompletionQueues>,
    /// Answers for the completion queues, delivered at the end of the turn.
    batches: AnswerBatches,
    entries: Vec<Entry>,
    free: Vec<u32>,
    streams: Vec<OpenStream>,
    /// Open tickets of single requests.
    calls: usize,
    /// Open tickets of producers' messages.
    numbered: usize,
}

#[derive(Debug)]
struct Entry {
    generation: u32,
    recipient: Option<Recipient>,
}

/// The receiver of an answer that is kept here.
#[derive(Debug)]
enum Recipient {
    Caller(Promise),
    /// The stream's index, and the message's number.
    Stream(u32, u64),
    Checkpoint(CheckpointReply),
}

/// One stream, and the answers that it gets at the end of the turn.
#[derive(Debug)]
struct OpenStream {
    stream: Option<Stream>,
    open: usize,
    answers: Vec<(u64, Verdict)>,
}

impl Tickets {
    /// The tickets of the host with this number among those of the node.
    pub(crate) fn new(host: u32, queues: Arc<CompletionQueues>) -> Self {
        let (batches, entries, free, streams) = (AnswerBatches::default(), Vec::new(), Vec::new(), Vec::new());
        Self { host, queues, batches, entries, free, streams, calls: 0, numbered: 0 }
    }

    /// How many single requests wait for their answers.
    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// How many producers' messages wait for their answers.
    pub(crate) fn numbered(&self) -> usize {
        self.numbered
    }

    /// A request of a completion queue is about to be handed over. False: it was withdrawn, and must not be.
    pub(crate) fn claim(&mut self, ticket: Ticket) -> bool {
        let is_claimed = self.queues.of(ticket).is_some_and(|queue| queue.claim(ticket, self.host));
        self.calls += usize::from(is_claimed);
        is_claimed
    }

    /// A claimed request is not handed over, for this reason.
    pub(crate) fn refuse(&mut self, ticket: Ticket, why: NotDone) {
        if let Some(queue) = self.queues.of(ticket)
            && queue.finish(ticket, self.host)
        {
            self.calls -= 1;
            queue.deliver(ticket, Verdict::NotDone(why));
        }
    }

    /// A ticket for one request of this process.
    pub(crate) fn call(&mut self, promise: Promise) -> u64 {
        self.calls += 1;
        self.issue(Recipient::Caller(promise))
    }

    /// A ticket for a checkpoint request.
    pub(crate) fn checkpoint(&mut self, reply: CheckpointReply) -> u64 {
        self.issue(Recipient::Checkpoint(reply))
    }

    /// The index of `stream`, for [`message`](Self::message). Producers are few.
    pub(crate) fn stream(&mut self, stream: &Stream) -> u32 {
        let is_same = |open: &OpenStream| open.stream.as_ref().is_some_and(|other| Arc::ptr_eq(other, stream));
        let found = self.streams.iter().position(is_same);
        let index = found.or_else(|| self.streams.iter().position(|open| open.stream.is_none()));
        let index = index.unwrap_or_else(|| {
            self.streams.push(OpenStream { stream: None, open: 0, answers: Vec::new() });
            self.streams.len() - 1
        });
        self.streams[index].stream.get_or_insert_with(|| Arc::clone(stream));
        u32::try_from(index).expect("fewer streams than memory has bytes")
    }

    /// A ticket for the message `number` of a stream.
    pub(crate) fn message(&mut self, stream: u32, number: u64) -> u64 {
        self.numbered += 1;
        self.streams[stream as usize].open += 1;
        self.issue(Recipient::Stream(stream, number))
    }

    /// Gives the answer to its recipient; streams and queues get it with [`flush`](Self::flush). False: the ticket is unknown, or was
    /// answered before.
    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) -> bool {
        let (ticket, verdict) = (Ticket(ticket), Verdict::Answered(answer));
        if ticket.queue() == OWN_TABLE {
            return self.answer_own(ticket, verdict);
        }
        let is_owed = self.queues.of(ticket).is_some_and(|queue| queue.finish(ticket, self.host));
        if is_owed {
            self.calls -= 1;
            self.batches.add(ticket, verdict);
        }
        is_owed
    }

    fn answer_own(&mut self, ticket: Ticket, verdict: Verdict) -> bool {
        match self.redeem(ticket) {
            Some(Recipient::Caller(promise)) => {
                self.calls -= 1;
                promise.keep(verdict);
            }
            Some(Recipient::Stream(stream, number)) => {
                self.numbered -= 1;
                self.add_to_stream(stream, number, verdict);
            }
            // A checkpoint is reported as done, not answered.
            Some(Recipient::Checkpoint(_)) | None => return false,
        }
        true
    }

    fn add_to_stream(&mut self, stream: u32, number: u64, verdict: Verdict) {
        let stream = &mut self.streams[stream as usize];
        stream.open -= 1;
        stream.answers.push((number, verdict));
    }

    /// The checkpoint that was asked for is in the store.
    pub(crate) fn checkpoint_done(&mut self, ticket: u64) {
        if let Some(Recipient::Checkpoint(reply)) = self.redeem(Ticket(ticket)) {
            // The receiver may have stopped waiting.
            let _ = reply.send(Ok(()));
        }
    }

    /// Hands over the answers of the turn to their streams and queues.
    pub(crate) fn flush(&mut self) {
        self.batches.deliver(&self.queues);
        for open in &mut self.streams {
            if let Some(stream) = &open.stream {
                stream.add(&mut open.answers);
                if open.open == 0 {
                    open.stream = None;
                }
            }
        }
    }

    /// An answer is there that an entity owed.
    pub(crate) fn settle(&self, entity: &Address, number: u64) {
        self.queues.owed().settle(entity, number);
    }

    /// Those that wait for answers which entities of this range owe get none from here.
    pub(crate) fn abandon_owed(&self, range: Range, reason: Option<&Arc<StopReason>>) {
        self.queues.owed().abandon(range.first..=range.last, reason);
    }

    /// Answers everything that is open with *unknown*: the partition stopped for this reason, or else the node was closed.
    pub(crate) fn abandon(&mut self, reason: Option<&Arc<StopReason>>) {
        let unknown = || {
            let reason = reason.map(|reason| Interruption::PartitionStopped(Arc::clone(reason)));
            Verdict::Unknown(reason.unwrap_or(Interruption::NodeClosed))
        };
        if self.calls > 0 {
            for queue in self.queues.all() {
                queue.finish_all(self.host).into_iter().for_each(|ticket| self.batches.add(ticket, unknown()));
            }
        }
        self.free.clear();
        (self.calls, self.numbered) = (0, 0);
        for entry in std::mem::take(&mut self.entries) {
            match entry.recipient {
                None => {}
                Some(Recipient::Caller(promise)) => promise.keep(unknown()),
                Some(Recipient::Stream(stream, number)) => self.add_to_stream(stream, number, unknown()),
                // Without a reason the receiver sees the channel close.
                Some(Recipient::Checkpoint(reply)) => {
                    let stop = reason.map(|reason| PartitionStop::Stopped(Arc::clone(reason)));
                    let _ = stop.map(|stop| reply.send(Err(stop)));
                }
            }
        }
        self.flush();
    }

    fn issue(&mut self, recipient: Recipient) -> u64 {
        let place = self.free.pop().unwrap_or_else(|| {
            assert!(self.entries.len() < PLACES_MAX, "requests are bounded far below");
            self.entries.push(Entry { generation: 0, recipient: None });
            self.entries.len() as u32 - 1
        });
        let entry = &mut self.entries[place as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.recipient = Some(recipient);
        Ticket::new(OWN_TABLE, place, entry.generation).0
    }

    fn redeem(&mut self, ticket: Ticket) -> Option<Recipient> {
        let place = ticket.place();
        let entry = self.entries.get_mut(place as usize).filter(|entry| entry.generation == ticket.generation())?;
        let recipient = entry.recipient.take()?;
        self.free.push(place);
        Some(recipient)
    }
}

impl Drop for Tickets {
    fn drop(&mut self) {
        self.abandon(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::promise::promise;
    use crate::answers::queue::CompletionQueue;

    fn tickets() -> (Tickets, Arc<CompletionQueue>) {
        let queues = Arc::new(CompletionQueues::default());
        let queue = queues.lease(4).expect("a queue");
        (Tickets::new(3, queues), queue)
    }

    /// The answers that have arrived at the queue.
    fn arrived(queue: &CompletionQueue) -> Vec<(Ticket, Verdict)> {
        let mut arrived = Vec::new();
        let _ = queue.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()), &mut arrived);
        arrived
    }

    #[test]
    fn a_ticket_is_good_for_one_answer() {
        let (mut tickets, _) = tickets();
        let (first, promised) = promise();
        let ticket = tickets.call(first);
        assert_eq!((tickets.calls(), tickets.numbered()), (1, 0));
        assert!(tickets.answer(ticket, Answer::Accepted));
        assert!(matches!(promised.wait(), Verdict::Answered(Answer::Accepted)));
        let (second, promised) = promise();
        let next = tickets.call(second);
        assert!(!tickets.answer(ticket, Answer::Duplicate), "its place belongs to another request now");
        assert!(tickets.answer(next, Answer::Duplicate));
        assert!(matches!(promised.wait(), Verdict::Answered(Answer::Duplicate)));
        assert_eq!(tickets.calls(), 0);
    }

    #[test]
    fn a_ticket_of_a_queue_is_claimed_and_answered_once() {
        let (mut tickets, queue) = tickets();
        let (asked, withdrawn, refused) = (queue.open(0), queue.open(1), queue.open(2));
        assert!(queue.withdraw(withdrawn));
        assert!(tickets.claim(asked) && !tickets.claim(withdrawn) && tickets.claim(refused));
        tickets.refuse(refused, NotDone::Busy);
        assert_eq!(tickets.calls(), 1);
        assert!(tickets.answer(asked.0, Answer::Accepted) && !tickets.answer(asked.0, Answer::Duplicate));
        assert!(!tickets.answer(withdrawn.0, Answer::Accepted));
        assert!(matches!(arrived(&queue)[..], [(first, Verdict::NotDone(NotDone::Busy))] if first == refused));
        tickets.flush();
        assert!(matches!(arrived(&queue)[..], [(first, Verdict::Answered(Answer::Accepted))] if first == asked));
        assert_eq!(tickets.calls(), 0);
    }

    #[test]
    fn a_stream_gets_its_answers_in_one_batch() {
        let (mut tickets, _) = tickets();
        let stream = Stream::default();
        let index = tickets.stream(&stream);
        let issued: Vec<u64> = (1..=3).map(|number| tickets.message(index, number)).collect();
        assert_eq!(tickets.stream(&stream), index);
        for ticket in issued {
            assert!(tickets.answer(ticket, Answer::Accepted));
        }
        let mut done = Vec::new();
        stream.take(&mut done);
        assert!(done.is_empty(), "nothing before the turn ends");
        tickets.flush();
        stream.take(&mut done);
        assert_eq!(done.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn everybody_who_waits_is_told_of_the_end() {
        let (mut tickets, queue) = tickets();
        let (kept, promised) = promise();
        tickets.call(kept);
        let asked = queue.open(0);
        assert!(tickets.claim(asked));
        let unclaimed = queue.open(1);
        let stream = Stream::default();
        let index = tickets.stream(&stream);
        tickets.message(index, 9);
        let (reply, checkpoint) = crossbeam_channel::bounded(1);
        tickets.checkpoint(reply);
        drop(tickets);
        assert!(matches!(promised.wait(), Verdict::Unknown(_)));
        assert!(matches!(arrived(&queue)[..], [(first, Verdict::Unknown(_))] if first == asked));
        assert!(queue.withdraw(unclaimed), "its message is still on its way");
        let mut done = Vec::new();
        stream.take(&mut done);
        assert!(matches!(done[..], [(9, Verdict::Unknown(_))]));
        assert!(checkpoint.recv().is_err(), "the channel is closed");
    }
}
