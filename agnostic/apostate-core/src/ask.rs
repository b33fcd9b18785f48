//! Asking: a message whose answer comes back to the asker's own handler, or the news that none has come in time.
//!
//! ```text
//!   tx.ask(Stock::at("tea").take(3)).within(Duration::from_secs(10)).then(Self::ON_TAKEN);
//! ```
//!
//! The types see to it that the handler takes the answer to what is asked.

use std::marker::PhantomData;
use std::time::Duration;

use crate::{
    Address, Answer, Asked, Call, Effects, Entity, Handler, HandlerId, KindId, OnRefused, SendableMessage, Sent, SentAs,
};

/// A message that is about to be asked, by [`Tx::ask`](crate::Tx::ask).
#[must_use = "nothing is asked before `.within(…)` and `.then(…)` say how long, and who takes the answer"]
pub struct Ask<'t, R> {
    asker: &'t Address,
    effects: &'t mut Effects,
    sent: Sent,
    reply: PhantomData<fn() -> R>,
}

impl<'t, R> Ask<'t, R> {
    pub(crate) fn new(asker: &'t Address, effects: &'t mut Effects, sent: Sent) -> Self {
        Self { asker, effects, sent, reply: PhantomData }
    }

    /// Says how long to wait for the answer.
    pub fn within(self, within: Duration) -> AskWithin<'t, R> {
        AskWithin { ask: self, within }
    }
}

/// A message that is about to be asked, and how long to wait for its answer.
#[must_use = "nothing is asked before `.then(…)` says who takes the answer"]
pub struct AskWithin<'t, R> {
    ask: Ask<'t, R>,
    within: Duration,
}

impl<R> AskWithin<'_, R> {
    /// Enqueues the message with the transaction. The entity's own handler `then` takes the answer, in a transaction of its own.
    ///
    /// # Panics
    ///
    /// When `then` is a handler of another kind: a bug of the author, handled like every panic of a handler.
    pub fn then(self, then: impl TakesAnswer<R>) {
        let Self { ask: Ask { asker, effects, sent, reply: _ }, within } = self;
        let (kind, then) = then.names();
        assert!(kind == asker.kind(), "`then` names a handler of another kind of entity");
        effects.send(asker, Sent { sent_as: SentAs::Asked(Asked { then, within }), ..sent });
    }
}

/// Arguments of [`Tx::ask`](crate::Tx::ask): messages that are answered, which says by itself what becomes of a refusal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be asked",
    label = "not a message that is answered",
    note = "ask the message as it is, without `.or_ignore()` or `.or_tell(…)`: a refusal is one of its answers",
    note = "a try of a `#[tentative]` handler is taken by an agreement: `tx.propose(Agreement::within(…).ask(…).then(Self::DECIDED))`"
)]
pub trait IntoAsk {
    /// The type of the reply.
    type Reply;

    /// The message to enqueue.
    fn into_ask(self) -> SendableMessage;
}

impl<E: Entity, R, S, A> IntoAsk for Call<E, R, S, A> {
    type Reply = R;

    fn into_ask(self) -> SendableMessage {
        self.sent(OnRefused::Never)
    }
}

/// Handlers that take the answer to a message whose reply is an `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the answer to what is asked",
    label = "not a handler for an answer of `{R}`",
    note = "the reply to what is asked is `{R}`: write `#[on] fn on_answer(&mut self, answer: Answer<{R}>)`, and name `Self::ON_ANSWER`"
)]
pub trait TakesAnswer<R> {
    /// The handler's kind, and the handler.
    fn names(self) -> (KindId, HandlerId);
}

impl<E: Entity, R> TakesAnswer<R> for Handler<E, Answer<R>> {
    fn names(self) -> (KindId, HandlerId) {
        (KindId::of(E::NAME), self.id())
    }
}
