//! The imports of a file with entities.
//!
//! ```
//! use apostate::prelude::*;
//!
//! #[entity(name = "customer")]
//! #[derive(Default, Serialize, Deserialize)]
//! pub struct Customer {
//!     orders: u32,
//! }
//!
//! #[handlers]
//! impl Customer {
//!     pub fn ordered(&mut self) {
//!         self.orders += 1;
//!     }
//! }
//! ```

pub use crate::{
    Activities, Agreement, AgreementId, Answer, Entities, Entity, EntityKey, Handler, Id, KeyError, Lapsed, Later,
    Offer, Outcome, Refusal, Refused, StateError, TimerId, Timestamp, ToKey, Tx, data, entity, handlers, refuse,
};
pub use serde::{Deserialize, Serialize};
