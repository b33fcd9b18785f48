//! Agreements on behalf of a try, operations that may lapse, and agreements as large as they may be.

use apostate_core::limits::AGREEMENT_PARTNERS_MAX;
use apostate_partition::{Answer, Failure, Tuning};

use crate::agreements::{each, news, whom};
use crate::asks::{again, give_up, talk_long};
use crate::holder::{Holder, Who, holders, holders_in, one_with, open, two_with, units};
use crate::pair::{Writer, talk};
use crate::party::{call, impatient};

#[test]
fn an_inner_agreement_ends_as_the_outer_one_does() {
    let mut writer = one_with(Tuning::default(), &[("middle", 1), ("a", 1), ("b", 1)]);
    call(&mut writer, Holder::at("order").propose_through("middle".to_owned(), whom(&["a", "b"])));
    assert_eq!(news(&mut writer, "order"), ["agreed by 1"]);
    for key in ["middle", "a", "b"] {
        assert_eq!(units(&mut writer, key), (0, 0, 1), "{key}");
    }
    assert_eq!((open(&writer), writer.partition.status().timers), ((0, 0), 0));

    // One further down refuses: all of it is taken back.
    let mut writer = one_with(Tuning::default(), &[("middle", 1), ("a", 1), ("b", 0)]);
    call(&mut writer, Holder::at("order").propose_through("middle".to_owned(), whom(&["a", "b"])));
    assert_eq!(news(&mut writer, "order"), ["holder/middle refused: sold-out"]);
    for key in ["middle", "a"] {
        assert_eq!(units(&mut writer, key), (1, 0, 0), "{key}");
    }
    assert_eq!((open(&writer), writer.partition.status().timers), ((0, 0), 0));

    // The one in the middle has none itself, and its partners were never asked.
    let mut writer = one_with(Tuning::default(), &[("middle", 0), ("a", 1)]);
    call(&mut writer, Holder::at("order").propose_through("middle".to_owned(), whom(&["a"])));
    assert_eq!(news(&mut writer, "order"), ["holder/middle refused: sold-out"]);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((1, 0, 0), (0, 0)));
}

#[test]
fn a_process_that_stops_between_any_two_commits_changes_nothing_further_down() {
    // The outer proposer and its partner's partner live here, the one in the middle there.
    for is_proposer in [true, false] {
        for stopped_before in 0..18 {
            let (mut here, mut there, [order, near, middle]) = two_with(Tuning::default(), 1);
            call(&mut here, Holder::at(&order).propose_through(middle.clone(), whom(&[&near])));
            for carried in 0..60 {
                if carried == stopped_before {
                    let stopped = if is_proposer { &mut here } else { &mut there };
                    *stopped = again(stopped, holders(2, Tuning::default()));
                }
                let (from, to) = if here.frames.is_empty() { (&mut there, &mut here) } else { (&mut here, &mut there) };
                let Some(frame) = from.frames.pop_front() else { break };
                to.hear(from, frame);
            }
            talk_long(&mut here, &mut there);
            let context = format!("proposer: {is_proposer}, before frame {stopped_before}");
            assert_eq!(news(&mut here, &order), ["agreed by 1"], "{context}");
            assert_eq!((units(&mut here, &near), units(&mut there, &middle)), ((0, 0, 1), (0, 0, 1)), "{context}");
            assert_eq!((open(&here), open(&there)), ((0, 0), (0, 0)), "{context}");
        }
    }
}

#[test]
fn an_outer_decision_ends_an_inner_agreement_that_has_none() {
    // The partner further down is silent, and the outer deadline passes.
    let (mut here, mut there, [order, middle, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_through(middle.clone(), whom(&[&far])));
    assert_eq!(open(&here), (2, 1));
    here.wait(60_000);
    assert_eq!((news(&mut here, &order), units(&mut here, &middle)), (vec!["expired".to_owned()], (1, 0, 0)));
    assert_eq!(open(&here), (0, 0));
    talk_long(&mut here, &mut there);
    assert_eq!((units(&mut there, &far), open(&there)), ((1, 0, 0), (0, 0)));
}

#[test]
fn an_ending_that_is_parked_travels_down_all_the_same() {
    let mut writer = Writer::first(1, holders(1, impatient())).open();
    for key in ["middle", "a"] {
        call(&mut writer, Holder::at(key).stock(1));
    }
    call(&mut writer, Holder::at("middle").set_broken(true));
    call(&mut writer, Holder::at("order").propose_through("middle".to_owned(), whom(&["a"])));
    give_up(&mut writer);
    assert_eq!(news(&mut writer, "order"), ["agreed by 1"]);
    assert_eq!((units(&mut writer, "a"), units(&mut writer, "middle")), ((0, 0, 1), (0, 1, 0)));
    assert_eq!((open(&writer), writer.partition.status().parked), ((0, 1), 1));
}

#[test]
fn an_operation_that_may_lapse_is_confirmed_in_time_or_its_proposer_is_told() {
    let (mut here, mut there, [order, lender, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_lapsing(whom(&[&lender, &far])));
    talk(&mut here, &mut there);
    assert_eq!(news(&mut here, &order), ["agreed by 2"]);
    assert_eq!((units(&mut here, &lender), units(&mut there, &far)), ((0, 0, 1), (0, 0, 1)));
    assert_eq!((open(&here), open(&there), here.partition.status().timers), ((0, 0), (0, 0), 0));

    let (mut here, mut there, [order, lender, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_lapsing(whom(&[&lender, &far])));
    here.wait(9999);
    assert_eq!(units(&mut here, &lender), (0, 1, 0), "not early");
    here.wait(1);
    assert_eq!((units(&mut here, &lender), open(&here)), ((1, 0, 0), (1, 0)));
    talk_long(&mut here, &mut there);
    assert_eq!(news(&mut here, &order), ["agreed by 2".to_owned(), format!("leg 0 of {lender} has lapsed")]);
    assert_eq!((units(&mut here, &lender), units(&mut there, &far)), ((1, 0, 0), (0, 0, 1)));
    assert_eq!((open(&here), open(&there)), ((0, 0), (0, 0)));

    // Of a cancel that finds nothing nobody is told.
    let (mut here, _, [order, lender, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_lapsing(whom(&[&lender, &far])));
    here.wait(60_000);
    assert_eq!((news(&mut here, &order), units(&mut here, &lender)), (vec!["expired".to_owned()], (1, 0, 0)));
}

#[test]
fn as_many_partners_as_there_may_be_decide_in_one_commit() {
    let most = AGREEMENT_PARTNERS_MAX;
    let mut writer = one_with(Tuning::default(), &[("a", most as u64)]);
    call(&mut writer, Holder::at("o").propose(vec!["a".to_owned(); most]));
    assert_eq!((news(&mut writer, "o"), open(&writer)), (vec![format!("agreed by {most}")], (0, 0)));
    assert_eq!(units(&mut writer, "a"), (0, 0, most as u64));

    let (mut here, mut there, [order, _, far]) = two_with(Tuning::default(), most as u64);
    let mut asked = vec![far.clone(); most - 1];
    asked.push(holders_in(2, 2).remove(1));
    call(&mut here, Holder::at(&order).propose(asked));
    talk_long(&mut here, &mut there);
    talk_long(&mut here, &mut there);
    assert_eq!(news(&mut here, &order), [format!("holder/{} refused: sold-out", holders_in(2, 2)[1])]);
    assert_eq!((units(&mut there, &far), open(&here), open(&there)), ((most as u64, 0, 0), (0, 0), (0, 0)));
}

#[test]
fn an_agreement_that_is_too_large_to_be_decided_is_not_proposed() {
    let mut writer = one_with(Tuning::default(), &[("a", 9)]);
    let long = "x".repeat(256);
    for (key, partners) in [("o", AGREEMENT_PARTNERS_MAX + 1), (&long, 3000)] {
        writer.answers.clear();
        call(
            &mut writer,
            Holder::at(key).propose(vec![if key == "o" { "a".to_owned() } else { long.clone() }; partners]),
        );
        assert!(matches!(writer.answers.pop(), Some(Answer::Failed(Failure::TooLarge))), "{partners}");
    }
    assert_eq!((units(&mut writer, "a"), open(&writer), writer.partition.status().inbox), ((9, 0, 0), (0, 0), 0));
}

#[test]
fn a_clock_that_is_off_between_two_partitions_changes_no_decision() {
    for off in [-3_600_000, 3_600_000] {
        let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
        there.set_clock_off(off);
        there.wait(1000);
        call(&mut here, Holder::at(&order).propose_to(each(&[&near, &far], 1), Who::All, 10_000));
        talk_long(&mut here, &mut there);
        assert_eq!(news(&mut here, &order), ["agreed: [(0, 0), (1, 0)]"], "{off}");
        assert_eq!((units(&mut here, &near), units(&mut there, &far)), ((0, 0, 1), (0, 0, 1)), "{off}");
    }
}
