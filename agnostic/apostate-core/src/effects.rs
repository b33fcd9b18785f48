//! The effects of a handler run: messages, reply, deletion. Nothing of it has happened yet.

use serde::Serialize;

use crate::limits::{ACTIVITY_OVERHEAD_BYTES, SENT_OVERHEAD_BYTES, TX_BYTES_MAX, TX_MESSAGES_MAX};
use crate::{ActivityChange, Address, HandlerId, encode_into};

/// All that a handler run asks for besides the entity's new state.
#[derive(Debug, Default)]
pub struct Effects {
    /// Messages, in the order sent.
    pub sent: Vec<Sent>,
    /// The reply, encoded; empty if no reply is wanted.
    pub reply: Vec<u8>,
    /// Whether the entity is to be deleted.
    pub deleted: bool,
    /// Activities that have changed, each once.
    pub activities: Vec<ActivityChange>,
    /// Bytes of messages, activities and reply; counts on past the limit, although nothing is kept there.
    bytes: usize,
    messages: usize,
}

/// A message that a handler sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The entity that it is for.
    pub to: Address,
    /// The handler that will run.
    pub handler: HandlerId,
    /// The meaning of a refusal to the sender.
    pub on_refused: OnRefused,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
}

/// The meaning of a refusal to the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefused {
    /// The message cannot be refused.
    Never,
    /// A refusal is counted, and has no other effect.
    Ignore,
    /// The sender's own handler is told.
    Tell {
        /// The handler.
        handler: HandlerId,
    },
}

/// Bytes of a key as it is written at most: a zero takes two in a cell's key.
fn written_key_bytes(address: &Address) -> usize {
    let key = address.key().as_bytes();
    key.len() + key.iter().filter(|byte| **byte == 0).count()
}

impl Effects {
    /// Empties the list for the next run, and keeps its allocation.
    #[inline]
    pub fn clear(&mut self) {
        let Self { sent, reply, deleted, activities, bytes, messages } = self;
        sent.clear();
        activities.clear();
        reply.clear();
        *deleted = false;
        *bytes = 0;
        *messages = 0;
    }

    /// Bytes of messages, activities and reply, as they will be written down.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more was sent than one run may send.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.bytes > TX_BYTES_MAX || self.messages > TX_MESSAGES_MAX
    }

    /// Sends a message of the entity `from`. Both keys are written twice: with the message, and in the key of the cell that holds it.
    pub(crate) fn send(&mut self, from: &Address, sent: Sent) {
        self.messages += 1;
        let keys = written_key_bytes(from) + written_key_bytes(&sent.to);
        self.bytes += SENT_OVERHEAD_BYTES + sent.body.len() + 2 * keys;
        if !self.is_over_limit() {
            self.sent.push(sent);
        }
    }

    /// Activities of the entity `of` have changed. All keys are written with each.
    pub(crate) fn change_activities(&mut self, of: &Address, changes: Vec<ActivityChange>) {
        for ActivityChange { partner, value } in &changes {
            let value = value.as_ref().map_or(0, |value| value.len());
            self.bytes += ACTIVITY_OVERHEAD_BYTES + value + written_key_bytes(of) + partner.as_bytes().len();
        }
        self.activities = changes;
    }

    pub(crate) fn set_reply<R: Serialize + ?Sized>(&mut self, reply: &R) {
        self.reply.clear();
        encode_into(reply, &mut self.reply);
        self.bytes += self.reply.len();
    }
}
