//! Many entities, one writer, one log.
//!
//! A partition is one of the paper's *disjoint scopes of serializability*: a range of the ring whose entities are
//! changed by one writer, through one log. It is a value with one verb, [`Partition::step`]: it takes an input and says
//! what its host must now do. It has no clock, no randomness, no file, no thread and no socket of its own, which makes it
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
//! Reading order, as the modules stand below: [`Input`] and [`Effect`] are its contact with the host; `partition.rs` is its shape and its
//! `step`. It has parts, each with fields of its own that no other writes: `entities` in memory, the `run` of handlers, the open `batch`,
//! sources of `work`, `timers`, the `log` with what is held back, `delivery` to and from other partitions, `checkpoints`. A rule that is about two
//! parts is a function that borrows both.
//!
//! What is deliberately absent: handlers never run during replay; no message is ever looked up by its identity; no entity
//! is ever locked.

mod bodies;
mod cut;
mod format;
mod interface;
pub mod limits;
mod message;
mod pacing;
mod range;
mod ready_queue;
mod role;
mod scope;
mod segments;
mod shares;
mod timer_queue;
mod trace;

mod partition;

mod entities;
mod producers;
mod run;
mod timers;
mod work;

mod batch;
mod log;

pub mod delivery;
pub mod rectangles;

mod cells;
mod checkpoints;
mod storage;

pub mod planted;

pub use crate::cells::agreement;
pub use crate::cells::ask::OpenAsk;
pub use crate::cells::cell::{self, host_row};
pub use crate::cells::checkpoint::Checkpoint;
pub use crate::cells::in_memory::CellsInMemory;
pub use crate::cells::lineage;
pub use crate::cells::operation;
pub use crate::cells::record_body;
pub use crate::cells::settlement;
pub use crate::format::{DecodeError, Format, NewerFormat};
pub use crate::interface::{
    AfterPanic, Ancestors, Answer, Config, Counts, CrashSuspect, Damage, Effect, Failure, Input, Invariant, Load,
    Loaded, Notice, OpenError, Outage, ParkedCommand, ParkedEnding, Quota, Request, RequestKind, RunEnd, RunObserver,
    Settle, SettleVerdict, Span, SpanEnd, SplitIntent, SplitRefusal, Status, StopReason, Stored,
};
pub use crate::limits::Tuning;
pub use crate::message::{Identity, Message, Role};
pub use crate::pacing::{HostTime, TimeOffset, Uptime};
pub use crate::partition::Partition;
pub use crate::range::{Map, Range};
pub use crate::storage::{
    AnsweredLeg, Partners, Side, StoredAgreement, StoredAnswer, StoredEntity, StoredLeg, StoredMessage,
    StoredOperation, StoredOwed, StoredPartner, StoredSettlement, StoredTimer, Unfinished, Which, forget_partition,
    list, load, operation_at, parked, parked_message, partners, place_of, stored_position, unfinished, unfinished_at,
};
pub use crate::trace::{SpanId, TraceContext, TraceId};
