//! The model: how many there are of everything, the rule that is broken, and the steps that its world can take.

use super::world::Append;
use super::wrong::Wrong;

/// How many there are of everything, and perhaps a rule that is broken.
#[derive(Clone, Copy, Debug)]
pub struct Fencing {
    /// Name in reports.
    pub name: &'static str,
    /// Places that may believe to be the writer.
    pub writers: u8,
    /// How often each may open the partition.
    pub openings: u8,
    /// Requests of clients; each may be tried at every writer.
    pub requests: u8,
    /// Whether clients read, which changes nothing.
    pub has_client_reads: bool,
    /// The rule that is broken.
    pub wrong: Option<Wrong>,
}

/// A step that the world can take next. The first number is the writer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A place reads the log, in order to open the partition. It may miss this many of the newest records.
    Read(u8, u8),
    /// A client's request arrives.
    Request(u8, u8),
    /// An append lands, if its position is the next one.
    Land(Append),
    /// The log says what stands at the position of the oldest append.
    Answer(u8),
    /// The log does not say whether the append took place.
    Unknown(u8),
    /// The append is asked for again.
    Again(u8),
    /// A client reads.
    ClientRead(u8),
    /// The log says whether the writer still is the one.
    Confirm(u8),
}

impl Fencing {
    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }
}
