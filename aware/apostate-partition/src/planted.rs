//! Bugs that are built in on purpose, to see that the simulation catches them.
//!
//! Each is a line or two at the place where somebody could make it by mistake, behind [`is`]. Without the feature
//! `planted`, which only the trial of the simulation switches on, [`is`] is always false and nothing of it is left.

macro_rules! bugs {
    ($($bug:ident = $name:literal: $what:literal,)+) => {
        /// A bug that can be switched on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $what] $bug,)+
        }

        impl Bug {
            /// Every bug.
            pub const ALL: &[Self] = &[$(Self::$bug,)+];

            /// The name by which it is switched on.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)+
                }
            }

            /// The wrong that it does.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$bug => $what,)+
                }
            }
        }
    };
}

bugs! {
    AbsentKept = "absent-kept": "a client key that was absent once is not asked of the store again",
    AcceptedBeforeInner = "accepted-before-inner": "a try is answered before the agreement on its behalf is decided",
    AckEarly = "ack-early": "a frame is acknowledged before its record is durable",
    AckMore = "ack-more": "an acknowledgement counts for the next frame too",
    AcknowledgedUntold = "acknowledged-untold": "a sender does not tell a receiver what it has acknowledged",
    ActivityNotErased = "activity-not-erased": "an activity that is the default again keeps its cell",
    ActivityNotUndone = "activity-not-undone": "a batch that is undone leaves its activities changed",
    AgreementDecidedTwice = "agreement-decided-twice": "an agreement that is decided keeps its header",
    AnswerEarly = "answer-early": "answers leave before their record is durable",
    AskAnsweredTwice = "ask-answered-twice": "the answer to what was asked is sent twice",
    AskLeftByDelete = "ask-left-by-delete": "an entity that is deleted leaves its asks open",
    AskUndoneStillOpen = "ask-undone-still-open": "a batch that is undone leaves its asks open",
    BodyDroppedEarly = "body-dropped-early": "a body in the outbox is left to a checkpoint that is not durable",
    CancelForgotten = "cancel-forgotten": "a timer that is cancelled stays",
    CheckpointEarly = "checkpoint-early": "a checkpoint is handed out before its record is durable",
    CheckpointForgets = "checkpoint-forgets": "a checkpoint does not delete what was deleted",
    CheckpointMisses = "checkpoint-misses": "what changes while a checkpoint is written is in no later one",
    CheckpointRequestEarly = "checkpoint-request-early": "a checkpoint request is answered by one that was taken before it",
    CheckpointRequestLost = "checkpoint-request-lost": "a checkpoint request that a checkpoint came too early for is forgotten",
    CheckpointRequestUnwritten = "checkpoint-request-unwritten": "a checkpoint request is answered while the checkpoint that holds all of it is being written",
    ChildUnclipped = "child-unclipped": "a child reads messages to others of its parent's whole range",
    ClientKeysLeftBehind = "client-keys-left-behind": "client keys that wait for the store stay with a partition that has ended",
    ClockTrustedAtOpening = "clock-trusted-at-opening": "a start with a clock far ahead moves partition time for good",
    ContradictionLost = "contradiction-lost": "an ending that is other than what was settled by hand is taken for the same",
    CreditLost = "credit-lost": "a message that comes again gives no credit back",
    DeadlineAndReplyBoth = "deadline-and-reply-both": "an answer that is taken leaves the deadline of its ask set",
    DeletedVersionUnsaved = "deleted-version-unsaved": "the highest version of the deleted is kept in memory only",
    DismissalLost = "dismissal-lost": "a parked message is dismissed in memory only",
    DuplicateApplied = "duplicate-applied": "a message below the watermark is applied",
    DuplicateEarly = "duplicate-early": "a number that comes again is acknowledged before its first is durable",
    EpochKept = "epoch-kept": "an opening goes on in the epoch before it",
    EqualEpochRetires = "equal-epoch-retires": "a writer that finds another record of its own epoch says that it was followed",
    EvictedKeysUntold = "evicted-keys-untold": "nobody knows that client keys were left to the store",
    EvictsDirty = "evicts-dirty": "an entity is evicted whose changes are not in the store",
    ExpiredKept = "expired-kept": "client keys that are too old are never swept",
    FailedEndingEnds = "failed-ending-ends": "an ending that is parked takes its operation with it",
    FencingOff = "fencing-off": "a writer that finds another one's record goes on",
    FloorHigh = "floor-high": "a session's floor covers what was not acknowledged",
    ForgottenProducerTaken = "forgotten-producer-taken": "a producer that was forgotten and comes back is taken for a new one",
    FullFailsNumber = "full-fails-number": "a producer's message fails because the log is full",
    GapTaken = "gap-taken": "a frame is taken although one before it is missing",
    GenesisBeforeSeal = "genesis-before-seal": "a partition is handed over before its seal is durable",
    HighNotUndone = "high-not-undone": "a batch that is undone keeps the highest number of a producer",
    HoldOnWrongChild = "hold-on-wrong-child": "open work is handed over to the other child",
    InboxDroppedEarly = "inbox-dropped-early": "a message in an inbox is left to a checkpoint that is not durable",
    InboxReordered = "inbox-reordered": "a message that is retried goes to the end of its inbox",
    InboxSkipped = "inbox-skipped": "a message within the partition overtakes an inbox",
    InnerEndsEarly = "inner-ends-early": "an agreement on behalf of a try confirms its partners when it is agreed",
    KeyForgotten = "key-forgotten": "a client key is remembered in memory only",
    KeysDroppedEarly = "keys-dropped-early": "client keys leave memory before the store has them",
    KeysOfLogOnly = "keys-of-log-only": "after a crash, only client keys that the log has are known",
    KeysUnasked = "keys-unasked": "a client key that is not in memory is not asked of the store",
    LapseIgnored = "lapse-ignored": "a confirm that finds no operation says nothing",
    LapseKept = "lapse-kept": "an operation that ends leaves the timer of its lapse",
    LateReplyApplied = "late-reply-applied": "an answer is taken although its ask has ended",
    LocalDropped = "local-dropped": "messages that do not fit into a batch are dropped",
    NonceKept = "nonce-kept": "an answer to a session that was open already opens it again",
    NoteNotUndone = "note-not-undone": "a batch that is undone keeps what it noted of a session",
    NumberReused = "number-reused": "a record does not say which numbers were used",
    NumbersBeginAnew = "numbers-begin-anew": "the numbers of a child begin at 1",
    OldestSkipped = "oldest-skipped": "a session starts behind the oldest message",
    OldKeyAnswered = "old-key-answered": "a client key that is too old gets its answer for as long as that is there",
    OldSession = "old-session": "frames of an old session are taken",
    OpenEarly = "open-early": "a partition serves before its opening record is durable",
    OpeningsAlike = "openings-alike": "two openings at the same moment write the same bytes",
    OperationEndedTwice = "operation-ended-twice": "an operation stays open behind its ending",
    OuterCancelLeavesInner = "outer-cancel-leaves-inner": "the cancel of a try leaves the undecided agreement on its behalf",
    OwedAnsweredTwice = "owed-answered-twice": "an answer that is given is owed still",
    OwedExpiredEarly = "owed-expired-early": "an owed answer has expired after half of its time",
    OwedLeftByDelete = "owed-left-by-delete": "an entity that is deleted still owes its answers",
    OwnOriginFirst = "own-origin-first": "a partition sends messages of its own before those of its ancestors",
    PageSkipped = "page-skipped": "a session passes over messages whose bodies are in the store",
    PanicHalfUndone = "panic-half-undone": "a panic takes back its own entity, and not what others have built upon it",
    ParkedDroppedEarly = "parked-dropped-early": "a parked message is left to a checkpoint that is not durable",
    ParkedLost = "parked-lost": "a parked message is kept in memory only",
    PendingSwept = "pending-swept": "a client key that is pending is forgotten like one that was answered",
    PositionsKept = "positions-kept": "messages of a child wait for records of its parent's log",
    ProducerForgotten = "producer-forgotten": "the watermark of a producer is not saved",
    ReadEarly = "read-early": "a read leaves before the record that it saw is durable",
    ReadUnconfirmed = "read-unconfirmed": "a read is answered by a writer that does not know whether it still is one",
    ReceiverUnlisted = "receiver-unlisted": "a receiver that gives more credit is not listed as one that something can be sent to",
    RectanglesLeftBehind = "rectangles-left-behind": "a child begins without its parent's watermarks",
    RefusalEarly = "refusal-early": "a refusal leaves before its client key is durable",
    RefusalKept = "refusal-kept": "a refusal does not take back what its handler changed",
    RefusalUntold = "refusal-untold": "nobody is told of a refusal",
    RefusedIsHeld = "refused-is-held": "what a try refuses is held all the same",
    RepeatedEarly = "repeated-early": "a repeated answer leaves before its first is durable",
    ReplacedFires = "replaced-fires": "the message of a timer that was cancelled or replaced is handled if it waits already",
    ReplaySkips = "replay-skips": "a replay leaves out a record now and then",
    ReplyDroppedCellKept = "reply-dropped-cell-kept": "an answer is taken, and its ask stays open",
    RetentionHalved = "retention-halved": "client keys are remembered for half of their time",
    RowUnwritten = "row-unwritten": "a row of a partition's own that has changed is in no checkpoint",
    SendEarly = "send-early": "a message leaves before its record is durable",
    SenderUnlisted = "sender-unlisted": "a sender whose messages are put back is not listed as one whose messages wait",
    SessionRenamed = "session-renamed": "a session is called by its receiver's nonce alone",
    SettledTwice = "settled-twice": "an operation that is settled by hand stays open",
    SetUndoneFires = "set-undone-fires": "a batch that is undone leaves its timers changed",
    StepFollowed = "step-followed": "partition time follows a wall clock that is set",
    SweepsLive = "sweeps-live": "client keys are swept that are not too old",
    SweepStale = "sweep-stale": "the sweep forgets keys by a page that a checkpoint has overtaken",
    TimerEarly = "timer-early": "a timer is sent before it is due",
    TimerFiredTwice = "timer-fired-twice": "the message of a timer is sent twice",
    TimerLeftByDelete = "timer-left-by-delete": "an entity that is deleted keeps its timers",
    TimerLostAtRestart = "timer-lost-at-restart": "after a crash, only timers that the log has are known",
    TimersLeftBehind = "timers-left-behind": "timers stay with a partition that has ended",
    TombstoneMissing = "tombstone-missing": "a cell that is erased leaves no tombstone, and the store keeps it",
    TrimEarly = "trim-early": "the log is trimmed up to its end",
    TrimOneMore = "trim-one-more": "the log is trimmed by one record too many",
    TryParked = "try-parked": "a try whose handler keeps panicking is parked",
    TurnNotRotated = "turn-not-rotated": "the same source of work comes first in every batch",
    TurnNotUndone = "turn-not-undone": "an inbox that is empty again keeps its turn and its retry",
    UnansweredNotCancelled = "unanswered-not-cancelled": "a leg without an answer is not cancelled by the decision",
    UndurableShown = "undurable-shown": "while the log is full, a read shows what is not durable",
    UnknownIsOk = "unknown-is-ok": "an append whose outcome is unknown counts as durable",
    UsedKept = "used-kept": "an entity that was used once is never evicted",
    WatermarkUnsaved = "watermark-unsaved": "watermarks are raised in memory only",
}

impl Bug {
    /// Whether it shows only where partitions split.
    #[must_use]
    pub fn is_of_splits(self) -> bool {
        matches!(
            self,
            Self::ChildUnclipped
                | Self::ClientKeysLeftBehind
                | Self::GenesisBeforeSeal
                | Self::HoldOnWrongChild
                | Self::NumbersBeginAnew
                | Self::OwnOriginFirst
                | Self::PositionsKept
                | Self::RectanglesLeftBehind
                | Self::TimersLeftBehind
        )
    }

    /// The bug of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bug| bug.name() == name)
    }
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    use super::Bug;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Whether a bug is switched on.
    pub(crate) fn is(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Switches one bug on, and all others off, for this thread.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }
}

#[cfg(feature = "planted")]
pub use switch::plant;

#[cfg(feature = "planted")]
pub(crate) use switch::is;

/// Never: this build has no bugs on purpose.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn is(_: Bug) -> bool {
    false
}
