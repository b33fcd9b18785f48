//! What the author of an entity writes, or `#[entity]` and `#[handlers]` write for them.

use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{BodyError, HandlerId, Json, Refusal, Tx, schema};

/// Data with one key that changes atomically, disjoint from all other data.
///
/// Invariant E3: a transaction touches one entity.
/// Paper: *Entities*.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an entity",
    label = "not an entity",
    note = "write `#[entity(name = \"…\")]` above the struct"
)]
pub trait Entity: Serialize + DeserializeOwned + Default + Send + 'static {
    /// The name of the kind. Its hash reaches disks: it outlives renames of the type.
    const NAME: &'static str;

    /// The version of the state's shape. Raise it when [`migrate`](Self::migrate) has work to do.
    const VERSION: u32 = 0;

    /// Its documentation, as its author wrote it.
    const DOC: &'static str = "";

    /// Describes the state, as JSON Schema: open, unless more is known.
    fn state_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::open(generator)
    }

    /// Reads a state that was written when [`VERSION`](Self::VERSION) was `from`.
    ///
    /// # Errors
    ///
    /// When there is no way from there: the message that needed the state is parked, nothing is changed.
    fn migrate(from: u32, bytes: &[u8]) -> Result<Self, StateError> {
        let _ = bytes;
        Err(StateError(format!(
            "{} is at version {}, its state was written at version {from}, and it has no `migrate`",
            Self::NAME,
            Self::VERSION
        )))
    }
}

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

/// A state that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateError(pub String);

impl From<BodyError> for StateError {
    fn from(BodyError(error): BodyError) -> Self {
        Self(format!("the state does not decode: {error}"))
    }
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
