//! Layout versions: what a newer build has written is called so, and never taken for damage.
//!
//! A layout has a number in bits that are zero in its first version, or a tag of which more may come. A number or a tag that is not known
//! here comes from a build that knows more: then nothing is guessed, and nothing is changed. `docs/design/formats.md` lists all of them.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/newer.rs`.

use std::fmt;

/// Something that carries a number of its layout, or a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The layout of a frame.
    Frame,
    /// The kind of a frame.
    FrameKind,
    /// The layout of a message.
    Message,
    /// The role of a message.
    Role,
    /// The flags of a message that say what its refusal means.
    OnRefused,
    /// The layout of a record.
    Record,
    /// The layout of a record's body.
    RecordBody,
    /// The kind of a record.
    RecordKind,
    /// The tag of a cell in a record: put or deleted.
    CellChange,
    /// The section of a cell.
    Section,
    /// A row of a partition's own.
    PartitionRow,
    /// The origin of a watermark.
    Origin,
    /// The layout of a state cell.
    State,
    /// The layout of an activity's cell.
    Activity,
    /// The layout of a timer's cell.
    Timer,
    /// The key of a timer: what knows it.
    TimerKey,
    /// The answer that a client key remembers.
    Answer,
    /// The layout of an open ask's cell.
    Ask,
    /// The layout of an owed answer's cell.
    Owed,
    /// The layout of an agreement's cells.
    Agreement,
    /// The layout of a tentative operation's cell.
    Operation,
    /// The layout of the cells of an operation that was settled by hand, and which of them it is.
    Settlement,
    /// The layout of a parked message's cell.
    Parked,
    /// The layout of a seal.
    Seal,
    /// The layout of a genesis.
    Genesis,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Frame => "frame layout",
            Self::FrameKind => "frame kind",
            Self::Message => "message layout",
            Self::Role => "message role",
            Self::OnRefused => "refusal flags",
            Self::Record => "record layout",
            Self::RecordBody => "record body layout",
            Self::RecordKind => "record kind",
            Self::CellChange => "cell change",
            Self::Section => "cell section",
            Self::PartitionRow => "partition row",
            Self::Origin => "watermark origin",
            Self::State => "state layout",
            Self::Activity => "activity layout",
            Self::Timer => "timer layout",
            Self::TimerKey => "timer key",
            Self::Answer => "remembered answer",
            Self::Ask => "ask layout",
            Self::Owed => "layout of an owed answer",
            Self::Agreement => "agreement layout",
            Self::Operation => "operation layout",
            Self::Settlement => "settlement layout",
            Self::Parked => "parked message layout",
            Self::Seal => "seal layout",
            Self::Genesis => "genesis layout",
        })
    }
}

/// A layout or a tag that only a newer build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "written by a newer build: {format} {number} is unknown to this one; start a build at least as new as the one that wrote it"
)]
pub struct NewerFormat {
    /// The thing with a number.
    pub format: Format,
    /// The number.
    pub number: u8,
}

/// Why bytes are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are in no layout.
    #[error("the bytes are damaged")]
    Damaged,
    /// The layout is one of a newer build.
    #[error(transparent)]
    Newer(#[from] NewerFormat),
}

impl DecodeError {
    /// A number that this build does not know.
    pub(crate) fn newer(format: Format, number: u8) -> Self {
        Self::Newer(NewerFormat { format, number })
    }
}

/// Splits a byte into the number of a layout, in its high half, and what the layout keeps in the low one.
///
/// # Errors
///
/// When the number is higher than `known`.
pub(crate) fn layout_of(format: Format, byte: u8, known: u8) -> Result<(u8, u8), DecodeError> {
    let (layout, low) = (byte >> 4, byte & 0xF);
    if layout > known { Err(DecodeError::newer(format, layout)) } else { Ok((layout, low)) }
}
