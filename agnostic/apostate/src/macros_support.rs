//! Names that the code written by `#[entity]`, `#[handlers]` and `#[data]` refers to. No part of the API.

use std::borrow::Cow;
use std::marker::PhantomData;

pub use apostate_core::{
    Access, AnyActivities, HandlerDef, HandlerFn, HandlerInfo, HandlerResult, Handlers, Json, Mode, Tentative, decode,
    schema,
};

use apostate_core::{Address, Entity, EntityKey, KeyError, KindId, Later, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::schemars::{JsonSchema, Schema, SchemaGenerator};

/// A reference type, as `#[entity]` writes it. A trait, so that no name of ours meets that of a handler.
pub trait Reference {
    /// The key that it was made of.
    ///
    /// # Errors
    ///
    /// When that cannot be a key.
    fn into_key(self) -> Result<EntityKey, KeyError>;
}

/// The entity that a reference names, as a partner.
///
/// # Panics
///
/// When its key cannot be a key: a bug of the author, as when a message is sent there.
#[must_use]
pub fn partner<E: Entity>(key: &Result<EntityKey, KeyError>) -> Address {
    match key {
        Ok(key) => Address::new(KindId::of(E::NAME), key.clone()),
        Err(error) => panic!("no entity is the partner: {error}"),
    }
}

/// Types that can be part of a message: an argument, or a reply.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a message",
    label = "does not serialize and deserialize",
    note = "write `#[data]` above the type, or derive serde's `Serialize` and `Deserialize`"
)]
pub trait Data: Serialize + DeserializeOwned {}

impl<T: Serialize + DeserializeOwned> Data for T {}

/// Compiles when `T` can be part of a message.
pub const fn check<T: Data>() {}

/// Types that can be a field of a `#[data]` type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not describe itself",
    label = "has no JSON Schema for clients",
    note = "write `#[data]` above the type; or, if it is not yours, name one of the same form above the field: \
            `#[schemars(with = \"String\")]`"
)]
pub trait Describes {}

impl<T: JsonSchema> Describes for T {}

/// Compiles when `T` can be a field of a `#[data]` type.
pub const fn check_described<T: Describes>() {}

/// Types that an ending takes where its try takes a `T`: that type, and no other.
#[diagnostic::on_unimplemented(
    message = "an ending takes what its try takes, and that is `{T}` here",
    label = "not a `{T}`",
    note = "what a tentative handler takes is kept as its hold; confirm and cancel take the same, in the same order"
)]
pub trait TakesHeld<T> {
    /// The same value.
    fn take(held: T) -> Self;
}

impl<T> TakesHeld<T> for T {
    fn take(held: T) -> T {
        held
    }
}

/// An argument of a try, as its ending takes it.
pub fn held<S: TakesHeld<T>, T>(argument: T) -> S {
    S::take(argument)
}

/// Ends a run with `reply`.
pub fn done<R: Data>(tx: &mut Tx<'_>, reply: &R) -> HandlerResult {
    tx.reply(reply);
    HandlerResult::Done
}

/// Ends a run whose call is answered later.
pub fn answered_later<R: Data>(tx: &mut Tx<'_>, later: &Later<R>) -> HandlerResult {
    tx.answer_later(later);
    HandlerResult::Done
}

/// A reply's form in JSON.
pub const fn reply<R: Data>() -> Json {
    Json::open::<R>()
}

/// Stands for `T` where it is asked whether `T` describes itself. A method of `Probe<T>` comes before one of `&Probe<T>`,
/// and is there for some `T` only.
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<T> Probe<T> {
    /// The only one.
    pub const NEW: Self = Self(PhantomData);
}

/// A `T` that describes itself.
pub trait Described {
    /// The type's description.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

impl<T: JsonSchema> Described for Probe<T> {
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        schema::of::<T>(generator)
    }
}

/// A `T` that does not.
pub trait Undescribed {
    /// An open description.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;
}

impl<T> Undescribed for &Probe<T> {
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        schema::open(generator)
    }
}

/// A `T` that can be asked whether it may be missing.
pub trait Asked {
    /// Whether a field of this type has to be there.
    fn is_required(&self) -> bool;
}

impl<T: DeserializeOwned> Asked for Probe<T> {
    fn is_required(&self) -> bool {
        schema::is_required::<T>()
    }
}

/// A `T` that cannot.
pub trait Unasked {
    /// Always.
    fn is_required(&self) -> bool;
}

impl<T> Unasked for &Probe<T> {
    fn is_required(&self) -> bool {
        true
    }
}

/// The answer to whether a `T` can be a field of a state. One of its own for each `T`: what is at fault is the field, and not
/// what serde finds at the bottom of it.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be part of a state",
    label = "does not serialize and deserialize",
    note = "write `#[data]` above the type, or derive serde's `Serialize` and `Deserialize`; or, if it is not yours, name \
            functions that write and read it above the field: `#[serde(with = \"module\")]`"
)]
pub trait Stored<T> {}

/// A `T` can be.
pub struct Can;

/// A `T` cannot be.
pub struct Cannot;

impl<T> Stored<T> for Can {}

/// A `T` that serde writes and reads.
pub trait Storable {
    /// Says so.
    fn stored(&self) -> Can;
}

impl<T: Serialize + DeserializeOwned> Storable for Probe<T> {
    fn stored(&self) -> Can {
        Can
    }
}

/// A `T` that it does not.
pub trait Unstorable {
    /// Says so.
    fn stored(&self) -> Cannot;
}

impl<T> Unstorable for &Probe<T> {
    fn stored(&self) -> Cannot {
        Cannot
    }
}

/// Compiles when `T` can be a field of a state.
pub fn check_stored<T, A: Stored<T>>(_: &Probe<T>, _: A) {}

/// Describes a field that a function of the author's own writes: it may be anything.
pub struct Open;

impl JsonSchema for Open {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Open".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schema::open(generator)
    }
}
