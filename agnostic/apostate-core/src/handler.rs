//! The table of an entity's handlers, as `#[handlers]` writes it.

use std::time::Duration;

use crate::{BodyError, Entity, HandlerId, Json, Refusal, Tx};

/// An entity together with the table of its handlers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an entity without handlers",
    label = "no handlers",
    note = "write `#[handlers]` above its `impl` block"
)]
pub trait Handlers: Entity {
    /// Every handler, in the order written.
    const HANDLERS: &'static [HandlerDef<Self>];
}

/// One handler: its description, and the function to run.
pub struct HandlerDef<E> {
    /// The description.
    pub info: HandlerInfo,
    /// The function.
    pub run: HandlerFn<E>,
}

/// The description of a handler, as it stands in the table.
#[derive(Clone, Copy, Debug)]
pub struct HandlerInfo {
    /// The name; its hash reaches disks.
    pub name: &'static str,
    /// Whether it may change the entity.
    pub mode: Mode,
    /// Whether it may refuse.
    pub refusable: bool,
    /// Whether it answers later: its reply is what a later transaction of the entity answers.
    pub answers_later: bool,
    /// The senders that it takes messages from.
    pub access: Access,
    /// The handler's documentation, as its author wrote it.
    pub doc: &'static str,
    /// The arguments' form in JSON.
    pub arguments: Json,
    /// The reply's form in JSON.
    pub reply: Json,
    /// How what the handler does is ended, for a tentative one.
    pub tentative: Option<Tentative>,
}

/// The two endings of what a tentative handler does. They are handlers of the same table with [`Access::Own`] that change and do not refuse;
/// both are run with the arguments of the try, which are its *hold*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tentative {
    /// The name of the handler that makes it last.
    pub confirm: &'static str,
    /// The name of the handler that takes it back.
    pub cancel: &'static str,
    /// Whether confirm takes a value beside the hold: its body is then that of [`confirm_body`](crate::confirm_body).
    pub takes_confirm_value: bool,
    /// The time after which the entity cancels by itself; none if it waits for as long as it takes.
    pub self_expire: Option<Duration>,
}

impl HandlerInfo {
    /// The handler's id: the hash of its name.
    #[must_use]
    pub const fn id(&self) -> HandlerId {
        HandlerId::of(self.name)
    }
}

/// Whether a handler may change its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `&mut self`.
    Changes,
    /// `&self`.
    Reads,
}

/// The senders that may send a message to a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `#[open]`: clients, and entities.
    Open,
    /// `pub`: entities.
    Entities,
    /// `#[tentative]`: agreements.
    Tentative,
    /// `#[on]`: only what the entity itself set in motion.
    Own,
}

/// The function of a handler.
pub enum HandlerFn<E> {
    /// For [`Mode::Changes`].
    Change(fn(&mut E, &mut Tx<'_>, &[u8]) -> HandlerResult),
    /// For [`Mode::Reads`].
    Read(fn(&E, &mut Tx<'_>, &[u8]) -> HandlerResult),
}

/// How the function of a handler ended. Its reply, if one is wanted, was given to [`Tx::reply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandlerResult {
    /// The handler ran to its end.
    Done,
    /// The handler refused.
    Refused(Refusal),
    /// The handler was not run: the body does not decode as its arguments.
    Unreadable(BodyError),
}
