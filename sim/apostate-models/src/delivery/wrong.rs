//! Rules to break, one at a time. The properties have to refute every one of them.

/// A rule that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A session is called by the receiver's nonce alone, so a doubled request makes a second session of that name.
    NamedByReceiverAlone,
    /// A receiver that waits for a new session takes a second answer to the old question, and goes on counting.
    SecondAnswerTaken,
    /// A receiver takes frames of older sessions.
    OldFramesTaken,
    /// A sender takes acknowledgements of older sessions.
    OldAcksTaken,
    /// A message is trimmed when it is sent.
    TrimmedWhenSent,
    /// A message is sent before its transaction is durable.
    SentBeforeDurable,
    /// A message is acknowledged before what it did is durable.
    AckedBeforeDurable,
    /// A session begins with the newest message.
    NewestFirst,
    /// Messages of the sender's own go before those of its ancestors.
    OwnBeforeAncestors,
    /// The floor is the sender's counter, also when older messages wait.
    FloorTooHigh,
    /// A receiver does not raise to the floors.
    FloorsIgnored,
    /// Origins that are not listed are kept.
    NeverForgotten,
    /// Origins that are not listed are forgotten for other sources too.
    ForgottenOutsideItsRange,
    /// An origin is not listed as soon as its last message is trimmed in memory.
    UnlistedBeforeTrimmed,
    /// A sender of an older generation is listened to.
    GenerationsIgnored,
    /// A sender of an older generation is refused when a session opens, but its open session goes on.
    RefusedAtOpeningAlone,
    /// A child begins without its parent's rectangles.
    SplitForgets,
    /// Each child carries all outgoing messages.
    BothChildrenSendAll,
    /// The first child has a point of the second.
    ChildrenOverlap,
    /// Receivers that merge take the maximum over their rectangles.
    MergeTakesMaximum,
    /// Receivers that merge take the minimum over their rectangles.
    MergeTakesMinimum,
    /// The inbox of one parent is left behind.
    MergeLosesAnInbox,
    /// Outgoing messages that are now inside are moved while others are handled already.
    InsideMovedLate,
    /// Outgoing messages that are now inside are moved without asking the watermark.
    InsideUnchecked,
    /// Rectangles for sources that are now inside are kept.
    InsideNeverForgotten,
}

impl Wrong {
    /// Whether frames that should be dead may have an effect, so that none of them may be taken away.
    #[must_use]
    pub fn raises_the_dead(self) -> bool {
        matches!(self, Self::NamedByReceiverAlone | Self::SecondAnswerTaken | Self::OldFramesTaken | Self::OldAcksTaken)
    }
}
