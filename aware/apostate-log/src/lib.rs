//! The log of a partition, and the store that shortens it.
//!
//! A partition is one of the paper's *disjoint scopes of serializability*: one writer, one log. This crate says
//! what a log must do ([`Log`]), proves it of an engine (`conformance`), and brings engines along. It knows
//! records and cells as bytes; what they mean is the business of `apostate-partition`.
//!
//! ```text
//!   position   1    2    3    4    5    6    7
//!            ┌────┬────┬────┬────┬────┬────┬╌╌╌╌┐
//!            │ e1 │    │    │ e2 │    │    │ ?  ╎     e1, e2: opening records of epochs 1 and 2
//!            └────┴────┴────┴────┴────┴────┴╌╌╌╌┘     ?: asked for, not yet answered
//!   trimmed ──────▶ first                last
//! ```

mod engine;
mod log;
mod record;
mod store;

pub mod conformance;

mod memory;

mod failpoint;
pub mod files;
mod lsm_store;
mod sync;

pub use crate::engine::{Engine, Stopped, Wake};
pub use crate::failpoint::{FAILPOINTS, failpoint};
pub use crate::files::{Expected, Faults, FilesEngine, FilesLog, FilesSettings, OpenError, SEGMENT_BYTES};
pub use crate::log::{AppendResult, Confirmation, Log, LogError};
pub use crate::lsm_store::{LsmStore, StoreExpect, StoreFigures, StoreOpenError};
pub use crate::memory::{MemoryFault, MemoryLog, MemoryStore};
pub use crate::record::{Epoch, PartitionId, Position, RECORD_HEADER_BYTES, Record, RecordError, RecordHeader};
pub use crate::store::{CellChange, Store, StoreError, StoredCell, hex};
