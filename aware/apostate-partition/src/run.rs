//! Handling: one message, request or command against one entity, inside the batch.
//!
//! Reading order: `runner.rs` is what runs author's code needs; `handling.rs` is what the handling of a message may touch; `execute.rs` runs
//! one message, `send.rs` sends what it sent, `timers.rs` what is due later; `accept.rs` is for messages between entities, and `roles.rs` for what
//! the platform does around their handlers; `asks.rs` is what entities ask of each other; `settlements.rs` is what an operator ends by hand; `request.rs` and `numbered.rs` are for those from
//! outside, `client_key.rs` for what is remembered of them, `parked.rs` for what was
//! given up on; `round.rs` lets every source take its turn, and `durable_read.rs` answers what needs no record while the log has no room
//! for any.

mod accept;
mod agreements;
mod asks;
mod attempt;
mod client_key;
mod decisions;
mod durable_read;
mod execute;
mod handling;
mod numbered;
mod operations;
mod owed;
mod parked;
mod request;
mod roles;
mod round;
mod runner;
mod send;
mod settlements;
mod timers;

pub(crate) use self::durable_read::Served;
pub(crate) use self::handling::Handling;
pub(crate) use self::runner::Runner;
