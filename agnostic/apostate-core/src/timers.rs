//! Timers: messages that an entity sends later, unless it thinks better of it until then.
//!
//! A run sets and cancels timers through its [`Tx`](crate::Tx), and what it did is among its [`Effects`](crate::Effects): it counts with the
//! transaction or not at all. Which timers are pending is known to the layer below; a run sees that through [`PendingTimers`].
//!
//! Paper: *Messaging across entities*.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::TX_TIMERS_MAX;

/// Id of a timer, for cancelling it. It is data: an entity may keep it in its state. No other timer of the entity ever has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(pub u64);

impl TimerId {
    /// The id of timer number `index` of the transaction that gives its entity this version: a version is given once.
    pub(crate) fn new(version: u64, index: usize) -> Self {
        Self(version.wrapping_mul(TX_TIMERS_MAX as u64).wrapping_add(index as u64))
    }
}

/// Key of a timer among those of its entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKey {
    /// Known by an id, which is used once.
    Numbered(TimerId),
    /// Known by a name of the author's, which may be set again.
    Named(Box<str>),
}

impl TimerKey {
    /// Bytes of it as it is written down, about.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Numbered(_) => size_of::<u64>(),
            Self::Named(name) => name.len(),
        }
    }
}

/// Timers of one entity that are pending when a run begins: set, and not fired, cancelled or replaced.
pub trait PendingTimers: fmt::Debug {
    /// Whether the timer with this key is one.
    fn is_pending(&self, key: &TimerKey) -> bool;

    /// How many there are.
    fn count(&self) -> usize;
}

/// No timers are pending.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTimers;

impl PendingTimers for NoTimers {
    fn is_pending(&self, _: &TimerKey) -> bool {
        false
    }

    fn count(&self) -> usize {
        0
    }
}
