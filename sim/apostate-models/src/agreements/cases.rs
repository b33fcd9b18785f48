//! The scenarios that are taken to exhaustion, and those in which broken rules show.

use super::entity::Operation;
use super::scenario::{Proposal, Scenario};
use super::wrong::Wrong;

/// Every scenario at the size that is stated in `docs/design/models.md`.
#[must_use]
pub fn full() -> Vec<Scenario> {
    [one(), two(), policies(), deletions(), lapses(), nested()].concat()
}

fn all(proposer: u8, partners: &[u8]) -> Proposal {
    Proposal::all(proposer, partners)
}

fn everything(name: &'static str, proposals: Vec<Proposal>) -> Scenario {
    Scenario { pipeline: true, refuses: true, panics: true, ..Scenario::of(name, proposals) }
}

/// One agreement.
fn one() -> Vec<Scenario> {
    vec![
        everything("one agreement, two partners", vec![all(0, &[1, 2])]),
        Scenario { places: vec![0; 3], ..everything("one agreement, all in one place", vec![all(0, &[1, 2])]) },
        Scenario { on_hand: vec![0, 2], ..everything("a partner asked twice", vec![all(0, &[1, 1])]) },
        everything("a partner asked twice for the last one", vec![all(0, &[1, 1])]),
        everything("an entity proposes to itself too", vec![all(0, &[0, 1])]),
        everything("an agreement without partners", vec![all(0, &[])]),
        Scenario { pipeline: false, ..everything("one agreement, three partners", vec![all(0, &[1, 2, 3])]) },
    ]
}

/// Two agreements that share what a partner has.
fn two() -> Vec<Scenario> {
    let shared = |name| everything(name, vec![all(0, &[1, 2]), all(0, &[1])]);
    vec![
        Scenario { panics: false, ..shared("two agreements, a shared partner, crashes") },
        Scenario { pipeline: false, ..shared("two agreements, a shared partner, parked messages") },
        Scenario {
            pipeline: false,
            ..everything("two proposers, two shared partners", vec![all(0, &[2, 3]), all(1, &[3, 2])])
        },
        Scenario {
            places: vec![0, 0, 1],
            ..everything("two proposers in one place, a shared partner", vec![all(0, &[2]), all(1, &[2])])
        },
        everything("two entities propose to each other", vec![all(0, &[1]), all(1, &[0])]),
        Scenario {
            on_hand: vec![0, 2],
            ..everything("two agreements with one partner", vec![all(0, &[1]), all(0, &[1])])
        },
    ]
}

/// Other policies than all or nothing.
fn policies() -> Vec<Scenario> {
    let some = |at_least, partners: &[u8]| Proposal { at_least, ..all(0, partners) };
    let eager = |at_least, partners: &[u8]| Proposal { is_eager: true, ..some(at_least, partners) };
    vec![
        everything("at least one of two", vec![some(1, &[1, 2])]),
        everything("what is offered of two", vec![some(0, &[1, 2])]),
        everything("one of two, eagerly", vec![eager(1, &[1, 2])]),
        Scenario { pipeline: false, ..everything("two of three, eagerly", vec![eager(2, &[1, 2, 3])]) },
    ]
}

/// Entities that want to be deleted meanwhile.
fn deletions() -> Vec<Scenario> {
    vec![
        Scenario { deletes: vec![0, 1], ..everything("a proposer and its partner are deleted", vec![all(0, &[1])]) },
        Scenario { deletes: vec![0], ..everything("an entity proposes to itself and is deleted", vec![all(0, &[0])]) },
    ]
}

/// Operations with a deadline of their own.
fn lapses() -> Vec<Scenario> {
    vec![
        Scenario { lapses: vec![1], ..everything("an operation that may lapse", vec![all(0, &[1])]) },
        Scenario { lapses: vec![1], ..everything("one of two operations may lapse", vec![all(0, &[1, 2])]) },
        Scenario {
            lapses: vec![1],
            deletes: vec![1],
            ..everything("a partner lapses and is deleted", vec![all(0, &[1])])
        },
        Scenario { lapses: vec![0], ..everything("an operation of the proposer itself may lapse", vec![all(0, &[0])]) },
    ]
}

/// Agreements on behalf of a try.
fn nested() -> Vec<Scenario> {
    let inner = |partners: &[u8]| Proposal { under: Some(Operation { agreement: 0, leg: 0 }), ..all(1, partners) };
    let chain = |name| everything(name, vec![all(0, &[1]), inner(&[2])]);
    vec![
        chain("an agreement on behalf of a try"),
        Scenario { lapses: vec![1, 2], pipeline: false, ..chain("an agreement on behalf of a try, all may lapse") },
        everything(
            "an agreement on behalf of a try, without a deadline",
            vec![all(0, &[1]), Proposal { has_deadline: false, ..inner(&[2]) }],
        ),
        Scenario {
            pipeline: false,
            ..everything("two outer, two inner partners", vec![all(0, &[1, 2]), inner(&[3, 4])])
        },
        Scenario {
            pipeline: false,
            ..everything("the outer proposer is an inner partner", vec![all(0, &[1, 0]), inner(&[0, 2])])
        },
    ]
}

/// The same with less that goes wrong where there are two agreements: for tests without optimisation.
#[must_use]
pub fn short() -> Vec<Scenario> {
    let shorten = |scenario: Scenario| match scenario.proposals.len() {
        0 | 1 => scenario,
        _ => Scenario { pipeline: false, panics: false, ..scenario },
    };
    full().into_iter().map(shorten).collect()
}

/// A rule, and the scenario in which breaking it shows.
#[must_use]
pub fn wrong() -> Vec<(Wrong, Scenario)> {
    let one = |name| everything(name, vec![all(0, &[1])]);
    let pair = || everything("two partners", vec![all(0, &[1, 2])]);
    let some = Proposal { at_least: 1, is_eager: true, ..all(0, &[1, 2]) };
    let eager = || everything("one of two, eagerly", vec![some.clone()]);
    let twice = || Scenario {
        on_hand: vec![0, 2],
        ..everything("two agreements with one partner", vec![all(0, &[1]), all(0, &[1])])
    };
    let deleted = || Scenario { deletes: vec![0, 1], ..one("deletions") };
    let lapses = || Scenario { lapses: vec![1], ..one("an operation that may lapse") };
    let under = Some(Operation { agreement: 0, leg: 0 });
    let nested =
        || everything("an agreement on behalf of a try", vec![all(0, &[1]), Proposal { under, ..all(1, &[2]) }]);
    let asked_twice = || Scenario { on_hand: vec![0, 2], ..everything("a partner asked twice", vec![all(0, &[1, 1])]) };
    vec![
        (Wrong::EndingsSentByAuthor, pair()),
        (Wrong::HeaderKept, pair()),
        (Wrong::DeadlineKept, pair()),
        (Wrong::EmptyWaits, everything("no partner", vec![all(0, &[])])),
        (Wrong::UnansweredNotCancelled, pair()),
        (Wrong::UnansweredNotCancelled, eager()),
        (Wrong::LateAnswerCountsElsewhere, twice()),
        (Wrong::CountOutsideUndo, pair()),
        (Wrong::HeaderOutsideUndo, pair()),
        (Wrong::DeadlineOutsideUndo, pair()),
        (Wrong::OperationOutsideUndo, pair()),
        (Wrong::EndingsTrimmedEarly, pair()),
        (Wrong::EndingsOvertake, pair()),
        (Wrong::TryParked, pair()),
        (Wrong::TryParkedUntilDeadline, pair()),
        (Wrong::RefusedIsHeld, pair()),
        (Wrong::CancelWithoutTryCounts, pair()),
        (Wrong::FailedEndingDropped, pair()),
        (Wrong::FailedEndingEnds, pair()),
        (Wrong::SettledTwice, pair()),
        (Wrong::PartnerDecides, pair()),
        (Wrong::LapseIgnored, lapses()),
        (Wrong::LapsedForCancel, lapses()),
        (Wrong::LapseUnchecked, lapses()),
        (Wrong::LapseKept, lapses()),
        (Wrong::AcceptedBeforeInner, nested()),
        (Wrong::InnerEndsAtItsDecision, nested()),
        (Wrong::OuterCancelLeavesInner, nested()),
        (Wrong::ParkedLapsePassedDown, Scenario { lapses: vec![1], pipeline: false, ..nested() }),
        (Wrong::KeyWithoutNumber, twice()),
        (Wrong::KeyWithoutLeg, asked_twice()),
        (Wrong::DeletedWhileTentative, deleted()),
        (Wrong::DeletedWhileUndecided, deleted()),
    ]
}
