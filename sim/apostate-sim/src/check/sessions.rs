//! Sessions between partitions, as the frames show them that leave.
//!
//! Invariant E2: an acknowledgement says that everything up to its frame is durable, also of messages that came again. And credit is
//! neither lost nor made: what a receiver grants is what it has handled, and its credit on top; a sender keeps to it.

use std::collections::BTreeMap;

use apostate_log::PartitionId;
use apostate_partition::Message;
use apostate_partition::delivery::Frame;
use apostate_partition::rectangles::Origin;

use crate::check::shadow::Shadow;
use crate::violation::{Check, Violation, ensure};

/// Sender, receiver and name of a session: never used again.
type SessionId = (PartitionId, PartitionId, u64);

/// Every session of a run.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    sessions: BTreeMap<SessionId, Session>,
}

/// One session, as far as frames have left.
#[derive(Debug, Default)]
struct Session {
    /// Bytes of messages that were sent.
    sent_bytes: u64,
    /// Frames that were sent.
    sent_frames: u64,
    /// Frames that are not acknowledged.
    frames: BTreeMap<u64, SentFrame>,
    /// The highest frame that was acknowledged.
    acknowledged: u64,
    /// The most that was granted.
    granted: u64,
}

#[derive(Debug)]
struct SentFrame {
    /// Bytes of messages up to its end.
    end: u64,
    messages: Vec<SentMessage>,
}

#[derive(Clone, Copy, Debug)]
struct SentMessage {
    origin: PartitionId,
    number: u64,
    /// Hashes of sender and target.
    source: u64,
    target: u64,
}

/// A frame that leaves.
pub(crate) struct Leaving<'a> {
    /// The partition that it leaves, as far as its records are durable.
    pub(crate) shadow: &'a Shadow,
    pub(crate) to: PartitionId,
    /// The writer is an old one.
    pub(crate) is_old: bool,
    /// The credit that every receiver gives.
    pub(crate) credit: u64,
}

impl Sessions {
    /// A frame leaves a partition.
    pub(crate) fn leaves(&mut self, leaving: &Leaving<'_>, bytes: &[u8]) -> Check {
        let (own, to) = (leaving.shadow.id, leaving.to);
        let frame = Frame::read(bytes).map_err(|error| Violation::new("E2", error.to_string()))?;
        match frame {
            Frame::Messages { name, frame, messages } => {
                let sent = read(messages)?;
                self.session((own, to, name)).sends(own, frame, messages.len() as u64, sent)
            }
            Frame::Ready { name, granted, held } => {
                // An old writer tells what it had before the newest one forgot it.
                let durable = leaving.shadow.heard.get(&to).copied().unwrap_or(0);
                ensure!(held <= durable, "E2", "partition {own} holds {held} of partition {to}, durable is {durable}");
                self.session((to, own, name)).grants(leaving, granted, 0)
            }
            Frame::Ack { name, frame, granted } => {
                let session = self.session((to, own, name));
                session.acknowledges(leaving, frame)?;
                session.grants(leaving, granted, frame)
            }
            Frame::Open { .. } | Frame::Opened { .. } | Frame::Refused { .. } | Frame::Stalled { .. } => Ok(()),
        }
    }

    fn session(&mut self, id: SessionId) -> &mut Session {
        self.sessions.entry(id).or_default()
    }
}

fn read(mut messages: &[u8]) -> Result<Vec<SentMessage>, Violation> {
    let mut sent = Vec::new();
    while !messages.is_empty() {
        let (message, identity, rest) =
            Message::read(messages).map_err(|error| Violation::new("E2", error.to_string()))?;
        let (source, target) = (message.from.as_ref().map_or(0, |from| from.hash()), message.to.hash());
        sent.push(SentMessage { origin: identity.origin, number: identity.number, source, target });
        messages = rest;
    }
    Ok(sent)
}

impl Session {
    /// The sender sends a frame.
    fn sends(&mut self, own: PartitionId, frame: u64, bytes: u64, messages: Vec<SentMessage>) -> Check {
        ensure!(frame == self.sent_frames + 1, "E6", "partition {own} sends frame {frame} after {}", self.sent_frames);
        let end = self.sent_bytes + bytes;
        // One message alone may overdraw the credit, if nothing is under way.
        let is_alone = messages.len() == 1 && self.acknowledged == self.sent_frames;
        ensure!(end <= self.granted || is_alone, "credit", "partition {own} sends {end} bytes of {}", self.granted);
        (self.sent_frames, self.sent_bytes) = (frame, end);
        self.frames.insert(frame, SentFrame { end, messages });
        Ok(())
    }

    /// The receiver says that everything up to `frame` is durable.
    fn acknowledges(&mut self, leaving: &Leaving<'_>, frame: u64) -> Check {
        let (own, from) = (leaving.shadow.id, leaving.to);
        ensure!(
            frame <= self.sent_frames,
            "E1",
            "partition {own} acknowledges frame {frame} of partition {from}, not sent"
        );
        for (_, sent) in self.frames.range(..=frame) {
            for SentMessage { origin, number, source, target } in &sent.messages {
                let applied = leaving.shadow.rectangles.applied(&Origin::Partition(*origin), *source, *target);
                let heard = leaving.shadow.heard.get(origin).filter(|_| leaving.is_old && applied == 0);
                let applied = heard.copied().unwrap_or(applied);
                ensure!(
                    *number <= applied,
                    "E2",
                    "partition {own} acknowledges message {number} of partition {origin}, durable is {applied}"
                );
            }
        }
        self.acknowledged = self.acknowledged.max(frame);
        Ok(())
    }

    /// The receiver grants so many bytes in all, when `frame` is the last one that it has handled to its end.
    fn grants(&mut self, leaving: &Leaving<'_>, granted: u64, frame: u64) -> Check {
        let (own, from) = (leaving.shadow.id, leaving.to);
        let handled = self.frames.get(&frame).map_or(0, |sent| sent.end);
        let (least, most) = (handled + leaving.credit, self.sent_bytes + leaving.credit);
        let is_old = frame > 0 && !self.frames.contains_key(&frame);
        ensure!(
            is_old || least <= granted && granted <= most,
            "credit",
            "partition {own} grants {granted} bytes to partition {from}, and has handled {handled} at least"
        );
        self.granted = self.granted.max(granted);
        self.frames.retain(|number, _| *number > frame);
        Ok(())
    }
}
