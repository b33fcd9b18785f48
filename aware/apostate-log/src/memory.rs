//! The `memory` engine: a log and a store that live as long as the process.
//!
//! For tests and for the simulator. Durable means here: still there after the handle that wrote it was dropped.
//! A crash is therefore played by dropping a handle and going on with another one of the same log. Neither the
//! log nor the store does anything by itself: an append becomes durable when it is polled, and no earlier, so a
//! test decides what was in time.

mod log;
mod store;

pub use self::log::{MemoryFault, MemoryLog};
pub use self::store::MemoryStore;
