//! Outputs of a partition: none leaves before everything that it depends on is durable.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable. And for answers: the
//! promise *never early*.

use apostate_core::{Address, EntityKey};
use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Message};

use crate::check::shadow::Shadow;
use crate::violation::{Check, Violation, ensure};

/// A partition sends a frame.
pub(crate) fn frame(shadow: &Shadow, bytes: &[u8]) -> Check {
    let id = shadow.id;
    match Frame::read(bytes).map_err(|error| Violation::new("E2", format!("partition {id} sends what is {error}")))? {
        Frame::Messages { messages, .. } => {
            let mut rest = messages;
            while !rest.is_empty() {
                let (_, identity, after) =
                    Message::read(rest).map_err(|error| Violation::new("E2", error.to_string()))?;
                let hash = xxhash_rust::xxh3::xxh3_64(&rest[..rest.len() - after.len()]);
                let sent = shadow.ever_sent.get(&identity);
                ensure!(sent == Some(&hash), "E2", "partition {id} sends {identity:?}, which is not durable");
                rest = after;
            }
        }
        Frame::Opened { counter, .. } => {
            ensure!(counter < shadow.next_number, "E2", "partition {id} tells of number {counter}, not durable");
        }
        Frame::Ready { .. }
        | Frame::Refused { .. }
        | Frame::Ack { .. }
        | Frame::Open { .. }
        | Frame::Stalled { .. } => {}
    }
    Ok(())
}

/// A partition answers a request to `to`.
pub(crate) fn answer(shadow: &Shadow, to: &Address, answer: &Answer) -> Check {
    let answer = if let Answer::Repeated(answer) = answer { answer } else { answer };
    if let Answer::Done { version, .. } = answer {
        // One that is gone was deleted with the last version that it had.
        let durable = shadow.version(to).unwrap_or(shadow.deleted);
        ensure!(*version <= durable, "E2", "{to:?} answers with version {version}, and {durable} is durable");
    }
    Ok(())
}

/// A partition answers number `number` of a producer: whatever it says, the number was applied for good, also if it came again.
pub(crate) fn numbered(shadow: &Shadow, producer: &EntityKey, number: u64, answer: &Answer) -> Check {
    let applied = shadow.produced.get(producer).copied().unwrap_or(0);
    ensure!(
        number <= applied || matches!(answer, Answer::Failed(_)),
        "E2",
        "partition {} answers number {number} of {producer:?} with {answer:?}, and {applied} is durable",
        shadow.id
    );
    Ok(())
}
