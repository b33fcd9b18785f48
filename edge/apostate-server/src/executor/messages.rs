//! Messages to an executor.

use apostate_log::{PartitionId, Position};
use apostate_partition::{Loaded, ParkedCommand, Request, RequestKind};
use bytes::Bytes;
use crossbeam_channel::Sender;

use crate::answers::promise::Promise;
use crate::answers::queues::CompletionQueues;
use crate::answers::stop::{Interruption, PartitionStop};
use crate::answers::stream::Stream;
use crate::answers::ticket::Ticket;
use crate::answers::verdict::{NotDone, Verdict};
use crate::executor::moving::MoveReply;
use crate::executor::status::PartitionStatus;

/// One message to an executor, mostly for one partition.
#[derive(Debug)]
pub(crate) enum ExecutorMessage {
    /// All partitions of the node are open: serve.
    Start,
    /// One request from HTTP, under a ticket of its thread's completion queue.
    Request { partition: PartitionId, request: Request },
    /// One request from this process. The executor fills in the ticket.
    Call { partition: PartitionId, request: Request, promise: Promise },
    /// A producer's messages, in ascending order of their numbers. The executor fills in the tickets.
    Stream { partition: PartitionId, requests: Vec<Request>, stream: Stream },
    /// An operator retries or dismisses a parked message. The executor fills in the ticket.
    Parked { partition: PartitionId, command: ParkedCommand, promise: Promise },
    /// Frames of one sender, in the order sent.
    Frames { partition: PartitionId, from: PartitionId, frames: Vec<Bytes> },
    /// Results of reads from the store: entities, client keys, pages of messages.
    Loaded { partition: PartitionId, loaded: Vec<Loaded> },
    /// The result of a checkpoint.
    Checkpointed { partition: PartitionId, result: Result<Position, String> },
    /// A request that everything durable so far be in the store.
    Checkpoint { partition: PartitionId, reply: CheckpointReply },
    /// A request for the status of the partition.
    Report { partition: PartitionId, reply: Sender<PartitionStatus> },
    /// A request that the partition move to the executor with this index.
    Move { partition: PartitionId, to: usize, reply: MoveReply },
    /// The partition comes from another executor; its host is in transit.
    Arrived { partition: PartitionId },
    /// The end: everything that waits is answered.
    Quit,
}

/// The way back to a checkpoint request: that it is done, or why it never will be.
pub(crate) type CheckpointReply = Sender<Result<(), PartitionStop>>;

impl ExecutorMessage {
    /// The partition to whose host it goes.
    pub(crate) fn partition(&self) -> Option<PartitionId> {
        match self {
            Self::Request { partition, .. }
            | Self::Call { partition, .. }
            | Self::Stream { partition, .. }
            | Self::Parked { partition, .. }
            | Self::Frames { partition, .. }
            | Self::Loaded { partition, .. }
            | Self::Checkpointed { partition, .. }
            | Self::Checkpoint { partition, .. }
            | Self::Move { partition, .. }
            | Self::Report { partition, .. } => Some(*partition),
            Self::Start | Self::Arrived { .. } | Self::Quit => None,
        }
    }

    /// Answers the callers of a message that no executor will take: nothing was done.
    pub(crate) fn refuse(self, queues: &CompletionQueues) {
        match self {
            Self::Request { request, .. } => {
                queues.deliver(Ticket(request.ticket), Verdict::NotDone(NotDone::Closed));
            }
            Self::Call { promise, .. } | Self::Parked { promise, .. } => {
                promise.keep(Verdict::NotDone(NotDone::Closed));
            }
            Self::Stream { requests, stream, .. } => refuse_stream(requests, &stream, &NotDone::Closed),
            // The last three need no answer: their receivers see the channel close.
            Self::Start
            | Self::Frames { .. }
            | Self::Loaded { .. }
            | Self::Checkpointed { .. }
            | Self::Arrived { .. }
            | Self::Quit
            | Self::Checkpoint { .. }
            | Self::Move { .. }
            | Self::Report { .. } => {}
        }
    }
}

/// Messages that an executor has taken out and not worked on yet. If it dies, the callers of the rest are answered: promises see to
/// that by themselves, completion queues and producers would wait for ever.
pub(crate) struct TakenMessages<'a> {
    pub(crate) rest: std::vec::Drain<'a, ExecutorMessage>,
    pub(crate) queues: &'a CompletionQueues,
}

impl Drop for TakenMessages<'_> {
    fn drop(&mut self) {
        let unknown = || Verdict::Unknown(Interruption::ExecutorDied);
        for message in self.rest.by_ref() {
            match message {
                ExecutorMessage::Request { request, .. } => self.queues.deliver(Ticket(request.ticket), unknown()),
                ExecutorMessage::Stream { requests, stream, .. } => stream.add(
                    &mut requests.into_iter().filter_map(|request| Some((number(&request)?, unknown()))).collect(),
                ),
                _ => {}
            }
        }
    }
}

fn number(request: &Request) -> Option<u64> {
    match request.request_kind {
        RequestKind::Numbered { number, .. } => Some(number),
        RequestKind::Call { .. }
        | RequestKind::Recall { .. }
        | RequestKind::Settle(_)
        | RequestKind::Read
        | RequestKind::State => None,
    }
}

/// Answers messages of a producer that no partition will get.
pub(crate) fn refuse_stream(requests: impl IntoIterator<Item = Request>, stream: &Stream, why: &NotDone) {
    let refused = |request: Request| Some((number(&request)?, Verdict::NotDone(why.clone())));
    stream.add(&mut requests.into_iter().filter_map(refused).collect());
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::task::{Context, Waker};

    use apostate_core::{Address, EntityKey, HandlerId, KindId};

    use super::*;

    fn request(request_kind: RequestKind) -> Request {
        let key = EntityKey::new("tea").expect("a key");
        let (to, handler) = (Address::new(KindId::of("stock"), key), HandlerId::of("take"));
        Request::new(to, handler, Vec::new(), request_kind)
    }

    fn numbered(number: u64) -> Request {
        request(RequestKind::Numbered { producer: EntityKey::new("till").expect("a name"), number })
    }

    #[test]
    fn callers_hear_of_messages_that_died_with_their_executor() {
        let stream = Stream::default();
        let queues = CompletionQueues::default();
        let queue = queues.lease(1).expect("a queue");
        let ticket = queue.open(0);
        let streamed = |number| ExecutorMessage::Stream {
            partition: PartitionId(1),
            requests: vec![numbered(number)],
            stream: Stream::clone(&stream),
        };
        let asked = Request { ticket: ticket.0, ..request(RequestKind::Read) };
        let mut messages = vec![
            ExecutorMessage::Start,
            streamed(1),
            ExecutorMessage::Request { partition: PartitionId(1), request: asked },
            ExecutorMessage::Start,
            streamed(2),
        ];
        let died = catch_unwind(AssertUnwindSafe(|| {
            let mut taken = TakenMessages { rest: messages.drain(..), queues: &queues };
            assert!(matches!(taken.rest.next(), Some(ExecutorMessage::Start)));
            // As an assertion of the executor would, and without a word on the screen.
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(died.is_err());
        let mut told = Vec::new();
        stream.take(&mut told);
        assert!(matches!(told[..], [(1, Verdict::Unknown(_)), (2, Verdict::Unknown(_))]));
        let mut arrived = Vec::new();
        assert!(queue.poll(&mut Context::from_waker(Waker::noop()), &mut arrived).is_ready());
        assert!(matches!(arrived[..], [(first, Verdict::Unknown(_))] if first == ticket));
    }
}
