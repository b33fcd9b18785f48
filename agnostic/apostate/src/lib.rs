//! The crate that authors of entities import.
//!
//! An entity is a plain struct with a key and methods. Each call is one atomic transaction on one entity, and may send
//! messages to other entities by key. The platform commits state and messages together, and applies every message
//! once, in order per pair, whatever crashes and wherever the entities live.
//!
//! ```
//! use apostate::prelude::*;
//!
//! #[entity(name = "stock")]
//! #[derive(Default, Serialize, Deserialize)]
//! pub struct Stock { on_hand: u32 }
//!
//! #[handlers]
//! impl Stock {
//!     #[open]
//!     pub fn receive(&mut self, units: u32) -> u32 {
//!         self.on_hand += units;
//!         self.on_hand
//!     }
//! }
//! ```
//!
//! This crate is scale-agnostic: nothing in it knows how many machines there are, or where an entity lives, and an
//! application's entities need nothing but this crate. It is not a server: the program that runs the
//! entities adds one.
//!
//! Reading order: the tour below; [`entity`](macro@entity) and [`handlers`](macro@handlers) in detail; then [`Tx`],
//! the only way out of a handler, and [`Call`], a message. All of it is of `apostate-core`, with examples here.
//!
//! Paper: *Entities*, *Messaging across entities*.
#![doc = include_str!("../docs/tour.md")]

mod entity;
mod handler;
mod key;
mod message;

mod activities;
pub mod agreement;
mod ask;
mod later;
pub mod prelude;

#[doc(hidden)]
pub mod macros_support;

pub use crate::activities::{Activities, Activity, ToPartner};
pub use crate::agreement::{Agreement, AgreementId, Lapsed, Offer, Outcome, Partner, Try};
pub use crate::ask::{Answer, Ask, AskWithin, IntoAsk, Reason, TakesAnswer};
pub use crate::entity::{BodyError, Entities, Entity, StartError, StateError, data, decode, entity, schemars, serde};
pub use crate::handler::{Handler, NamedTimer, Refusal, Refused, TimerId, Tx, handlers, refuse};
pub use crate::key::{Address, EntityKey, Id, KeyError, Timestamp, ToKey};
pub use crate::later::Later;
pub use crate::message::{
    Call, FromOutside, InternalOnly, IntoSend, NotRefusable, Open, ReadOnly, Refusable, SendableMessage,
};
