//! Shares of a batch: how much of it each source of work may take while others wait.
//!
//! A fair share in messages and in bytes (deficit round robin: M. Shreedhar and G. Varghese, 1995, with the batch as the round): what a
//! source does not use is common, and a source that has used its share goes on only with what no waiting source can still claim. The
//! source that comes first changes from batch to batch, so that one large run does not always take the end of a batch from the
//! same source.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/fairness.rs`; planted `turn-not-rotated`.

use crate::planted::{self, Bug};

/// A source of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Messages within the partition.
    Locals,
    /// Commands on parked messages.
    Commands,
    /// Inboxes that can go on.
    Inboxes,
    /// Messages from other partitions.
    Sessions,
    /// Calls and reads.
    Requests,
    /// Numbered messages of producers.
    Producers,
    /// Timers that are due.
    Timers,
}

const COUNT: usize = 7;

const SOURCES: [Source; COUNT] = [
    Source::Locals,
    Source::Commands,
    Source::Inboxes,
    Source::Sessions,
    Source::Requests,
    Source::Producers,
    Source::Timers,
];

/// Sources that had something to do when a round began, and were let in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Waiting([bool; COUNT]);

impl Waiting {
    pub(crate) fn set(&mut self, source: Source, waits: bool) {
        self.0[source as usize] = waits;
    }

    pub(crate) fn has(self, source: Source) -> bool {
        self.0[source as usize]
    }
}

/// Messages and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

/// Messages and bytes that each source has taken of the open batch.
#[derive(Debug, Default)]
pub(crate) struct Shares {
    taken: [Amount; COUNT],
    /// The number of batches before: it says which source comes first.
    batches: usize,
    /// How each source fares in the open batch.
    turns: [Turn; COUNT],
    /// Batches in a row in which each source waited and had no turn.
    passed_over: [usize; COUNT],
}

/// How a source fares in a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// Nothing to do.
    #[default]
    Idle,
    /// Work waited, and the batch was full for it.
    PassedOver,
    /// A turn, whatever came of it.
    Had,
}

/// A source that waits has a turn within so many batches.
const SERVED_WITHIN: usize = 2 * COUNT;

impl Shares {
    /// All sources, in the order of this batch.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = Source> + use<> {
        let first = if planted::is(Bug::TurnNotRotated) { 0 } else { self.batches };
        (0..COUNT).map(move |step| SOURCES[(first + step) % COUNT])
    }

    /// A source that waits is let in, or the batch is full for it.
    pub(crate) fn note_turn(&mut self, source: Source, is_let_in: bool) {
        let turn = &mut self.turns[source as usize];
        if is_let_in || *turn == Turn::Idle {
            *turn = if is_let_in { Turn::Had } else { Turn::PassedOver };
        }
    }

    /// A source has taken more.
    pub(crate) fn note(&mut self, source: Source, amount: Amount) {
        let taken = &mut self.taken[source as usize];
        taken.messages += amount.messages;
        taken.bytes += amount.bytes;
    }

    /// Whether a source has to leave the rest of the batch to others: of `most` in all, `taken` is taken.
    pub(crate) fn is_used_up(&self, source: Source, waiting: Waiting, taken: Amount, most: Amount) -> bool {
        let share = Amount { messages: (most.messages / COUNT).max(1), bytes: most.bytes / COUNT };
        let own = self.taken[source as usize];
        if own.messages < share.messages && own.bytes < share.bytes {
            return false;
        }
        let mut claimed = taken;
        for other in SOURCES.into_iter().filter(|other| *other != source && waiting.0[*other as usize]) {
            let theirs = self.taken[other as usize];
            claimed.messages += share.messages.saturating_sub(theirs.messages);
            claimed.bytes += share.bytes.saturating_sub(theirs.bytes);
        }
        claimed.messages >= most.messages || claimed.bytes >= most.bytes
    }

    /// The batch has ended, or is taken back: its inputs come again.
    pub(crate) fn end_batch(&mut self) {
        self.taken = Default::default();
        self.batches = self.batches.wrapping_add(1);
        for (turn, batches) in std::mem::take(&mut self.turns).into_iter().zip(&mut self.passed_over) {
            *batches = if turn == Turn::PassedOver { *batches + 1 } else { 0 };
        }
    }

    /// Whether every source that waits is served.
    pub(crate) fn check(&self) {
        let starved = SOURCES.into_iter().find(|source| self.passed_over[*source as usize] >= SERVED_WITHIN);
        assert!(starved.is_none(), "{starved:?} has had no turn in {SERVED_WITHIN} batches");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Amount = Amount { messages: 70, bytes: 7000 };

    fn waiting(sources: &[Source]) -> Waiting {
        let mut waiting = Waiting::default();
        sources.iter().for_each(|source| waiting.set(*source, true));
        waiting
    }

    #[test]
    fn a_source_alone_may_take_all() {
        let mut shares = Shares::default();
        let taken = Amount { messages: 69, bytes: 6900 };
        shares.note(Source::Inboxes, taken);
        assert!(!shares.is_used_up(Source::Inboxes, waiting(&[Source::Inboxes]), taken, MOST));
    }

    #[test]
    fn a_share_is_kept_for_each_source_that_waits() {
        let mut shares = Shares::default();
        let both = waiting(&[Source::Inboxes, Source::Requests]);
        for (taken, is_used_up) in [
            (Amount { messages: 59, bytes: 0 }, false),
            (Amount { messages: 60, bytes: 0 }, true),
            (Amount { messages: 1, bytes: 6000 }, true),
        ] {
            shares.taken = Default::default();
            shares.note(Source::Inboxes, taken);
            assert_eq!(shares.is_used_up(Source::Inboxes, both, taken, MOST), is_used_up, "{taken:?}");
            assert!(!shares.is_used_up(Source::Requests, both, taken, MOST), "it has taken nothing yet");
        }
    }

    #[test]
    fn a_source_that_is_passed_over_again_and_again_is_noticed() {
        let starves = |is_let_in: fn(usize) -> bool| {
            let mut shares = Shares::default();
            for batch in 0..SERVED_WITHIN {
                shares.note_turn(Source::Requests, is_let_in(batch));
                shares.note_turn(Source::Requests, false);
                shares.end_batch();
            }
            std::panic::catch_unwind(|| shares.check()).is_err()
        };
        assert!(starves(|_| false));
        assert!(!starves(|batch| batch == 3));
    }

    #[test]
    fn each_source_comes_first_in_its_turn() {
        let mut shares = Shares::default();
        let mut first = Vec::new();
        for _ in 0..COUNT {
            first.extend(shares.in_turn().next());
            shares.end_batch();
        }
        assert_eq!(first, SOURCES);
    }
}
