//! What the code that `#[entity]` and `#[handlers]` write refers to. No part of the API.

pub use apostate_core::{Access, HandlerDef, HandlerInfo, Handlers, Mode, Ran, Run, decode};

use apostate_core::{EntityKey, KeyError, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A reference type, as `#[entity]` writes it. A trait, so that no name of ours meets that of a handler.
pub trait Reference {
    /// The key that it was made of.
    ///
    /// # Errors
    ///
    /// When that cannot be a key.
    fn into_key(self) -> Result<EntityKey, KeyError>;
}

/// What can be part of a message: an argument, or a reply.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a message",
    label = "does not serialize and deserialize",
    note = "write `#[data]` above the type, or derive serde's `Serialize` and `Deserialize`"
)]
pub trait Data: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Data for T {}

/// Compiles when `T` can be part of a message.
pub const fn check<T: Data>() {}

/// Ends a run with `reply`.
pub fn done<R: Data>(tx: &mut Tx<'_>, reply: &R) -> Ran {
    tx.reply(reply);
    Ran::Done
}
