//! Entities, with examples: what `#[entity]` writes, and what an older state needs.
//!
//! What these are is decided in `apostate-core`; an example here says how an author meets them.
//!
//! Paper: *Entities*.

#[doc = include_str!("../docs/entity.md")]
pub use apostate_macros::entity;

/// The trait that `#[entity]` implements; an author can do so as well.
///
/// ```
/// use apostate::prelude::*;
///
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Country {
///     lines: u64,
/// }
///
/// impl Entity for Country {
///     const NAME: &'static str = "country";
/// }
/// ```
pub use apostate_core::Entity;

/// The kinds that a program runs are named by a tuple of their types.
///
/// ```
/// use apostate::Entities;
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock {}
/// # #[handlers]
/// # impl Stock {}
/// # #[entity(name = "order")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Order {}
/// # #[handlers]
/// # impl Order {}
///
/// type Store = (Stock, Order);
/// assert!(Store::registry().is_ok());
/// ```
pub use apostate_core::Entities;

/// A program whose kinds or handlers cannot be told apart does not start.
///
/// ```
/// use apostate::{Entities, StartError};
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock {}
/// # #[handlers]
/// # impl Stock {}
///
/// let twice = <(Stock, Stock)>::registry().err();
/// assert_eq!(twice, Some(StartError::KindsCollide { first: "stock", second: "stock" }));
/// ```
pub use apostate_core::StartError;

/// The error of `migrate`: it cannot read an older state.
///
/// ```
/// use apostate::StateError;
///
/// fn older(from: u32, _bytes: &[u8]) -> Result<u32, StateError> {
///     Err(StateError(format!("no way from version {from}")))
/// }
/// assert_eq!(older(3, b"").unwrap_err().to_string(), "no way from version 3");
/// ```
pub use apostate_core::StateError;

/// Reads an older shape of a state in `migrate`.
///
/// ```
/// use apostate::prelude::*;
///
/// #[data]
/// struct Version0 {
///     count: u32,
/// }
///
/// let Version0 { count } = apostate::decode(b"\x81\xa5count\x07")?;
/// assert_eq!(count, 7);
/// # Ok::<(), apostate::BodyError>(())
/// ```
pub use apostate_core::decode;

/// Why bytes are not what they were taken for.
///
/// ```
/// # use apostate::prelude::*;
/// #[data]
/// #[derive(Debug)]
/// struct Version0 {
///     count: u32,
/// }
///
/// let error = apostate::decode::<Version0>(b"\x80").unwrap_err();
/// assert_eq!(error.to_string(), "missing field `count`");
/// ```
pub use apostate_core::BodyError;

#[doc = include_str!("../docs/data.md")]
pub use apostate_macros::data;

/// Serde, for crates that do not depend on it themselves.
///
/// ```
/// # use apostate::prelude::*;
/// use apostate::serde::{Deserialize, Deserializer};
///
/// /// Amounts used to be texts.
/// fn read_amount<'de, D: Deserializer<'de>>(bytes: D) -> Result<u64, D::Error> {
///     String::deserialize(bytes)?.parse().map_err(apostate::serde::de::Error::custom)
/// }
///
/// #[data]
/// struct Payment {
///     #[serde(deserialize_with = "read_amount")]
///     amount: u64,
/// }
/// ```
pub use serde;

/// Schemars, for types that describe themselves without `#[data]`. An id that clients read as a text:
///
/// ```
/// # use apostate::prelude::*;
/// use std::borrow::Cow;
/// use apostate::schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
///
/// #[derive(Serialize, Deserialize)]
/// #[serde(transparent)]
/// struct Sku(String);
///
/// impl JsonSchema for Sku {
///     fn schema_name() -> Cow<'static, str> {
///         "Sku".into()
///     }
///
///     fn json_schema(_: &mut SchemaGenerator) -> Schema {
///         json_schema!({ "type": "string", "pattern": "^[0-9]+-[0-9]+$" })
///     }
/// }
/// ```
pub use apostate_core::schemars;
