//! Faults that a run injects, and how often each has happened.

use std::fmt;

macro_rules! faults {
    ($($fault:ident: $words:literal,)+) => {
        /// Something that goes wrong on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $words] $fault,)+
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$fault,)+];

            /// In words.
            #[must_use]
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$fault => $words,)+
                }
            }
        }
    };
}

faults! {
    Crash: "a node crashes",
    LostTail: "a crash loses records that were not acknowledged",
    KeptTail: "a crash keeps records that were not acknowledged",
    LateRecord: "a record of a dead writer lands after its successor has read the log",
    OpeningLost: "an opening loses the race for its position",
    Pause: "a node is paused",
    Takeover: "a node is taken over while the old one still runs",
    Retired: "an old writer finds out that it was followed",
    AppendUnknownWritten: "an append is written and answered as unknown",
    AppendUnknownLost: "an append is lost and answered as unknown",
    AppendUnknownLate: "an append is answered as unknown and lands later",
    AppendSlow: "an append takes long",
    LogFull: "a log is full",
    FrameLost: "a frame is lost",
    FrameDoubled: "a frame comes twice",
    FrameLate: "a frame is overtaken by later ones",
    FrameToOld: "a frame reaches an old writer",
    SplitOneWay: "the network is split one way",
    SplitFull: "the network is split both ways",
    RequestLost: "a request is lost",
    RequestToOld: "a request reaches an old writer",
    AnswerLost: "an answer to a client is lost",
    RequestLate: "a request is not begun, for its deadline has passed",
    ClockForward: "a clock jumps forward",
    ClockBack: "a clock jumps back",
    ClockAtOpening: "a node starts with a clock that is days off",
    LoadSlow: "the store takes long to load an entity",
    LoadFailed: "the store fails to load an entity",
    PageSlow: "the store takes long to read messages back",
    PageFailed: "the store fails to read messages back",
    CheckpointSlow: "the store takes long to take a checkpoint",
    CheckpointFailed: "the store fails to take a checkpoint",
    OlderStore: "a node is opened with an older store",
    TrimIgnored: "the log does not trim",
    Panicked: "a handler panics",
    Parked: "a message is parked",
    FlippedRecord: "damage: a bit of a record is flipped",
    MissingRecord: "damage: a record is missing between others",
    ExchangedRecords: "damage: two records have changed places",
    LostSuffixMarked: "damage: a log has lost its end, and knows it",
    LostSuffixStored: "damage: a log has lost its end, and the store is ahead of it",
    LostSuffixHeard: "damage: a log has lost its end, and others have heard of it",
    LostSuffixAcknowledged: "damage: a log has lost its end, and the sender of a message in it has heard that it was durable",
    LostStore: "damage: a store is missing",
    FlippedCell: "damage: a cell of a store is damaged",
    TwinRecord: "damage: a record of a writer's own epoch is where it writes next",
}

/// How often each fault has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<u64>);

impl Default for Faults {
    fn default() -> Self {
        Self(vec![0; Fault::ALL.len()])
    }
}

impl Faults {
    pub(crate) fn note(&mut self, fault: Fault) {
        self.0[fault as usize] += 1;
    }

    /// How often `fault` has happened.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        self.0[fault as usize]
    }

    /// How many faults have happened in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, count) in self.0.iter_mut().zip(&other.0) {
            *sum += count;
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in Fault::ALL {
            writeln!(f, "{:>12}  {}", self.count(*fault), fault.words())?;
        }
        Ok(())
    }
}
