//! The entity: the trait that `#[entity]` implements, or an author by hand.

use schemars::{Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{AnyActivities, BodyError, Json, schema};

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

    /// The entity's documentation, as its author wrote it.
    const DOC: &'static str = "";

    /// Describes the state, as JSON Schema: open, unless more is known.
    fn state_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::open(generator)
    }

    /// The field with what the entity remembers about its partners, if it has one.
    fn activities(&mut self) -> Option<&mut dyn AnyActivities> {
        None
    }

    /// Form in JSON of what the entity remembers about one partner. None: it has no such field, or nobody outside is to see it.
    fn activity_json() -> Option<Json> {
        None
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

/// A state that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct StateError(pub String);

impl From<BodyError> for StateError {
    fn from(BodyError(error): BodyError) -> Self {
        Self(format!("the state does not decode: {error}"))
    }
}
