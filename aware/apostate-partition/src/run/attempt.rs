//! An attempt to handle a message: what is run, on which occasion, and how that ended.
//!
//! Read next: `execute.rs`.

use std::num::NonZeroU64;

use apostate_core::{Address, AgreementId, HandlerId, Refusal};

use crate::entities::SlotId;
use crate::interface::{Failure, Request};
use crate::trace::TraceContext;

/// A message to run.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) slot: SlotId,
    pub(crate) to: &'a Address,
    pub(crate) from: Option<&'a Address>,
    pub(crate) handler: HandlerId,
    pub(crate) body: &'a [u8],
    pub(crate) wants_reply: bool,
    /// Whether it comes from outside and may be told to come again.
    pub(crate) is_refusable: bool,
    pub(crate) occasion: Occasion,
    pub(crate) trace: Option<&'a TraceContext>,
}

/// A run's part in something larger, as far as it matters to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// None.
    Other,
    /// The message of this timer is handled, and its handler sees the timer as gone.
    Timer(NonZeroU64),
    /// Something tentative is asked for, by the try of this number.
    Try(NonZeroU64),
    /// An operation ends.
    Ending,
    /// The proposer is told of the agreement with this id.
    Told(NonZeroU64),
}

/// Outcome of a run.
#[derive(Debug)]
pub(crate) enum Ran {
    /// Done: the entity has this version, the reply is with the runner.
    Done(u64),
    /// A read found no entity.
    Missing,
    /// The entity said no; nothing was changed.
    Refused(Refusal),
    /// The message cannot be run as it is; nothing was changed.
    Failed(Failure),
    /// The handler panicked; nothing was changed.
    Panicked(String),
    /// The handler was stopped at an activity that is being loaded; nothing was changed, and the message has to come again.
    NeedsActivity,
    /// The batch is given up: the message goes back to where it came from, and comes again.
    Abandoned,
}

impl<'a> Run<'a> {
    /// The run of a request from outside.
    pub(crate) fn of_request(slot: SlotId, request: &'a Request, is_refusable: bool) -> Self {
        let Request { ticket: _, to, handler, body, request_kind: _, digest: _, deadline: _, trace } = request;
        let trace = trace.as_deref();
        Self {
            slot,
            to,
            from: None,
            handler: *handler,
            body,
            wants_reply: true,
            is_refusable,
            occasion: Occasion::Other,
            trace,
        }
    }
}

impl Occasion {
    pub(super) fn agreement(self) -> Option<AgreementId> {
        match self {
            Self::Told(id) => Some(AgreementId(id)),
            Self::Other | Self::Timer(_) | Self::Try(_) | Self::Ending => None,
        }
    }

    pub(super) fn timer(self) -> Option<NonZeroU64> {
        match self {
            Self::Timer(order) => Some(order),
            Self::Other | Self::Try(_) | Self::Ending | Self::Told(_) => None,
        }
    }
}

impl Ran {
    /// Whether nothing was changed, and the message comes again in this batch or a later one.
    pub(super) fn comes_again(&self) -> bool {
        matches!(self, Self::NeedsActivity | Self::Failed(Failure::Backlog(_) | Failure::Overfull(_)))
    }
}
