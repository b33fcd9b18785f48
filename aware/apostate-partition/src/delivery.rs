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
//! order, and opens a new session at a gap; a sender that waits for too long knocks. Nothing here depends on time
//! for being right, only for going on.
//!
//! Paper: *Messaging across entities*.

mod frame;
mod intake;
mod outbox;
mod queue;

pub use frame::{Frame, Generation, NotAFrame};
pub(crate) use intake::{Generations, Handled, Intakes, Taken};
pub(crate) use outbox::{Outbox, Own};
pub(crate) use queue::{Layout, Outgoing};
