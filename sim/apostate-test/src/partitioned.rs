//! The partitioned world: the platform's own partitions, over a map that the seed draws.
//!
//! Here the code that will run in production delivers, remembers and recovers; the kit is only its disk, its network
//! and its clients, and lets all three fail. The map's borders are drawn between entities that the seed is known to
//! have, so that some are neighbours and some are not: what a program computes must not depend on it.
//!
//! ```text
//!   client ──▶ partition ──▶ log        a crash at any append, before or after it landed
//!                │  ▲                   frames lost, doubled, late
//!                ▼  │                   checkpoints and loads whenever the partition likes
//!              partition ──▶ log
//! ```
//!
//! Partitions of one map stay as they are: the platform does not split or merge them yet.
//!
//! Reading order: `sim_partition.rs` is a partition over its crashes; `world.rs` holds the world; `carry.rs` carries out what
//! partitions ask for; `ask.rs` and `clients.rs` are the clients.
//!
//! Invariants E1, E2, E6, P5, P6.

mod ask;
mod sim_partition;

mod world;

mod carry;
mod clients;

pub(crate) use world::PartitionedWorld;
