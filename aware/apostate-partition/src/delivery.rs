//! Delivery: each message applied once, in order per pair, without memory per message.
//!
//! ```text
//!   receiver                                   sender
//!      │  Open(nonce)                            │
//!      ├────────────────────────────────────────▶│
//!      │   Opened(name, generation, floors)      │
//!      │◀────────────────────────────────────────┤
//!    commit floors, generation                   │
//!      │  Ready(credit, highest held)            │
//!      ├────────────────────────────────────────▶│
//!      │                 Messages(frame 1)       │   from the oldest that is not acknowledged, in order
//!      │◀────────────────────────────────────────┤
//!    commit effects and watermarks               │
//!      │  Ack(frame 1, credit)                   │
//!      ├────────────────────────────────────────▶│   trims its outbox in its next record
//! ```
//!
//! The sender names the session, once for ever, and every later frame bears the name. Frames may be lost, doubled, late
//! or out of order: a receiver takes frames of its newest session only, in their
//! order, and opens a new session at a gap; a sender that waits for too long says that it is stalled. Nothing here depends on time
//! for being right, only for going on.
//!
//! Sessions are opened on demand: a sender with its first message says that it is stalled, and a receiver asks. When a partition opens it asks
//! those that it has heard before, so that a log that has lost its end is noticed soon; a pair that never spoke costs nothing.
//!
//! Reading order: `frame.rs` is what is said; `outbox.rs`, `receiver.rs` and `queue.rs` are the sender, `intakes.rs`, `intake.rs` and `generations.rs`
//! the receiver; `sessions.rs` holds both, and the watermarks of `rectangles.rs`.
//!
//! Paper: *Messaging across entities*.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs` and `pages.rs`; `sim/apostate-models` tries the protocol exhaustively.

mod deletions;
mod frame;
mod generations;
mod intake;
mod intakes;
mod outbox;
mod outgoing;
mod queue;
mod receiver;
mod sessions;

pub use self::frame::{Frame, Generation};
pub(crate) use self::generations::Remembered;
pub(crate) use self::intake::ArrivedMessage;
pub(crate) use self::outgoing::{Kept, Layout, Outgoing};
pub(crate) use self::receiver::SenderInfo;
pub(crate) use self::sessions::{Arrived, Delivery};
