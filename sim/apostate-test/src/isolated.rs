//! The isolated world: every entity has a node of its own, so no two of them are neighbours.
//!
//! A node is one entity with what the platform keeps beside it: watermarks of what was applied, messages that
//! have not been acknowledged, an inbox, client keys. So every message between two entities is remote, and each of
//! the platform's promises is kept by the means that the platform has: numbers, the project's own watermark rectangles,
//! and one commit for state, messages and watermarks.
//!
//! ```text
//!   node ── lane: 7 8 9 ──▶ node      a lane is one ordered pair; its oldest message is sent until it is
//!         ◀── acknowledged ──           acknowledged, and a copy below the watermark is dropped
//! ```
//!
//! Reading order: `node.rs` is a node and what is on its way to it; `world.rs` holds the world; `deliver.rs` moves messages,
//! `run.rs` runs and commits them, `roles.rs` says what is done around that, `alarms.rs` sends them later, `owed.rs` answers later, `outside.rs` is the clients;
//! `proposals.rs` and `operations.rs` are the two sides of agreements; [`twins`](crate::twins) runs handlers.
//!
//! Invariants E1, E2, E3, E4, E6.

mod agreement;
mod ids;
mod node;
mod timers;

mod world;

mod alarms;
mod asks;
mod deadlines;
mod deliver;
mod operations;
mod outside;
mod owed;
mod proposals;
mod roles;
mod run;
mod running;

pub(crate) use world::IsolatedWorld;
