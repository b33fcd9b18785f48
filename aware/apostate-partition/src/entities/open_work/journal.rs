//! The journal of open work: what the open batch has changed.

use std::num::NonZeroU64;
use std::sync::Arc;

use apostate_core::Address;

use super::agreement::{Agreement, OpenLeg};
use super::item::{Item, Name};

/// A change of the open batch. What it began and ended is noted as begun, and not there.
pub(super) enum Change {
    Begun(Address, Name),
    /// An item ended that a closed batch had begun.
    Ended(Address, Name, Item),
    Proposed(Address, NonZeroU64),
    Answered(Address, NonZeroU64, u32),
    /// An agreement waits, and these of its legs have ended.
    Waits(Address, NonZeroU64, Vec<OpenLeg>),
    /// An agreement is over that a closed batch had proposed.
    Over(Address, NonZeroU64, Arc<Agreement>),
}
