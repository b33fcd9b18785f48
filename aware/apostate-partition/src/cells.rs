//! Cells: everything that a partition keeps, as keys and values.
//!
//! Reading order: `cell.rs` knows the key of every one, `fresh.rs` which keys are used once; `state.rs`, `ask.rs`, `agreement.rs`, `operation.rs`, `settlement.rs`, `owed.rs` and
//! `parked.rs` are values; `record_body.rs` is one commit, `lineage.rs` how a log ends and begins, and `checkpoint.rs` what many commits come to in the store. Values of other cells: messages in `message.rs`, client keys in
//! `remembered.rs`, activities in `activity.rs`, timers in `timer.rs`.

pub(crate) mod activity;
pub mod agreement;
pub(crate) mod ask;
pub mod cell;
pub(crate) mod checkpoint;
pub(crate) mod fresh;
pub(crate) mod in_memory;
pub mod lineage;
pub mod operation;
pub(crate) mod owed;
pub(crate) mod parked;
pub mod record_body;
pub(crate) mod remembered;
pub mod settlement;
pub(crate) mod shared;
pub(crate) mod state;
pub(crate) mod timer;
