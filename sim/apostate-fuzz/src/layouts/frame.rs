//! Frames between partitions, with the messages in them.

use apostate_log::PartitionId;
use apostate_partition::delivery::{Frame, Generation};
use apostate_partition::{Message, Range};

use super::message;
use crate::{Layout, Verdict};

pub(super) const LAYOUT: Layout = Layout { name: "frame", made, amend, check, memory_bytes: 64 << 10 };

/// Bytes of a frame of messages before its messages.
const MESSAGES_AT: usize = 17;

fn made() -> Vec<Vec<u8>> {
    let (nonce, name, range) = (7, 12, Range::new(1, 2));
    let generation = Generation { map_version: 1, epoch: 4 };
    let origins = vec![(PartitionId(2), 9), (PartitionId(5), 0)];
    let mut messages = Vec::new();
    message::messages().iter().for_each(|(message, identity)| message.write(*identity, &mut messages));
    [
        Frame::Open { nonce, range },
        Frame::Opened { nonce, name, range, generation, origins, counter: 11, acknowledged: 9 },
        Frame::Opened {
            nonce,
            name,
            range: Range::WHOLE,
            generation,
            origins: Vec::new(),
            counter: 0,
            acknowledged: 0,
        },
        Frame::Ready { name, granted: 1 << 20, held: 3 },
        Frame::Messages { name, frame: 1, messages: &messages },
        Frame::Ack { name, frame: 1, granted: 1 << 20 },
        Frame::Stalled { name },
        Frame::Refused { name, generation },
    ]
    .iter()
    .map(Frame::write)
    .collect()
}

/// Puts the first message's entities right, if it is a frame of messages.
fn amend(bytes: &mut [u8]) {
    if bytes.len() > MESSAGES_AT && bytes[0] == 4 {
        message::amend(&mut bytes[MESSAGES_AT..]);
    }
}

fn check(bytes: &[u8]) -> Verdict {
    let Ok(frame) = Frame::read(bytes) else { return Verdict::Refused };
    assert_eq!(frame.write(), bytes, "a frame is written one way");
    assert_eq!(Frame::read(&frame.write()), Ok(frame.clone()), "a frame reads back");
    if let Frame::Messages { messages: mut rest, .. } = frame {
        while let Ok((_, _, after)) = Message::read(rest) {
            assert!(after.len() < rest.len(), "reading messages comes to an end");
            rest = after;
        }
        return Verdict::of(rest.is_empty());
    }
    Verdict::Read
}
