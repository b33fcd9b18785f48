//! Messages as values, with types that know who may send them, and how.
//!
//! `Stock::at("tea").receive(5)` is a [`Call`]. Its type parameters say which entity it is for (`E`), what it is answered
//! with (`R`), whether it is [`NotRefusable`], [`Refusable`] or only [`ReadOnly`] (`S`), and whether clients may
//! send it ([`Open`]) or only entities ([`InternalOnly`]). A wrong use does not compile.

use std::marker::PhantomData;

use serde::Serialize;

use crate::{Address, Entity, EntityKey, HandlerId, KeyError, KindId, OnRefused, Refused, Sent, SentAs, encode};

/// A message that cannot be refused.
#[derive(Clone, Copy, Debug)]
pub struct NotRefusable;

/// A message that can be refused.
#[derive(Clone, Copy, Debug)]
pub struct Refusable;

/// A message that reads and changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct ReadOnly;

/// Messages that change their entity: [`NotRefusable`] and [`Refusable`] ones. A function that takes them bounds `S` so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not change an entity",
    note = "a handler that takes `&self` is asked with `read`"
)]
pub trait Writes {}

impl Writes for NotRefusable {}
impl Writes for Refusable {}

/// May be sent from outside.
#[derive(Clone, Copy, Debug)]
pub struct Open;

/// May be sent by entities only.
#[derive(Clone, Copy, Debug)]
pub struct InternalOnly;

/// Messages that clients may send: [`Open`] ones, and no others.
#[diagnostic::on_unimplemented(
    message = "clients may not send this message",
    label = "a message between entities",
    note = "write `#[open]` above its handler to let clients send it"
)]
pub trait FromOutside {}

impl FromOutside for Open {}

/// A message to one entity, not sent yet.
#[must_use = "a message does nothing until it is sent"]
pub struct Call<E, R, S = NotRefusable, A = Open> {
    /// The entity that it is for, or why there can be none.
    pub to: Result<Address, KeyError>,
    /// The handler that will run.
    pub handler: HandlerId,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
    types: PhantomData<fn(E, S, A) -> R>,
}

impl<E: Entity, R, S, A> Call<E, R, S, A> {
    /// A message for the handler called `handler`, with `arguments` that encode as a map of names to values.
    pub fn new<T: Serialize + ?Sized>(key: Result<EntityKey, KeyError>, handler: &'static str, arguments: &T) -> Self {
        Self {
            to: key.map(|key| Address::new(KindId::of(E::NAME), key)),
            handler: HandlerId::of(handler),
            body: encode(arguments),
            types: PhantomData,
        }
    }

    pub(crate) fn sent(self, on_refused: OnRefused) -> SendableMessage {
        let Self { to, handler, body, types: _ } = self;
        SendableMessage {
            sent: to.map(|to| Sent { to, handler, on_refused, body, sent_as: SentAs::Plain }),
            told: None,
        }
    }
}

impl<E: Entity, R, A> Call<E, R, Refusable, A> {
    /// Sends the message, and ignores a refusal, except that it is counted.
    pub fn or_ignore(self) -> SendableMessage {
        self.sent(OnRefused::Ignore)
    }

    /// Sends the message, and has a refusal told to the sender's own handler `then`.
    pub fn or_tell<M: Entity>(self, then: Handler<M, Refused>) -> SendableMessage {
        SendableMessage { told: Some(KindId::of(M::NAME)), ..self.sent(OnRefused::Tell { handler: then.id() }) }
    }
}

/// A message that an entity may send.
#[must_use = "a message does nothing until it is sent"]
pub struct SendableMessage {
    pub(crate) sent: Result<Sent, KeyError>,
    /// The kind whose handler is told of a refusal, if one is.
    pub(crate) told: Option<KindId>,
}

/// Arguments of `tx.send`: a message that cannot be refused, or one that says what happens on a refusal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent as it is",
    label = "not a message that an entity can send",
    note = "a message that can be refused is sent with `.or_ignore()` or `.or_tell(Self::ON_REFUSED)`",
    note = "a handler that takes `&self` only reads: `tx.ask(…).within(…).then(Self::ON_ANSWER)` gets its answer",
    note = "a try of a `#[tentative]` handler is taken by an agreement: `tx.propose(Agreement::within(…).ask(…).then(Self::DECIDED))`"
)]
pub trait IntoSend {
    /// The message to enqueue.
    fn into_send(self) -> SendableMessage;
}

impl<E: Entity, R, A> IntoSend for Call<E, R, NotRefusable, A> {
    fn into_send(self) -> SendableMessage {
        self.sent(OnRefused::Never)
    }
}

impl IntoSend for SendableMessage {
    fn into_send(self) -> SendableMessage {
        self
    }
}

/// The name of an `#[on]` handler of the entity `E` that takes a `T`.
pub struct Handler<E, T> {
    name: &'static str,
    types: PhantomData<fn(E, T)>,
}

impl<E, T> Handler<E, T> {
    /// The handler called `name`.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    /// The handler's id.
    #[must_use]
    pub const fn id(&self) -> HandlerId {
        HandlerId::of(self.name)
    }
}

impl<E, T> Clone for Handler<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Handler<E, T> {}
