//! What arrives at an executor.

use apostate_log::{PartitionId, Position};
use apostate_partition::{Loaded, ParkedCommand, Request, RequestKind};
use bytes::Bytes;
use crossbeam_channel::Sender;

use crate::answers::promise::Promise;
use crate::answers::stream::Stream;
use crate::answers::verdict::{NotDone, Verdict};
use crate::executor::status::PartitionStatus;

/// What arrives at an executor. `host` is a partition's place there.
#[derive(Debug)]
pub(crate) enum ExecutorMessage {
    /// All partitions of the node are open: serve.
    Start,
    /// One request from outside.
    Request { host: usize, request: Request, promise: Promise },
    /// A producer's messages, in ascending order of their numbers. Their tickets are filled in by the executor.
    Stream { host: usize, requests: Vec<Request>, stream: Stream },
    /// An operator retries or dismisses a parked message. The ticket is filled in by the executor.
    Parked { host: usize, command: ParkedCommand, promise: Promise },
    /// Frames of one sender, in the order sent.
    Frames { host: usize, from: PartitionId, frames: Vec<Bytes> },
    /// What was read from the store: entities, client keys, pages of messages.
    Loaded { host: usize, loaded: Vec<Loaded> },
    /// How a checkpoint ended.
    Checkpointed { host: usize, result: Result<Position, String> },
    /// Somebody wants everything durable so far to be in the store, and to be told.
    Checkpoint { host: usize, tell: CheckpointReply },
    /// Somebody wants to know how every partition here is.
    Report { tell: Sender<PartitionStatus> },
    /// The end: whoever waits is told so.
    Quit,
}

/// Is told when a checkpoint request was carried out, or why it never will be.
pub(crate) type CheckpointReply = Sender<Result<(), String>>;

impl ExecutorMessage {
    /// Tells whoever waits that nobody will look at this mail.
    pub(crate) fn refuse(self) {
        match self {
            Self::Request { promise, .. } | Self::Parked { promise, .. } => {
                promise.keep(Verdict::NotDone(NotDone::Closed));
            }
            Self::Stream { requests, stream, .. } => refuse_stream(requests, &stream, &NotDone::Closed),
            // Whoever waits for the last two sees that nobody is left to tell them.
            Self::Start
            | Self::Frames { .. }
            | Self::Loaded { .. }
            | Self::Checkpointed { .. }
            | Self::Quit
            | Self::Checkpoint { .. }
            | Self::Report { .. } => {}
        }
    }
}

/// ExecutorMessage that an executor has taken out and not looked at yet. What is left when the executor dies is answered: those who
/// wait for one answer hear of it by themselves, a producer would wait for ever.
pub(crate) struct InHand<'a>(pub(crate) std::vec::Drain<'a, ExecutorMessage>);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        for mail in self.0.by_ref() {
            if let ExecutorMessage::Stream { requests, stream, .. } = mail {
                let unknown = || Verdict::Unknown("its executor died before it looked at the message".to_owned());
                stream.add(
                    &mut requests.into_iter().filter_map(|request| Some((number(&request)?, unknown()))).collect(),
                );
            }
        }
    }
}

fn number(request: &Request) -> Option<u64> {
    match request.request_kind {
        RequestKind::Numbered { number, .. } => Some(number),
        RequestKind::Call { .. } | RequestKind::Read | RequestKind::State => None,
    }
}

/// Tells a producer that these of its messages were not taken.
pub(crate) fn refuse_stream(requests: impl IntoIterator<Item = Request>, stream: &Stream, why: &NotDone) {
    let refused = |request: Request| Some((number(&request)?, Verdict::NotDone(why.clone())));
    stream.add(&mut requests.into_iter().filter_map(refused).collect());
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use apostate_core::{Address, EntityKey, HandlerId, KindId};

    use super::*;

    fn numbered(number: u64) -> Request {
        let key = EntityKey::new("tea").expect("a key");
        let request_kind = RequestKind::Numbered { producer: key.clone(), number };
        let (to, handler) = (Address::new(KindId::of("stock"), key), HandlerId::of("take"));
        Request::new(to, handler, Vec::new(), request_kind)
    }

    #[test]
    fn a_producer_hears_of_messages_that_died_with_their_executor() {
        let stream = Stream::default();
        let streamed = |number| ExecutorMessage::Stream {
            host: 0,
            requests: vec![numbered(number)],
            stream: Stream::clone(&stream),
        };
        let mut mail = vec![ExecutorMessage::Start, streamed(1), ExecutorMessage::Start, streamed(2)];
        let died = catch_unwind(AssertUnwindSafe(|| {
            let mut in_hand = InHand(mail.drain(..));
            assert!(matches!(in_hand.0.next(), Some(ExecutorMessage::Start)));
            // As an assertion of the executor would, and without a word on the screen.
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(died.is_err());
        let mut told = Vec::new();
        stream.take(&mut told);
        assert!(matches!(told[..], [(1, Verdict::Unknown(_)), (2, Verdict::Unknown(_))]));
    }
}
