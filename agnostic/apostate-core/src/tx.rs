//! The transaction that a handler runs in: the only way out of an entity.

use std::time::Duration;

use serde::Serialize;

use crate::agreement::{LapsesHeard, OutcomeTaken};
use crate::limits::TIMER_NAME_BYTES_MAX;
use crate::propose;
use crate::{
    Address, AgreementId, Ask, Effects, EntityKey, GivenAnswer, Id, IntoAsk, IntoSend, Invocation, Later, Proposal,
    Refusal, SendableMessage, Sent, SplitMix64, TimerId, TimerKey, Timestamp, encode,
};

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

    /// The agreement that this message tells of, as [`propose`](Self::propose) gave it: in the handlers that take an outcome, or a lapse.
    #[must_use]
    pub fn agreement(&self) -> Option<AgreementId> {
        self.invocation.agreement
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
        let sent = self.sent(message);
        self.effects.send(self.invocation.to, sent);
    }

    /// Sends a message after this time, unless the timer is cancelled until then. The waiting begins with this transaction, and lasts
    /// across crashes and restarts; the message is sent when it ends, never before.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    pub fn send_after(&mut self, wait: Duration, message: impl IntoSend) -> TimerId {
        let due = self.after(wait);
        self.send_at(due, message)
    }

    /// Sends a message at this time, or at once if that has passed, unless the timer is cancelled until then. Of two timers of one entity that
    /// are due at the same time, the one that was set first is first.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send).
    pub fn send_at(&mut self, due: Timestamp, message: impl IntoSend) -> TimerId {
        let id = TimerId::new(self.invocation.version, self.effects.timers_set());
        self.set_timer(TimerKey::Numbered(id), due, message);
        id
    }

    /// Cancels a timer of this entity: its message will never be handled. False: it was handled or cancelled, or is no timer of this entity.
    pub fn cancel_timer(&mut self, id: TimerId) -> bool {
        self.cancel(TimerKey::Numbered(id))
    }

    /// The timer of this entity that has this name: an entity has one of each name, so to set it is to set it anew.
    ///
    /// # Panics
    ///
    /// When the name is empty or has more than 64 bytes.
    pub fn timer(&mut self, name: &str) -> NamedTimer<'_, 'a> {
        NamedTimer::new(self, name)
    }

    /// The first moment at which all of this time has passed.
    pub(crate) fn after(&self, wait: Duration) -> Timestamp {
        // A part of a millisecond is waited for as a whole one: a timer is never early.
        self.now().after(wait.saturating_add(Duration::from_nanos(999_999)))
    }

    pub(crate) fn set_timer(&mut self, key: TimerKey, due: Timestamp, message: impl IntoSend) {
        let sent = self.sent(message);
        self.effects.set_timer(self.invocation, key, due, sent);
    }

    pub(crate) fn cancel(&mut self, key: TimerKey) -> bool {
        self.effects.cancel_timer(self.invocation, key)
    }

    fn sent(&self, message: impl IntoSend) -> Sent {
        let SendableMessage { sent, told } = message.into_send();
        let sent = sent.unwrap_or_else(|error| panic!("a message was sent to no entity: {error}"));
        let is_own = told.is_none_or(|kind| kind == self.invocation.to.kind());
        assert!(is_own, "or_tell names a handler of another kind of entity");
        sent
    }

    /// Asks another entity: what its handler answers, refuses or fails with comes back once, as a message to this entity's own handler;
    /// or that no answer has come in time.
    ///
    /// ```text
    /// tx.ask(Stock::at("tea").take(3)).within(Duration::from_secs(10)).then(Self::ON_TAKEN);
    /// ```
    ///
    /// The message is enqueued with this transaction, as by [`send`](Self::send), once `then` says who takes the answer. It can be
    /// to a handler that refuses, or that only reads.
    ///
    /// # Panics
    ///
    /// When the message's key cannot be a key: a bug of the author, handled like every panic of a handler.
    pub fn ask<M: IntoAsk>(&mut self, message: M) -> Ask<'_, M::Reply> {
        let sent = message.into_ask().sent;
        let sent = sent.unwrap_or_else(|error| panic!("a message was asked of no entity: {error}"));
        Ask::new(self.invocation.to, self.effects, sent)
    }

    /// Proposes an agreement: every partner that it asks runs a tentative operation, and all of them are confirmed or cancelled by one decision
    /// of the platform. The outcome comes once, as a message to this entity's own handler; until then this entity cannot be deleted.
    ///
    /// ```text
    /// tx.propose(Agreement::within(Duration::from_secs(900)).ask(Stock::at("tea").reserve(hold)).then(Self::DECIDED));
    /// ```
    ///
    /// The tries are enqueued with this transaction, in the order asked, as by [`send`](Self::send).
    ///
    /// # Panics
    ///
    /// When the key of a try cannot be a key, more have to accept than are asked, `then` or `on_lapsed` name a handler of another kind, or an
    /// agreement is under a try where none runs, or the second one: bugs of the author, handled like every panic of a handler.
    pub fn propose<R, T: OutcomeTaken, P, L: LapsesHeard>(&mut self, proposal: Proposal<R, T, P, L>) -> AgreementId {
        propose::propose(self.invocation, self.effects, proposal)
    }

    /// Token for the answer to this call, which the handler returns as its `Later<R>`: a later transaction of this entity answers.
    ///
    /// # Panics
    ///
    /// At the end of a handler that does not return it: a bug of the author, handled like every panic of a handler.
    pub fn later<R>(&mut self) -> Later<R> {
        self.effects.take_later();
        Later::new(self.invocation.to, self.invocation.version)
    }

    /// Answers an earlier call. False: nobody waits for it, because it was answered before, or no answer had come in time, or
    /// nobody waited in the first place; then nothing is changed.
    ///
    /// # Panics
    ///
    /// When another entity was called: a bug of the author, handled like every panic of a handler.
    pub fn answer<R: Serialize>(&mut self, later: Later<R>, reply: R) -> bool {
        self.give(&later, Ok(encode(&reply)))
    }

    /// Answers an earlier call with a refusal. False, as for [`answer`](Self::answer). What the call has changed stays changed.
    ///
    /// # Panics
    ///
    /// As [`answer`](Self::answer).
    pub fn refuse<R>(&mut self, later: Later<R>, why: Refusal) -> bool {
        self.give(&later, Err(why))
    }

    fn give<R>(&mut self, later: &Later<R>, answer: Result<Vec<u8>, Refusal>) -> bool {
        let is_own = later.is_of(self.invocation.to);
        assert!(is_own, "a call is answered by the entity that was called, and not by another one");
        self.effects.give_answer(self.invocation, GivenAnswer { number: later.number(), answer })
    }

    /// Gives the token that the handler has returned. Written by `#[handlers]`; an author returns it instead.
    ///
    /// # Panics
    ///
    /// When it is the token for another call: a bug of the author, handled like every panic of a handler.
    pub fn answer_later<R>(&mut self, later: &Later<R>) {
        let Invocation { to, version, .. } = self.invocation;
        assert!(
            later.is_of(to) && later.number() == *version,
            "a handler returns the token for its own call, from `tx.later()`, and not that for another one"
        );
        self.effects.return_later(self.invocation, later.wait());
    }

    /// Deletes this entity when the transaction commits: its state and its timers go, messages on their way stay.
    pub fn delete(&mut self) {
        self.effects.delete(self.invocation);
    }

    /// Gives the handler's reply. Written by `#[handlers]`; an author returns a value instead.
    pub fn reply<R: Serialize + ?Sized>(&mut self, reply: &R) {
        if self.invocation.wants_reply {
            self.effects.set_reply(reply);
            if let Some(asker) = self.invocation.sender {
                self.effects.note_answer(self.invocation.to, asker);
            }
        }
    }
}

/// Timer of an entity that is known by a name, from [`Tx::timer`](crate::Tx::timer).
#[must_use = "a timer that is neither set nor cancelled stays as it is"]
pub struct NamedTimer<'t, 'a> {
    tx: &'t mut Tx<'a>,
    key: TimerKey,
}

impl<'t, 'a> NamedTimer<'t, 'a> {
    /// # Panics
    ///
    /// When the name is empty or too long.
    pub(crate) fn new(tx: &'t mut Tx<'a>, name: &str) -> Self {
        assert!(
            (1..=TIMER_NAME_BYTES_MAX).contains(&name.len()),
            "a timer's name has {} bytes, and not 1 to {TIMER_NAME_BYTES_MAX}",
            name.len()
        );
        Self { tx, key: TimerKey::Named(name.into()) }
    }

    /// Sends a message after this time. If the timer was set before, it is for this message and this time alone from now on.
    ///
    /// # Panics
    ///
    /// As [`Tx::send`].
    pub fn send_after(self, wait: Duration, message: impl IntoSend) {
        let due = self.tx.after(wait);
        self.send_at(due, message);
    }

    /// Sends a message at this time, or at once if that has passed. If the timer was set before, it is for this message and this time
    /// alone from now on.
    ///
    /// # Panics
    ///
    /// As [`Tx::send`].
    pub fn send_at(self, due: Timestamp, message: impl IntoSend) {
        self.tx.set_timer(self.key, due, message);
    }

    /// Cancels the timer. False: it is not set, or its message was sent.
    pub fn cancel(self) -> bool {
        self.tx.cancel(self.key)
    }
}
