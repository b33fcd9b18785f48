//! What arrives at an executor.

use apostate_log::{PartitionId, Position};
use apostate_partition::{Loaded, Manner, ParkedCommand, Request};
use bytes::Bytes;
use crossbeam_channel::Sender;

use crate::slot::{NotDone, Promise, Verdict};
use crate::status::PartitionStatus;
use crate::tickets::Stream;

/// What arrives at an executor. `seat` is a partition's place there.
#[derive(Debug)]
pub(crate) enum Mail {
    /// All partitions of the node are open: serve.
    Start,
    /// One request from outside.
    Request { seat: usize, request: Request, promise: Promise },
    /// A producer's messages, in ascending order of their numbers. Their tickets are filled in by the executor.
    Stream { seat: usize, requests: Vec<Request>, stream: Stream },
    /// An operator retries or dismisses a parked message. The ticket is filled in by the executor.
    Parked { seat: usize, command: ParkedCommand, promise: Promise },
    /// Frames of one sender, in the order sent.
    Frames { seat: usize, from: PartitionId, frames: Vec<Bytes> },
    /// Entities that were read from the store.
    Loaded { seat: usize, loaded: Vec<Loaded> },
    /// How a checkpoint ended.
    Checkpointed { seat: usize, result: Result<Position, String> },
    /// Somebody wants everything durable so far to be in the store, and to be told.
    Wish { seat: usize, tell: Wish },
    /// Somebody wants to know how every partition here is.
    Report { tell: Sender<PartitionStatus> },
    /// The end: whoever waits is told so.
    Quit,
}

/// Is told when a checkpoint wish came true, or why it never will.
pub(crate) type Wish = Sender<Result<PartitionId, String>>;

impl Mail {
    /// Tells whoever waits that nobody will look at this mail.
    pub(crate) fn refuse(self) {
        match self {
            Self::Request { promise, .. } | Self::Parked { promise, .. } => {
                promise.keep(Verdict::NotDone(NotDone::Closed));
            }
            Self::Stream { requests, stream, .. } => refuse_stream(requests, &stream, &NotDone::Closed),
            Self::Wish { tell, .. } => {
                // Nobody has to wait for a wish.
                let _ = tell.send(Err("the node is closed".to_owned()));
            }
            Self::Start
            | Self::Frames { .. }
            | Self::Loaded { .. }
            | Self::Checkpointed { .. }
            | Self::Report { .. }
            | Self::Quit => {}
        }
    }
}

/// Tells a producer that these of its messages were not taken.
pub(crate) fn refuse_stream(requests: impl IntoIterator<Item = Request>, stream: &Stream, why: &NotDone) {
    let number = |request: Request| match request.manner {
        Manner::Numbered { number, .. } => Some((number, Verdict::NotDone(why.clone()))),
        Manner::Call { .. } | Manner::Look => None,
    };
    stream.add(&mut requests.into_iter().filter_map(number).collect());
}
