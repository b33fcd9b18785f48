//! Fencing: several writers of one log, and what was acknowledged is in the log of the later one.
//!
//! ```text
//!   writer 1 ── append at 2 ──────────┐ late                        ┌──────┬──────┬──────┐
//!   writer 2 ── read ── open at 2 ────┼────────────────────────────▶│  1   │  2   │  3   │   one log
//!   writer 3 ── read ─────────────────┘ whoever lands first has it  └──────┴──────┴──────┘
//! ```
//!
//! An append that was asked for stays under way and may land at any later time, in any order, which makes it late; its
//! answer may come, or be *unknown* any number of times; a reader may miss the newest record. A log takes a record only
//! behind the very one that it was built on: a free position alone is not enough, because a fenced writer's
//! second append fits behind its successor's first. Any number of writers may believe that
//! they are the one: nothing but the log decides, and never the time.
//!
//! Reading order: `world.rs` is the log and its writers, `model.rs` the steps, `explore.rs` which of them come next, `writer.rs` what a writer
//! does, `property.rs` what must hold,
//! `wrong.rs` the rules to break.
//!
//! Invariants P1, P6. Paper: *Disjoint scopes of serializability*, which have one writer each.

pub mod cases;
mod explore;
mod model;
mod property;
mod world;
mod writer;
mod wrong;

pub use self::model::{Action, Fencing};
pub use self::world::{Acknowledged, Append, ClientRead, Content, Flight, Phase, Record, World, Writer};
pub use self::wrong::Wrong;
