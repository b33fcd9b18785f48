//! A whole cluster on one thread, from one seed.
//!
//! Any number of nodes run the real partition code over a simulated log, store, network and clock, all of which
//! misbehave as real ones do. Time and rng are inputs; so a run is a function of its seed, and a failing seed is a bug
//! report that anybody can repeat.
//!
//! ```text
//!   clients ──▶ ┌───────────┐ ◀─▶ network ◀─▶ ┌───────────┐
//!               │ partition │                 │ partition │      real code, in simulated nodes
//!   producers ─▶└─────┬─────┘                 └─────┬─────┘
//!                log, store                    log, store         simulated, and broken on purpose
//!                     └──────────▶ shadows ◀────────┘             what the durable records say: the checkers
//! ```
//!
//! Reading order: `plan.rs` draws what a run is like; `world.rs` holds everything and lets events happen; `carry.rs`,
//! `network.rs` and `clients.rs` are what the world does, `inject_fault.rs` is what goes wrong; `programs` is what runs
//! inside; `check` is what must hold; `operator.rs` and `settling.rs` are what an
//! operator does; `run.rs` is the story of one run.
//!
//! Invariants E1, E2, E3, E6, P1, P2, P4, P5, P6.

mod campaign;
mod carry;
mod check;
mod clients;
mod damage;
mod engine;
mod fault;
mod fault_schedule;
mod host;
mod network;
mod operator;
mod options;
mod outside;
mod plan;
mod programs;
mod repartition;
mod repartitioning;
mod run;
mod settling;
mod splits;
mod trace;
#[cfg(feature = "planted")]
mod trial;
mod violation;
mod world;

pub use crate::campaign::{Campaign, SEEDS_FOR_COVERAGE};
pub use crate::fault::{Fault, Faults};
pub use crate::options::Options;
pub use crate::repartitioning::Counts;
pub use crate::run::{Report, digest, run};
pub use crate::trace::Telling;
#[cfg(feature = "planted")]
pub use crate::trial::{digest_planted, try_planted};
pub use crate::violation::Violation;
