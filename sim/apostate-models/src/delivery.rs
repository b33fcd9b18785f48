//! Delivery: a message is applied once and in order, whoever crashes, splits, merges or moves meanwhile.
//!
//! ```text
//!   scenario.rs     the ring, who sends what to whom, the plan of changes, how much may go wrong
//!   world.rs        partitions, and the frames between them
//!   model.rs        the steps that a world can take; explore.rs says which it can take next
//!   sender.rs       outboxes: answers, sends, trims
//!   receiver.rs     rectangles: opens, applies, acknowledges
//!   plan.rs         split, merge and move
//!   property.rs     what must hold in every state
//!   kind.rs         the world turns kind: what is left must arrive
//!   wrong.rs        rules to break
//! ```
//!
//! What is simplified, and why nothing hides behind it: a frame that was ever sent stays under way and may arrive at
//! any later time, any number of times, or never, which is loss, doubling, delay and reordering in one. A message
//! is under way as soon as it may be. A frame holds one message. No session stalls and no timer runs out:
//! a receiver may ask for a new session at any moment. A step is durable at once, except in
//! scenarios with a [`pipeline`](Scenario::pipeline), where a commit is a step of its own and a crash forgets what was not
//! committed.
//!
//! Paper: *Messaging across entities*.

pub mod cases;
mod explore;
mod kind;
mod model;
mod plan;
mod property;
mod receiver;
mod scenario;
mod sender;
mod step;
mod world;
mod wrong;

pub use self::model::{Action, Coverage, Delivery};
pub use self::scenario::{Change, Message, Pair, Scenario};
pub use self::world::{Cells, Frame, Generation, Intake, Partition, Session, Word, World};
pub use self::wrong::Wrong;
