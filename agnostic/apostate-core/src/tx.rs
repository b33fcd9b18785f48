//! The transaction that a handler runs in: the only way out of an entity.

use crate::limits::{TX_BYTES_MAX, TX_MESSAGES_MAX};
use crate::step::Invocation;
use crate::{Address, EntityKey, HandlerId, Id, IntoSend, KindId, SplitMix64, Timestamp};
use serde::Serialize;

/// The transaction that a handler runs in. What is done through it is committed together with the entity's new
/// state, or not at all.
///
/// Invariant E2: a message leaves if and only if the transaction that sent it is durable.
/// Paper: *Messaging across entities*.
pub struct Tx<'a> {
    invocation: &'a Invocation<'a>,
    effects: &'a mut Effects,
    random: SplitMix64,
}

/// What a handler run wants to have happen.
#[derive(Debug, Default)]
pub struct Effects {
    /// Messages, in the order sent.
    pub sent: Vec<Sent>,
    /// The reply, encoded; left empty when nobody wants one.
    pub reply: Vec<u8>,
    /// Whether the entity is to be deleted.
    pub deleted: bool,
    /// Bytes of messages and reply; counts on past the limit, although nothing is kept there.
    bytes: usize,
    messages: usize,
}

/// A message that a handler sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// For whom.
    pub to: Address,
    /// The handler that will run.
    pub handler: HandlerId,
    /// What its refusal means to the sender.
    pub on_refused: OnRefused,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
}

/// What a refusal means to the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRefused {
    /// It cannot be refused.
    Never,
    /// It is counted, and otherwise passes in silence.
    Ignore,
    /// The sender's own handler is told.
    Tell {
        /// The kind that the handler belongs to: the sender's.
        kind: KindId,
        /// The handler.
        handler: HandlerId,
    },
}

impl Effects {
    /// Empties it for the next run, and keeps its room.
    pub fn clear(&mut self) {
        let Self { sent, reply, deleted, bytes, messages } = self;
        sent.clear();
        reply.clear();
        *deleted = false;
        *bytes = 0;
        *messages = 0;
    }

    /// Bytes of messages and reply.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether more was sent than one run may send.
    #[must_use]
    pub fn is_over_limit(&self) -> bool {
        self.bytes > TX_BYTES_MAX || self.messages > TX_MESSAGES_MAX
    }

    fn send(&mut self, sent: Sent) {
        self.messages += 1;
        self.bytes += sent.body.len() + sent.to.key().as_bytes().len();
        if !self.is_over_limit() {
            self.sent.push(sent);
        }
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn new(invocation: &'a Invocation<'a>, effects: &'a mut Effects) -> Self {
        Self { invocation, effects, random: SplitMix64::new(invocation.seed) }
    }

    /// The key of this entity.
    #[must_use]
    pub fn key(&self) -> &EntityKey {
        self.invocation.to.key()
    }

    /// The time of this transaction. It never goes back from one transaction of an entity to the next.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.invocation.now
    }

    /// The entity that sent this message; none when it came from outside.
    #[must_use]
    pub fn sender(&self) -> Option<&Address> {
        self.invocation.sender
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// A new unique id.
    pub fn new_id(&mut self) -> Id {
        let seed = [self.random(), self.random()];
        Id::from_parts(self.invocation.now, seed)
    }

    /// Enqueues a message with this transaction. It is applied once by its entity, after what this entity sent
    /// to the same partner before.
    ///
    /// # Panics
    ///
    /// When the message's key cannot be a key, or when `or_tell` names a handler of another kind: bugs of the author,
    /// handled like every panic of a handler.
    pub fn send(&mut self, message: impl IntoSend) {
        let sent = message.into_send().0.unwrap_or_else(|error| panic!("a message was sent to no entity: {error}"));
        if let OnRefused::Tell { kind, .. } = sent.on_refused {
            assert!(kind == self.invocation.to.kind(), "or_tell names a handler of another kind of entity");
        }
        self.effects.send(sent);
    }

    /// Deletes this entity when the transaction commits: its state goes, messages on their way stay.
    pub fn delete(&mut self) {
        self.effects.deleted = true;
    }

    /// Gives the handler's reply. Written by `#[handlers]`; an author returns a value instead.
    pub fn reply<R: Serialize + ?Sized>(&mut self, reply: &R) {
        if self.invocation.wants_reply {
            let effects = &mut *self.effects;
            effects.reply.clear();
            crate::encode_into(reply, &mut effects.reply);
            effects.bytes += effects.reply.len();
        }
    }
}
