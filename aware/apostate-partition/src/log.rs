//! The log as its writer sees it: what was made, what is durable, and what must not leave before.
//!
//! ```text
//!   ├──────── durable ────────┼──────── in flight ────────┤
//!   1                      durable                    submitted      the open batch
//! ```
//!
//! Reading order: `writer.rs` appends and is answered; `held.rs` is what waits for that, by the rules of `holding.rs`; `numbers.rs` numbers messages; `sealing.rs` is how a log ends;
//! `before_images.rs` is what reads are shown while the log has no room.

mod before_images;
mod held;
mod holding;
mod numbers;
mod sealing;
mod writer;

pub(crate) use self::writer::{Appended, LogWriter, Replayed};
