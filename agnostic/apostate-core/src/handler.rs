//! The table of an entity's handlers, as `#[handlers]` writes it.

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

/// One handler: what is known of it, and the function to run.
pub struct HandlerDef<E> {
    /// What is known of it.
    pub info: HandlerInfo,
    /// What runs.
    pub run: Run<E>,
}

/// What is known of a handler.
#[derive(Clone, Copy, Debug)]
pub struct HandlerInfo {
    /// Its name; the hash of it reaches disks.
    pub name: &'static str,
    /// Whether it may change the entity.
    pub mode: Mode,
    /// Whether it may refuse.
    pub refusable: bool,
    /// Who may send it.
    pub access: Access,
    /// Its documentation, as its author wrote it.
    pub doc: &'static str,
    /// How its arguments look outside.
    pub arguments: Json,
    /// How its reply looks outside.
    pub reply: Json,
}

impl HandlerInfo {
    /// Its id.
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

/// Who may send a message to a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// `#[open]`: the world outside, and entities.
    Open,
    /// `pub`: entities.
    Entities,
    /// `#[on]`: only what the entity itself set in motion.
    Own,
}

/// The function of a handler.
pub enum Run<E> {
    /// For [`Mode::Changes`].
    Change(fn(&mut E, &mut Tx<'_>, &[u8]) -> Ran),
    /// For [`Mode::Reads`].
    Read(fn(&E, &mut Tx<'_>, &[u8]) -> Ran),
}

/// How the function of a handler ended. Its reply, if one is wanted, was given to [`Tx::reply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    /// It did what it was asked.
    Done,
    /// It said no.
    Refused(Refusal),
    /// It was not run: the body is not one of its own.
    Unreadable(BodyError),
}
