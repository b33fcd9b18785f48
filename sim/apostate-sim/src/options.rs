//! Options of a run, besides its seed.

use crate::trace::Telling;

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Partitions are split in memory and merged again, now and then, while they run.
    pub splits: bool,
    /// The use that is made of the lines of `--tell`.
    pub telling: Telling,
}
