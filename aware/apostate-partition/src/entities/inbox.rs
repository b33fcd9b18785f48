//! The inbox of an entity: accepted messages in the order of their numbers; the bodies of some are in the store only.
//!
//! Inbox order is the order of the partition's numbers. Of a message whose body was evicted the number, the handler and the
//! length stay.
//!
//! Invariant E6: only the head of an inbox is handled, wherever its body is.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs` and `waits.rs`; planted `inbox-reordered`.

use std::collections::VecDeque;

use apostate_core::{HandlerId, Timestamp};

use crate::message::Message;

/// A message that was accepted and not handled yet.
#[derive(Clone, Debug)]
pub(crate) struct InboxItem {
    number: u64,
    handler: HandlerId,
    /// Bytes of the message's layout.
    length: u32,
    /// Unless the store alone has it.
    message: Option<Box<Message>>,
}

/// An end of an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Front,
    Back,
}

/// How the head of an inbox has fared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) since: Timestamp,
    /// When the head runs again; zero once that time has come.
    pub(crate) due: Timestamp,
}

impl InboxItem {
    pub(crate) fn new(number: u64, message: Message) -> Self {
        let (handler, length) = (message.handler, message.length() as u32);
        Self { number, handler, length, message: Some(message.into()) }
    }

    /// The number that gives the message its place.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn handler(&self) -> HandlerId {
        self.handler
    }

    /// Bytes of the message, wherever it is.
    pub(crate) fn length(&self) -> usize {
        self.length as usize
    }

    /// The message, if it is in memory.
    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.as_deref()
    }

    /// Bytes that it takes in memory because its message is there.
    pub(crate) fn bytes(&self) -> usize {
        if self.message.is_some() { self.length as usize } else { 0 }
    }

    /// Leaves the message to the store.
    pub(crate) fn evict_body(&mut self) {
        self.message = None;
    }

    /// Takes over the message as the store has it.
    pub(crate) fn fill(&mut self, message: Message) {
        self.message = Some(message.into());
    }
}

/// Takes the message at one end.
pub(crate) fn pop(inbox: &mut VecDeque<InboxItem>, end: End) -> Option<InboxItem> {
    match end {
        End::Front => inbox.pop_front(),
        End::Back => inbox.pop_back(),
    }
}

/// Puts a message at one end.
pub(crate) fn push(inbox: &mut VecDeque<InboxItem>, end: End, item: InboxItem) {
    match end {
        End::Front => inbox.push_front(item),
        End::Back => inbox.push_back(item),
    }
}
