//! Fencing of senders: the newest generation that was seen of each part of the ring.
//!
//! Of two senders for one range, the older is refused for ever.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; exhaustively in `sim/apostate-models`.

use super::frame::Generation;
use crate::range::Range;

/// The newest generation of a sender that was seen, by source range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generations(Vec<(Range, Generation)>);

impl Generations {
    /// The newest generation remembered for any part of `range`.
    pub(crate) fn newest(&self, range: Range) -> Generation {
        let parts = self.0.iter().filter(|(part, _)| part.and(range).is_some());
        parts.map(|(_, generation)| *generation).max().unwrap_or_default()
    }

    /// Whether just this is remembered.
    pub(crate) fn is_known(&self, range: Range, generation: Generation) -> bool {
        self.0.iter().any(|(known, seen)| *known == range && *seen == generation)
    }

    /// Remembers the generation of a range, and forgets those that it covers. Gives the forgotten ranges, but for the same one.
    pub(crate) fn remember(&mut self, range: Range, generation: Generation) -> Vec<Range> {
        let covered = self.0.extract_if(.., |(known, _)| range.covers(*known)).map(|(known, _)| known);
        let forgotten = covered.filter(|known| *known != range).collect();
        self.0.push((range, generation));
        forgotten
    }

    /// Takes over a row, or its deletion. For opening only.
    pub(crate) fn restore(&mut self, range: Range, generation: Option<Generation>) {
        self.0.retain(|(other, _)| *other != range);
        self.0.extend(generation.map(|generation| (range, generation)));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range, Generation)> {
        self.0.iter().copied()
    }
}
