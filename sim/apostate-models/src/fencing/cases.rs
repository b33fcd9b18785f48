//! The bounds that are taken to exhaustion, and those in which broken rules show.

use super::model::Fencing;
use super::wrong::Wrong;

const TWO: Fencing =
    Fencing { name: "two writers", writers: 2, openings: 2, requests: 2, has_client_reads: true, wrong: None };

/// The bounds that are stated in `docs/design/models.md`.
#[must_use]
pub fn full() -> Vec<Fencing> {
    vec![
        Fencing { requests: 3, ..TWO },
        Fencing { name: "three writers", writers: 3, openings: 1, has_client_reads: false, ..TWO },
    ]
}

/// A rule, and bounds in which breaking it shows.
#[must_use]
pub fn wrong() -> Vec<(Wrong, Fencing)> {
    [
        Wrong::PositionAlone,
        Wrong::ResolvedByReading,
        Wrong::AgainWithOtherBytes,
        Wrong::FencingOff,
        Wrong::GoesOnWhenFenced,
        Wrong::ServesBeforeOpened,
        Wrong::NoOpeningRecord,
        Wrong::OpeningsAlike,
        Wrong::LateAppendIsCorruption,
        Wrong::AcknowledgedWhenAsked,
        Wrong::ReadUnconfirmed,
    ]
    .map(|wrong| (wrong, Fencing { openings: 1, wrong: Some(wrong), ..TWO }))
    .to_vec()
}
