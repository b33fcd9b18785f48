//! Checkpoints: what changed since the last one, when the next is due, and who waits for it.
//!
//! Reading order: `dirty.rs` collects changes and makes checkpoints of them; `rows.rs` writes down what the partition knows of
//! itself.
//!
//! Invariant P6: the store never holds what the log could still lose; what is not in the store is in memory and in the log.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; planted `checkpoint-early`, `checkpoint-forgets`, `trim-early`.

mod dirty;
mod requests;
mod rows;

pub(crate) use self::requests::Checkpoints;
pub(crate) use self::rows::Counters;
