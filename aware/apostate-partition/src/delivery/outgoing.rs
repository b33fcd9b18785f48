//! A message on its way to another partition: what the queue of its receiver has of it.
//!
//! Read next: `queue.rs`.

use std::sync::Arc;

use apostate_core::Address;
use apostate_log::Position;

use crate::cells::cell::{self, Section};
use crate::message::Identity;

/// A message on its way to another partition.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) identity: Identity,
    /// The entity that sent it: its cell stands under this one.
    pub(crate) sender: Address,
    /// The place on the ring of the entity that it is for.
    pub(crate) target: u64,
    pub(crate) layout: Layout,
    /// The record that it was committed in.
    pub(crate) record: Position,
    pub(crate) kept: Kept,
}

/// The layout of a message, or where it is.
#[derive(Debug)]
pub(crate) enum Layout {
    /// In memory.
    InMemory(Arc<[u8]>),
    /// In the store; so long.
    InStore(usize),
}

/// Where the cell of a message is, besides the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nowhere.
    Logged,
    /// In a checkpoint that is not in the store yet.
    Taken,
    /// In the store.
    Stored,
}

impl Kept {
    /// Whether a checkpoint has it.
    pub(crate) fn is_given(self) -> bool {
        self != Self::Logged
    }
}

impl Outgoing {
    /// The key of its cell.
    pub(crate) fn cell(&self) -> Vec<u8> {
        let sub = cell::outgoing_sub(self.identity.origin, self.identity.number);
        cell::key(Section::Outgoing, &self.sender, &sub)
    }

    /// Bytes of its layout, wherever that is.
    pub(crate) fn length(&self) -> usize {
        match &self.layout {
            Layout::InMemory(bytes) => bytes.len(),
            Layout::InStore(length) => *length,
        }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        matches!(self.layout, Layout::InMemory(_))
    }

    /// Leaves its body to the store.
    pub(crate) fn evict_body(&mut self) {
        self.layout = Layout::InStore(self.length());
    }
}
