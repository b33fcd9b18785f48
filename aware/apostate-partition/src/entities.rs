//! Entities in memory, and all that waits for them: the part that knows what is here and what has to be read.
//!
//! Reading order: `slot.rs` is one entity, `slots.rs` finds and evicts them; `inbox.rs` is what one accepted and `inboxes.rs` all of
//! them together; `client_keys.rs` is what one remembers for clients, `activities.rs` what it
//! remembers about partners; `parked.rs` is what was given up on, `open_work.rs` what the platform has begun and has to end. [`Entities`] in
//! `resident.rs` holds them; `loading.rs`, `changes.rs`, `remembering.rs`, `waiting.rs` and `restoring.rs` are what happens to it: a read from the store, a
//! batch, a wait, an opening.
//!
//! Invariant P6: nothing leaves memory that the store does not have; what comes back from the store is whole, or the partition
//! stops and says so.

pub(crate) mod activities;
mod changes;
pub(crate) mod client_keys;
mod in_memory;
mod inbox;
mod inboxes;
pub(crate) mod key_age;
mod key_sweep;
mod loading;
pub(crate) mod open_work;
mod parked;
mod remembering;
mod resident;
mod restoring;
mod slab;
mod slot;
mod slots;
mod split;
mod waiting;

pub(crate) use self::changes::Before;
pub(crate) use self::inbox::{End, InboxItem, Retry};
pub(crate) use self::key_sweep::{Found, KeySweep};
pub(crate) use self::open_work::{Agreement, Item, Name, OpenLeg, OpenWork};
pub(crate) use self::parked::ParkedInMemory;
pub(crate) use self::resident::Entities;
pub(crate) use self::slot::{Residence, SLOT_BYTES, Slot};
pub(crate) use self::slots::SlotId;
