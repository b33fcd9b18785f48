//! Rules to break, one at a time. The properties have to refute every one of them.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The log takes what is for the next position, whatever it was built on.
    PositionAlone,
    /// After *unknown* a writer checks whether its record is there, and gives it up if it is not.
    ResolvedByReading,
    /// After *unknown* a writer makes the record anew.
    AgainWithOtherBytes,
    /// A writer does not check whose record stands at its position.
    FencingOff,
    /// A writer that has met a higher epoch reads what is new and goes on in its own.
    GoesOnWhenFenced,
    /// A writer serves before its opening record is durable.
    ServesBeforeOpened,
    /// A writer begins with its first request.
    NoOpeningRecord,
    /// The opening records of two writers may be equal to the byte.
    OpeningsAlike,
    /// An opening writer takes another record at its position for corruption, unless its epoch is higher.
    LateAppendIsCorruption,
    /// A request is acknowledged when its record is appended.
    AcknowledgedWhenAsked,
    /// A read is answered without the log being asked.
    ReadUnconfirmed,
}
