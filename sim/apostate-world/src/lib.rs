//! The common parts of the simulators of a cluster: the platform's own, the authors' test kit and the fuzzer.
//!
//! ```text
//!   Agenda ──▶ event ──▶ RunningPartition ──▶ effects ──▶ the simulator's own faults ──▶ Agenda
//!   virtual      ▲         the real code                  Rng draws them
//!   time         └──── inputs ──── MemoryDisk ◀──── effects that log and store answer
//! ```
//!
//! What it is not: a simulator. Which events there are, what goes wrong, who calls and what must hold is the business of each
//! simulator: `apostate-sim`, `apostate-test`, and the layout `conversation` of `apostate-fuzz`. Authors of entities see nothing of
//! this crate, which has no promises of its own.
//!
//! Reading order: [`Agenda`] is time; [`Rng`] is chance; [`RunningPartition`] is the real partition between two turns;
//! [`MemoryDisk`] answers what a partition asks of its log and store; [`panics`] keeps expected panics from being printed.

mod agenda;
mod disk;
pub mod panics;
mod partition;
mod rng;

pub use crate::agenda::{Agenda, BEGINNING, Moment, SECOND};
pub use crate::disk::MemoryDisk;
pub use crate::partition::RunningPartition;
pub use crate::rng::Rng;
