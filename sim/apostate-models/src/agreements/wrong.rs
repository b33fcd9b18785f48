//! Rules to break, one at a time. The properties have to refute every one of them.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The author's handler that is told of the decision sends the endings.
    EndingsSentByAuthor,
    /// A decision leaves the agreement's header, so that later answers and the deadline find it.
    HeaderKept,
    /// A decision leaves the timer of the deadline.
    DeadlineKept,
    /// An agreement without partners waits for its deadline.
    EmptyWaits,
    /// At a decision, partners that have not answered get no cancel.
    UnansweredNotCancelled,
    /// A partner that accepts after the decision counts for another agreement that asks it.
    LateAnswerCountsElsewhere,
    /// The count of answers is outside what an undoing takes back.
    CountOutsideUndo,
    /// The header of an agreement is outside what an undoing takes back.
    HeaderOutsideUndo,
    /// The timer of a deadline is outside what an undoing takes back.
    DeadlineOutsideUndo,
    /// The operation at a partner is outside what an undoing takes back.
    OperationOutsideUndo,
    /// Endings are trimmed when the partner handles them, not when that is durable.
    EndingsTrimmedEarly,
    /// Endings overtake what was sent to the same partner before.
    EndingsOvertake,
    /// A try that panics is parked, and may be retried.
    TryParked,
    /// A try that panics is parked, and may be retried until its agreement's deadline has passed.
    TryParkedUntilDeadline,
    /// A try that is refused leaves an operation.
    RefusedIsHeld,
    /// A cancel that finds no operation puts something back.
    CancelWithoutTryCounts,
    /// A confirm or cancel that panics is dropped.
    FailedEndingDropped,
    /// A confirm or cancel that panics ends its operation, and is parked.
    FailedEndingEnds,
    /// A parked ending stays parked when it has been settled, and acts again when it is retried.
    SettledTwice,
    /// A partner ends an operation by itself when it has waited for long.
    PartnerDecides,
    /// A confirm that finds that its operation has lapsed changes nothing, and nobody is told.
    LapseIgnored,
    /// A cancel that finds no operation says that it has lapsed.
    LapsedForCancel,
    /// The timer of an operation that may lapse puts something back although the operation has ended.
    LapseUnchecked,
    /// The timer of an operation that may lapse outlives it.
    LapseKept,
    /// A partner accepts before the agreement that it proposes on behalf of the try is decided.
    AcceptedBeforeInner,
    /// The decision of an agreement on behalf of a try confirms its operations.
    InnerEndsAtItsDecision,
    /// A cancel leaves the agreement on behalf of its try as it is, if that is not decided.
    OuterCancelLeavesInner,
    /// An operation that may lapse cancels the agreement on behalf of its try before it has lapsed: its handler is parked.
    ParkedLapsePassedDown,
    /// An operation is known by proposer and leg.
    KeyWithoutNumber,
    /// An operation is known by proposer and agreement.
    KeyWithoutLeg,
    /// An entity may be deleted while it has an operation.
    DeletedWhileTentative,
    /// An entity may be deleted while an agreement of its own is undecided.
    DeletedWhileUndecided,
}
