//! The transaction that a handler runs in: the only way out of an entity.

use serde::Serialize;

use crate::{Address, Effects, EntityKey, Id, IntoSend, Invocation, SendableMessage, SplitMix64, Timestamp};

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

    /// A random number, by SplitMix64 from the transaction's seed.
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
        let SendableMessage { sent, told } = message.into_send();
        let sent = sent.unwrap_or_else(|error| panic!("a message was sent to no entity: {error}"));
        let is_own = told.is_none_or(|kind| kind == self.invocation.to.kind());
        assert!(is_own, "or_tell names a handler of another kind of entity");
        self.effects.send(self.invocation.to, sent);
    }

    /// Deletes this entity when the transaction commits: its state goes, messages on their way stay.
    pub fn delete(&mut self) {
        self.effects.deleted = true;
    }

    /// Gives the handler's reply. Written by `#[handlers]`; an author returns a value instead.
    pub fn reply<R: Serialize + ?Sized>(&mut self, reply: &R) {
        if self.invocation.wants_reply {
            self.effects.set_reply(reply);
        }
    }
}
