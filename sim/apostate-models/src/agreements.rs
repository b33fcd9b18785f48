//! Agreements: every tentative operation reaches exactly one ending, whoever crashes, refuses, panics or is late.
//!
//! ```text
//!   scenario.rs     entities and where they are, who proposes what to whom, what may go wrong
//!   world.rs        partitions, what is durable and what is not, messages between entities
//!   entity.rs       cells of one entity, and what a checker remembers of it
//!   model.rs        the steps that a world can take; explore.rs says which it can take next
//!   proposer.rs     proposes, counts answers, decides
//!   partner.rs      holds, confirms, cancels, parks; deletion
//!   nested.rs       an agreement on behalf of a try
//!   undo.rs         a batch that is given up
//!   property.rs     what must hold in every state
//!   wrong.rs        rules to break
//! ```
//!
//! The layer below is taken as proven by [`delivery`](crate::delivery): a message is applied once, in the order of its
//! pair; one to another partition leaves when its transaction is durable, one within a partition is handled at once.
//! What a partition has done since its last commit may be undone at any moment, any number of times, and is then done
//! again, perhaps otherwise: that is a crash, and a batch given up. Time is left out: a deadline may fire at any moment.
//! Each tentative operation takes one unit of what its partner has on hand.
//!
//! Everything arrives in the end, because no step but an undoing leads back: in a state in which nothing is left to do,
//! nothing may be left over.
//!
//! Invariant E4. Paper: *Tentative operations*.

pub mod cases;
mod entity;
mod explore;
mod model;
mod nested;
mod partner;
mod property;
mod proposer;
mod scenario;
mod undo;
mod world;
mod wrong;

pub use self::entity::{Decision, Entity, Header, Key, Leg, Message, Operation, Outcome, Past, Seen};
pub use self::model::{Action, Agreements, Coverage, Run};
pub use self::scenario::{Proposal, Scenario};
pub use self::world::{Cells, Pair, Partition, World};
pub use self::wrong::Wrong;
