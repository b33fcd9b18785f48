//! Many entities, one writer, one log.
//!
//! A partition is one of the paper's *disjoint scopes of serializability*: a range of the ring whose entities are
//! changed by one writer, through one log. It is a value with one verb, [`Partition::step`]: it takes an input and says
//! what the world must now do. It has no clock, no rng, no file, no thread and no socket of its own, which makes it
//! simple to run a whole cluster on one thread, from one seed.
//!
//! ```text
//!   requests ─┐                                    ┌─▶ answers   ┐
//!   frames  ──┤   ┌───────┐  close  ┌─────────┐    ├─▶ frames    ├ held back until durable
//!   inboxes ──┼──▶│ batch ├────────▶│ records ├────┤             ┘
//!   locals  ──┘   └───┬───┘         │ in      │    └─▶ checkpoint
//!                     │             │ flight  │
//!                  entities         └─────────┘
//! ```
//!
//! Reading order, as the modules stand below: [`Input`] and [`Effect`] are its contact with the world; `partition.rs` is its shape
//! and its `step`; `turn.rs` says what runs next, `run.rs` runs it, `close.rs` makes a record of what came of it; `delivery`
//! speaks with other partitions; `open.rs` reads everything back.
//!
//! What is deliberately absent: handlers never run during replay; no message is ever looked up by its identity; no entity
//! is ever locked.

mod interface;
pub mod limits;
mod message;
mod range;

mod partition;
mod status;
mod turn;

mod accept;
mod inbox;
mod parked;
mod request;
mod run;
mod slots;
mod span;
mod trace;

mod batch;
mod close;
pub mod commit;
mod durable;

mod control;
pub mod delivery;
pub mod rectangles;

pub mod cell;
mod checkpoint;
mod client_keys;
mod load;
mod open;
mod restore;
mod sweep;

mod pacing;
pub mod planted;

pub use crate::cell::host_row;
pub use crate::checkpoint::Checkpoint;
pub use crate::interface::{
    AfterPanic, Answer, Config, CrashSuspect, Damage, Effect, Failure, Input, Invariant, Load, Loaded, Notice, Outage,
    ParkedCommand, Request, RequestKind, RunObserver, StopReason, Stored,
};
pub use crate::limits::Tuning;
pub use crate::load::{StoredEntity, StoredMessage, list, load, parked, parked_message, stored_position};
pub use crate::message::{Identity, Message, NotAMessage};
pub use crate::open::OpenError;
pub use crate::pacing::{HostTime, TimeOffset, Uptime};
pub use crate::partition::Partition;
pub use crate::range::{Map, Range};
pub use crate::span::{Span, SpanEnd};
pub use crate::status::Status;
pub use crate::trace::{SpanId, TraceContext, TraceId};
