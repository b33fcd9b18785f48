//! The journal of a batch: how to take each step of it back, and which cells a checkpoint has to know of.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `panic-half-undone`.

use apostate_core::Address;

use crate::cells::fresh::FreshCell;
use crate::cells::shared::SharedCell;
use crate::delivery::ArrivedMessage;
use crate::entities::activities::{ActivityBefore, LifeBefore};
use crate::entities::client_keys::Known;
use crate::entities::{Before, InboxItem, ParkedInMemory, Retry, SlotId};
use crate::interface::{ParkedCommand, Request};

/// An entity that a batch touched.
#[derive(Debug)]
pub(crate) struct Touched {
    pub(crate) slot: SlotId,
    /// The entity when the batch first touched it.
    pub(crate) before: Before,
    /// Whether a handler ran to its end on it.
    pub(crate) is_changed: bool,
    /// The newest run on it.
    pub(crate) last: RunName,
    /// Most bytes that one run on it has written besides the state.
    pub(crate) effects_bytes_max: usize,
}

/// Names a run, as the observer is told of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunName {
    pub(crate) fingerprint: u64,
    pub(crate) kind: u32,
    pub(crate) handler: u32,
}

/// How to take one step of an open batch back. Changes of entities are not among them: see [`Touched`].
pub(crate) enum UndoEntry {
    TookRequest(Request),
    /// A request whose answer stands among the batch's reads, in the same order.
    TookRead(Request),
    TookNumbered {
        producer: usize,
        request: Request,
        high: Option<u64>,
    },
    TookFrame {
        sender: usize,
        arrived: ArrivedMessage,
        high: Option<u64>,
    },
    TookInbox {
        slot: SlotId,
        item: InboxItem,
        retry: Option<Retry>,
    },
    PushedInbox {
        slot: SlotId,
    },
    RememberedKey {
        slot: SlotId,
        known: Known,
    },
    ForgotKey {
        slot: SlotId,
        known: Known,
    },
    ChangedActivity {
        slot: SlotId,
        before: ActivityBefore,
    },
    ChangedLife {
        slot: SlotId,
        before: LifeBefore,
    },
    Parked {
        to: Address,
        number: u64,
    },
    Unparked {
        number: u64,
        parked: ParkedInMemory,
    },
    /// One that only the store has.
    UnparkedStored {
        to: Address,
        number: u64,
    },
    TookCommand(ParkedCommand),
}

/// A cell that was put or erased besides states.
pub(crate) enum CellChange {
    /// A cell that others share, or its tombstone.
    Shared(SharedCell),
    /// A cell that was never there before.
    PutFresh(FreshCell, Box<[u8]>),
    /// A cell is gone that will not be there again: if no checkpoint has it, nothing need be said.
    EraseFresh(FreshCell),
}
