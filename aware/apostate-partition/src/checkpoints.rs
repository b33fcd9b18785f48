//! Checkpoints: what changed since the last one, when the next is due, and who waits for it.
//!
//! Reading order: `dirty.rs` collects changes and makes checkpoints of them; `counters.rs` is the one row that each of them has.
//!
//! Invariant P6: the store never holds what the log could still lose; what is not in the store is in memory and in the log.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; planted `checkpoint-early`, `checkpoint-forgets`, `trim-early`.

mod counters;
mod dirty;
mod requests;

pub(crate) use self::counters::Counters;
pub(crate) use self::requests::Checkpoints;
