//! The scenarios that are taken to exhaustion, and those in which broken rules show.

use super::scenario::{Change, Pair, Scenario};
use super::wrong::Wrong;

fn pair(source: u64, target: u64, messages: u8) -> Pair {
    Pair { source, target, messages }
}

fn split(parent: u64, last: u64, children: (u64, u64)) -> Change {
    Change::Split { parent, last, children }
}

fn merge(parents: (u64, u64), child: u64) -> Change {
    Change::Merge { parents, child }
}

/// Every scenario at the size that is stated in `docs/design/models.md`.
#[must_use]
pub fn full() -> Vec<Scenario> {
    [stay(), change_once(), change_and_fail()].concat()
}

/// Partitions that stay as they are.
fn stay() -> Vec<Scenario> {
    let named = Scenario::named;
    vec![
        Scenario {
            tiles: vec![0, 1, 2],
            pairs: vec![pair(0, 2, 3), pair(1, 2, 1)],
            crashes: 1,
            ..named("three stay, one crash")
        },
        Scenario {
            tiles: vec![0, 1],
            pairs: vec![pair(0, 1, 2), pair(1, 0, 1)],
            crashes: 1,
            doubles: 1,
            ..named("two speak, a crash, a doubled request")
        },
        Scenario {
            tiles: vec![0, 1],
            pairs: vec![pair(0, 1, 3)],
            crashes: 2,
            pipeline: true,
            sessions: 3,
            ..named("a pipeline, two crashes")
        },
        Scenario {
            tiles: vec![0, 1],
            pairs: vec![pair(0, 1, 3)],
            moves: 1,
            doubles: 1,
            ..named("a move, the old writer lives on")
        },
    ]
}

/// One split or merge.
fn change_once() -> Vec<Scenario> {
    let named = Scenario::named;
    vec![
        Scenario {
            tiles: vec![0, 2],
            pairs: vec![pair(0, 1, 1), pair(0, 2, 1)],
            plan: vec![split(2, 1, (3, 4))],
            crashes: 1,
            ..named("a receiver splits")
        },
        Scenario {
            tiles: vec![0, 1, 2],
            pairs: vec![pair(0, 1, 1), pair(0, 2, 1)],
            plan: vec![merge((2, 3), 4)],
            crashes: 1,
            ..named("two receivers merge")
        },
        Scenario {
            tiles: vec![1, 2],
            pairs: vec![pair(0, 2, 1), pair(1, 2, 1)],
            plan: vec![split(1, 0, (3, 4))],
            crashes: 1,
            ..named("a sender splits")
        },
        Scenario {
            tiles: vec![0, 1, 2],
            pairs: vec![pair(0, 2, 1), pair(1, 2, 1)],
            plan: vec![merge((1, 2), 4)],
            crashes: 1,
            ..named("two senders merge")
        },
        Scenario {
            tiles: vec![0, 1, 2],
            pairs: vec![pair(0, 1, 2), pair(2, 1, 1)],
            plan: vec![merge((1, 2), 4)],
            crashes: 1,
            inboxes: true,
            ..named("a sender and its receiver merge")
        },
    ]
}

/// Two changes, or one among moves, crashes and a pipeline.
fn change_and_fail() -> Vec<Scenario> {
    let named = Scenario::named;
    vec![
        Scenario {
            tiles: vec![1, 2],
            pairs: vec![pair(0, 2, 2)],
            plan: vec![split(1, 0, (3, 4)), merge((3, 4), 5)],
            sessions: 1,
            ..named("a sender splits and merges again")
        },
        Scenario {
            tiles: vec![0, 2],
            pairs: vec![pair(0, 1, 1), pair(0, 2, 1)],
            plan: vec![split(2, 1, (3, 4)), merge((3, 4), 5)],
            sessions: 1,
            ..named("a receiver splits and merges again")
        },
        Scenario {
            tiles: vec![1, 2],
            pairs: vec![pair(0, 2, 2), pair(1, 2, 1)],
            plan: vec![split(1, 0, (3, 4))],
            moves: 1,
            sessions: 1,
            ..named("a sender moves and splits, the old writer lives on")
        },
        Scenario {
            tiles: vec![1, 2],
            pairs: vec![pair(0, 2, 2)],
            plan: vec![split(1, 0, (3, 4))],
            pipeline: true,
            crashes: 1,
            ..named("a sender splits, with a pipeline and a crash")
        },
        Scenario {
            tiles: vec![1, 2, 3],
            pairs: vec![pair(0, 2, 1), pair(0, 3, 1)],
            plan: vec![split(1, 0, (4, 5)), merge((2, 3), 6)],
            sessions: 1,
            ..named("a sender splits, its receivers merge")
        },
        Scenario {
            tiles: vec![0, 1, 2],
            pairs: vec![pair(0, 1, 2), pair(0, 2, 1)],
            plan: vec![merge((1, 2), 4), split(4, 0, (5, 6))],
            sessions: 1,
            ..named("a sender and its receiver merge and part again")
        },
    ]
}

/// The smaller ones with fewer messages, crashes and sessions: for tests without optimisation.
#[must_use]
pub fn short() -> Vec<Scenario> {
    let few = |pair: Pair| Pair { messages: 1, ..pair };
    let shorten = |scenario: Scenario| {
        let pairs = scenario.pairs.iter().copied().map(few).collect();
        let crashes = u8::from(scenario.plan.is_empty() && scenario.doubles == 0);
        let sessions = if scenario.plan.is_empty() { 2 } else { 1 };
        Scenario { pairs, crashes, sessions, ..scenario }
    };
    let is_small = |scenario: &Scenario| scenario.plan.len() < 2 || scenario.pairs.len() < 2;
    full().into_iter().filter(is_small).map(shorten).collect()
}

/// A rule, and the scenario in which breaking it shows.
#[must_use]
pub fn wrong() -> Vec<(Wrong, Scenario)> {
    vec![
        (Wrong::NamedByReceiverAlone, Scenario { doubles: 1, ..still() }),
        (Wrong::SecondAnswerTaken, Scenario { doubles: 1, ..still() }),
        (Wrong::OldFramesTaken, still()),
        (Wrong::OldAcksTaken, still()),
        (Wrong::TrimmedWhenSent, still()),
        (Wrong::SentBeforeDurable, pipeline()),
        (Wrong::AckedBeforeDurable, pipeline()),
        (Wrong::NewestFirst, still()),
        (Wrong::OwnBeforeAncestors, sender_splits()),
        (Wrong::FloorTooHigh, still()),
        (Wrong::FloorsIgnored, receivers_merge()),
        (Wrong::NeverForgotten, sender_splits()),
        (Wrong::ForgottenOutsideItsRange, senders_merge()),
        (Wrong::UnlistedBeforeTrimmed, Scenario { pipeline: true, crashes: 1, ..one_splits() }),
        (Wrong::GenerationsIgnored, sender_splits()),
        (Wrong::RefusedAtOpeningAlone, one_splits()),
        (Wrong::SplitForgets, receiver_splits()),
        (Wrong::BothChildrenSendAll, sender_splits()),
        (Wrong::ChildrenOverlap, receiver_splits()),
        (Wrong::MergeTakesMaximum, receivers_merge()),
        (Wrong::MergeTakesMinimum, receivers_merge()),
        (Wrong::MergeLosesAnInbox, Scenario { inboxes: true, ..receivers_merge() }),
        (Wrong::InsideMovedLate, both_merge()),
        (Wrong::InsideUnchecked, both_merge()),
        (Wrong::InsideNeverForgotten, both_merge()),
    ]
}

fn still() -> Scenario {
    Scenario { tiles: vec![0, 1], pairs: vec![pair(0, 1, 3)], ..Scenario::named("two stay") }
}

fn pipeline() -> Scenario {
    Scenario { pipeline: true, crashes: 1, ..still() }
}

fn receiver_splits() -> Scenario {
    Scenario {
        tiles: vec![0, 2],
        pairs: vec![pair(0, 1, 2), pair(0, 2, 1)],
        plan: vec![split(2, 1, (3, 4))],
        ..Scenario::named("a receiver splits")
    }
}

fn receivers_merge() -> Scenario {
    Scenario {
        tiles: vec![0, 1, 2],
        pairs: vec![pair(0, 1, 2), pair(0, 2, 1)],
        plan: vec![merge((2, 3), 4)],
        ..Scenario::named("two receivers merge")
    }
}

fn sender_splits() -> Scenario {
    Scenario {
        tiles: vec![1, 2],
        pairs: vec![pair(0, 2, 2), pair(1, 2, 1)],
        plan: vec![split(1, 0, (3, 4))],
        ..Scenario::named("a sender splits")
    }
}

fn one_splits() -> Scenario {
    Scenario { pairs: vec![pair(0, 2, 1)], ..sender_splits() }
}

fn senders_merge() -> Scenario {
    Scenario {
        tiles: vec![0, 1, 2],
        pairs: vec![pair(0, 2, 2), pair(1, 2, 1)],
        plan: vec![merge((1, 2), 4)],
        ..Scenario::named("two senders merge")
    }
}

fn both_merge() -> Scenario {
    Scenario {
        tiles: vec![0, 1, 2],
        pairs: vec![pair(0, 1, 2)],
        plan: vec![merge((1, 2), 4)],
        ..Scenario::named("a sender and its receiver merge")
    }
}
