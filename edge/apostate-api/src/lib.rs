//! What a node and its callers say to each other over HTTP: wire types, error codes, and a page for each code.
//!
//! Both sides build on these types, so that neither guesses. What is an entity's own (arguments, replies, states) stands
//! in them as a type parameter: it has the shape that its author gave it, and `/openapi.json` of a node describes it. Where the
//! type is not known it stays text, [`JsonText`].
//!
//! Reading order: [`ErrorCode`] and [`Problem`], what is said when something is not done; [`EntityState`] and [`Page`], what
//! is read, and [`PartnerItem`], what an entity has to do with another one; [`BulkMessage`] and [`BulkResult`], the lines of `/messages`; [`PartitionItem`], [`ParkedItem`] and [`AgreementItem`], what
//! operators see;
//! the module `client`, with the feature of that name, which asks a node in the types of the application.

mod agreements;
mod bulk;
#[cfg(feature = "client")]
pub mod client;
mod entities;
mod error_code;
mod json_text;
mod operators;
mod partners;
pub mod paths;
mod problem;
mod wire_schema;

pub use crate::agreements::{
    AgreementEnding, AgreementFilter, AgreementItem, AgreementLeg, AgreementState, SettleOrder, SettlementItem,
};
pub use crate::bulk::{BulkEnding, BulkMessage, BulkResult, EntityName, NDJSON_TYPE, NUMBER_MAX, ProducerSummary};
pub use crate::entities::{EntityItem, EntityState, Page};
pub use crate::error_code::{ErrorCode, UnknownCode};
pub use crate::json_text::JsonText;
pub use crate::operators::{Health, NodeStatus, ParkedItem, PartitionItem};
pub use crate::partners::{AskItem, LegItem, OperationItem, OwedItem, PartnerItem, TimerItem};
pub use crate::problem::{PROBLEM_TYPE, Problem, RefusalBody};
