//! Agreements: each is decided once, each operation ends once, and nothing is left over, whatever happens to entities, partitions and processes.

use apostate_log::Store;
use apostate_partition::cell::Section;
use apostate_partition::{Answer, Failure, Input, ParkedCommand, Range, Tuning, parked};

use crate::asks::{again, give_up, talk_long};
use crate::holder::{Holder, Who, address, holders, one_with, open, show, two_with, units};
use crate::pair::{Making, Writer, talk};
use crate::party::{call, impatient};

/// Keys to ask.
pub(crate) fn whom(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

pub(crate) fn each(keys: &[&str], units: u64) -> Vec<(String, u64)> {
    keys.iter().map(|key| ((*key).to_owned(), units)).collect()
}

/// The news of a proposer.
pub(crate) fn news(writer: &mut Writer, key: &str) -> Vec<String> {
    show(writer, key).news
}

#[test]
fn all_agree_and_each_partner_is_confirmed() {
    let mut writer = one_with(Tuning::default(), &[("a", 2), ("b", 1)]);
    call(&mut writer, Holder::at("order").propose(whom(&["a", "b"])));
    assert_eq!(news(&mut writer, "order"), ["agreed by 2"]);
    assert_eq!((units(&mut writer, "a"), units(&mut writer, "b"), open(&writer)), ((1, 0, 1), (0, 0, 1), (0, 0)));
    assert_eq!(writer.partition.status().timers, 0, "the deadline is gone");

    let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose(whom(&[&near, &far])));
    assert_eq!((open(&here), open(&there)), ((1, 1), (0, 0)));
    talk(&mut here, &mut there);
    assert_eq!(news(&mut here, &order), ["agreed by 2"]);
    assert_eq!((units(&mut here, &near), units(&mut there, &far)), ((0, 0, 1), (0, 0, 1)));
    assert_eq!((open(&here), open(&there), here.partition.status().timers), ((0, 0), (0, 0), 0));
}

#[test]
fn one_refusal_gives_back_what_the_others_hold() {
    let mut writer = one_with(Tuning::default(), &[("a", 1), ("b", 0), ("c", 1)]);
    call(&mut writer, Holder::at("order").propose(whom(&["a", "b", "c"])));
    assert_eq!(news(&mut writer, "order"), ["holder/b refused: sold-out"]);
    for key in ["a", "c"] {
        assert_eq!(units(&mut writer, key), (1, 0, 0), "{key}");
    }
    assert_eq!((open(&writer), writer.partition.status().counts.late_answers), ((0, 0), 1));

    // The refusal is here before the far partner has been asked: its cancel is behind its try.
    let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose(whom(&[&near, &near, &far])));
    assert_eq!((news(&mut here, &order), open(&here)), (vec![format!("holder/{near} refused: sold-out")], (0, 0)));
    talk(&mut here, &mut there);
    assert_eq!((units(&mut here, &near), units(&mut there, &far)), ((1, 0, 0), (1, 0, 0)));
    assert_eq!(open(&there), (0, 0));
}

#[test]
fn an_agreement_that_is_decided_in_its_batch_is_in_no_record() {
    let mut writer = one_with(Tuning::default(), &[("a", 1), ("order", 1)]);
    call(&mut writer, Holder::at("order").propose(whom(&["a", "order"])));
    assert_eq!(news(&mut writer, "order"), ["agreed by 2"]);
    let sections = [Section::Agreements, Section::Operations, Section::Timers];
    assert_eq!(crate::party::written(&writer, &sections), 0);
}

#[test]
fn an_agreement_without_partners_is_agreed_at_once() {
    let mut writer = one_with(Tuning::default(), &[]);
    call(&mut writer, Holder::at("order").propose(Vec::new()));
    assert_eq!((news(&mut writer, "order"), open(&writer)), (vec!["agreed by 0".to_owned()], (0, 0)));
}

#[test]
fn an_entity_may_propose_to_itself_and_ask_one_partner_twice() {
    let mut writer = one_with(Tuning::default(), &[("a", 5)]);
    call(&mut writer, Holder::at("a").propose_to(each(&["a", "a"], 2), Who::All, 1000));
    assert_eq!(news(&mut writer, "a"), ["agreed: [(0, 3), (1, 1)]"]);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((1, 0, 4), (0, 0)));
    call(&mut writer, Holder::at("a").propose_to(each(&["a", "a"], 1), Who::All, 1000));
    assert_eq!(news(&mut writer, "a")[1..], ["a refused: sold-out"]);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((1, 0, 4), (0, 0)));
}

#[test]
fn the_policy_says_how_many_have_to_accept() {
    let stock = [("a", 1), ("b", 0), ("c", 1)];
    let cases = [
        (Who::AtLeast(2), "agreed: [(0, 0), (2, 0)]", 2),
        (Who::AtLeast(3), "b refused: sold-out", 0),
        (Who::Eagerly(1), "agreed: [(0, 0)]", 1),
        (Who::Eagerly(2), "agreed: [(0, 0), (2, 0)]", 2),
        (Who::Offered, "agreed: [(0, 0), (2, 0)]", 2),
    ];
    for (who, told, gone) in cases {
        let mut writer = one_with(Tuning::default(), &stock);
        call(&mut writer, Holder::at("order").propose_to(each(&["a", "b", "c"], 1), who, 1000));
        assert_eq!(news(&mut writer, "order"), [told], "{who:?}");
        let all = ["a", "b", "c"].map(|key| units(&mut writer, key));
        assert_eq!(
            (all.iter().map(|it| it.2).sum::<u64>(), all.iter().map(|it| it.1).sum::<u64>()),
            (gone, 0),
            "{who:?}"
        );
        assert_eq!((all.iter().map(|it| it.0).sum::<u64>(), open(&writer)), (2 - gone, (0, 0)), "{who:?}");
    }
    let mut writer = one_with(Tuning::default(), &[("a", 0)]);
    call(&mut writer, Holder::at("order").propose_to(each(&["a"], 1), Who::Offered, 1000));
    assert_eq!(news(&mut writer, "order"), ["agreed: []"]);
}

#[test]
fn the_deadline_decides_what_no_answer_does() {
    for (who, told, gone) in
        [(Who::All, "expired", 0), (Who::AtLeast(1), "agreed: [(0, 0)]", 1), (Who::Offered, "agreed: [(0, 0)]", 1)]
    {
        let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
        call(&mut here, Holder::at(&order).propose_to(each(&[&near, &far], 1), who, 1000));
        here.wait(999);
        assert!(news(&mut here, &order).is_empty(), "{who:?}: not early");
        here.wait(1);
        assert_eq!((news(&mut here, &order), open(&here)), (vec![told.to_owned()], (0, 0)), "{who:?}");
        // The partner's partition was down meanwhile, and hears of the try and of its cancel.
        talk_long(&mut here, &mut there);
        assert_eq!((units(&mut here, &near).2, units(&mut there, &far)), (gone, (1, 0, 0)), "{who:?}");
        assert_eq!((open(&there), here.partition.status().counts.late_answers), ((0, 0), 1), "{who:?}");
    }
}

#[test]
fn an_answer_and_the_deadline_that_come_together_decide_once() {
    let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
    call(&mut here, Holder::at(&order).propose_to(each(&[&near, &far], 1), Who::All, 1000));
    while let Some(frame) = here.frames.pop_front() {
        there.hear(&here, frame);
    }
    // The answer is handed over in the step in which the deadline is due.
    let frames = std::mem::take(&mut there.frames);
    here.wait(1000);
    for frame in frames {
        here.hear(&there, frame);
    }
    talk_long(&mut here, &mut there);
    let told = news(&mut here, &order);
    let gone = u64::from(told == ["agreed: [(0, 0), (1, 0)]"]);
    assert!(gone == 1 || told == ["expired"], "{told:?}");
    assert_eq!((units(&mut here, &near).2, units(&mut there, &far).2), (gone, gone));
    assert_eq!((open(&here), open(&there)), ((0, 0), (0, 0)));
}

#[test]
fn a_process_that_stops_between_any_two_commits_changes_nothing() {
    for (stock, told) in [(1, "agreed by 2"), (0, "refused")] {
        for is_proposer in [true, false] {
            for stopped_before in 0..14 {
                let (mut here, mut there, [order, near, far]) = two_with(Tuning::default(), 1);
                if stock == 0 {
                    call(&mut there, Holder::at(&far).propose_to(each(&[&far], 1), Who::All, 1000));
                }
                call(&mut here, Holder::at(&order).propose(whom(&[&near, &far])));
                for carried in 0..40 {
                    if carried == stopped_before {
                        let stopped = if is_proposer { &mut here } else { &mut there };
                        *stopped = again(stopped, holders(2, Tuning::default()));
                    }
                    let (from, to) =
                        if here.frames.is_empty() { (&mut there, &mut here) } else { (&mut here, &mut there) };
                    let Some(frame) = from.frames.pop_front() else { break };
                    to.hear(from, frame);
                }
                talk_long(&mut here, &mut there);
                let context = format!("stock {stock}, proposer: {is_proposer}, before frame {stopped_before}");
                let heard = news(&mut here, &order);
                assert!(heard.len() == 1 && heard[0].contains(told), "{context}: {heard:?}");
                assert_eq!(units(&mut here, &near), (1 - stock, 0, stock), "{context}");
                assert_eq!(units(&mut there, &far), (0, 0, 1), "{context}");
                assert_eq!(
                    (open(&here), open(&there), here.partition.status().timers),
                    ((0, 0), (0, 0), 0),
                    "{context}"
                );
            }
        }
    }
}

#[test]
fn an_open_agreement_is_read_back_from_the_log_and_from_the_store() {
    for is_stored in [false, true] {
        let (mut here, mut there, [order, near, far]) = two_with(impatient(), 1);
        call(&mut here, Holder::at(&order).propose(whom(&[&near, &far])));
        while let Some(frame) = here.frames.pop_front() {
            there.hear(&here, frame);
        }
        for writer in [&mut here, &mut there] {
            if is_stored {
                writer.tell(Input::RequestCheckpoint { ticket: 1 });
                writer.work();
            }
        }
        let (mut here, mut there) = (again(&here, holders(2, impatient())), again(&there, holders(2, impatient())));
        assert_eq!((open(&here), open(&there)), ((1, 1), (0, 1)), "stored: {is_stored}");
        talk_long(&mut here, &mut there);
        assert_eq!(news(&mut here, &order), ["agreed by 2"]);
        assert_eq!((units(&mut here, &near), units(&mut there, &far)), ((0, 0, 1), (0, 0, 1)));
        for writer in [&mut here, &mut there] {
            writer.tell(Input::RequestCheckpoint { ticket: 2 });
            writer.work();
            for section in [Section::Agreements, Section::Operations, Section::Timers] {
                let left = writer.store.scan(&[section as u8], &[section as u8 + 1], usize::MAX).expect("it reads");
                assert!(left.is_empty(), "{section:?}");
            }
            assert_eq!(open(&again(writer, holders(2, impatient()))), (0, 0));
        }
    }
}

#[test]
fn an_agreement_that_is_taken_back_with_its_batch_was_never_proposed() {
    let mut writer = one_with(Tuning::default(), &[("a", 3)]);
    // The second one panics on a value that the first has changed and others have built upon: the whole batch is taken back.
    writer.ask(Holder::at("order").propose(whom(&["a"])), None);
    writer.ask(Holder::at("order").falter(whom(&["a"])), None);
    writer.ask(Holder::at("order").propose(whom(&["a"])), None);
    writer.work();
    assert_eq!(news(&mut writer, "order"), ["agreed by 1", "agreed by 1"]);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((1, 0, 2), (0, 0)));

    let (mut here, mut there, [order, _, far]) = two_with(Tuning::default(), 3);
    here.ask(Holder::at(&order).propose(whom(&[&far])), None);
    here.ask(Holder::at(&order).falter(whom(&[&far])), None);
    here.work();
    assert_eq!(open(&here), (1, 0));
    talk(&mut here, &mut there);
    assert_eq!((news(&mut here, &order), units(&mut there, &far)), (vec!["agreed by 1".to_owned()], (2, 0, 1)));
}

#[test]
fn a_try_that_cannot_be_run_counts_as_refused_and_is_never_parked() {
    let (mut here, mut there, [order, near, far]) = two_with(impatient(), 1);
    call(&mut here, Holder::at(&order).propose_to(vec![(near.clone(), 1), (far.clone(), 666)], Who::All, 600_000));
    talk(&mut here, &mut there);
    give_up(&mut there);
    talk_long(&mut here, &mut there);
    assert_eq!(news(&mut here, &order), [format!("{far} refused: failed")]);
    assert_eq!((units(&mut here, &near), units(&mut there, &far)), ((1, 0, 0), (1, 0, 0)));
    assert_eq!((there.partition.status().parked, open(&here), open(&there)), (0, (0, 0), (0, 0)));
}

#[test]
fn an_ending_that_keeps_panicking_is_parked_with_its_operation_and_never_dismissed() {
    let mut writer = Writer::first(1, holders(1, impatient())).open();
    call(&mut writer, Holder::at("a").stock(1));
    call(&mut writer, Holder::at("a").set_broken(true));
    call(&mut writer, Holder::at("order").propose(whom(&["a"])));
    give_up(&mut writer);
    assert_eq!((news(&mut writer, "order"), open(&writer)), (vec!["agreed by 1".to_owned()], (0, 1)));
    assert_eq!((units(&mut writer, "a"), writer.partition.status().parked), ((0, 1, 0), 1));
    let number = parked_number(&mut writer);
    let command = |retry| ParkedCommand { ticket: 7, to: address("a"), number, retry };
    writer.answers.clear();
    writer.tell(Input::Command(command(false)));
    writer.work();
    assert!(matches!(writer.answers.pop(), Some(Answer::Failed(Failure::EndsOperation))));
    assert_eq!(writer.partition.status().parked, 1);
    // Also after a restart it is the ending of that operation.
    let mut writer = again(&writer, holders(1, impatient()));
    call(&mut writer, Holder::at("a").set_broken(false));
    writer.tell(Input::Command(command(true)));
    give_up(&mut writer);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((0, 0, 1), (0, 0)));
    assert_eq!(writer.partition.status().parked, 0);
}

/// The number of the only parked message.
fn parked_number(writer: &mut Writer) -> u64 {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let stored = parked(&writer.store, &[Range::WHOLE], None, usize::MAX).expect("it reads");
    let [number] = stored.iter().map(|stored| stored.number).collect::<Vec<_>>()[..] else { panic!("one is parked") };
    number
}

#[test]
fn a_handler_that_cannot_bear_the_outcome_harms_no_partner() {
    let mut writer = Writer::first(1, holders(1, impatient())).open();
    call(&mut writer, Holder::at("a").stock(1));
    call(&mut writer, Holder::at("order").dread(whom(&["a"])));
    give_up(&mut writer);
    assert_eq!((units(&mut writer, "a"), open(&writer)), ((0, 0, 1), (0, 0)));
    assert_eq!(writer.partition.status().parked, 1);
}

#[test]
fn nobody_leaves_while_others_count_on_it() {
    let (mut here, mut there, [order, _, far]) = two_with(Tuning::default(), 1);
    let leaves = |writer: &mut Writer, key: &str| {
        writer.answers.clear();
        call(writer, Holder::at(key).leave());
        match writer.answers.pop() {
            Some(Answer::Done { .. }) => true,
            Some(Answer::Failed(Failure::Uncertain)) => false,
            other => panic!("{other:?}"),
        }
    };
    call(&mut here, Holder::at(&order).propose(whom(&[&far])));
    assert!(!leaves(&mut here, &order), "it is undecided");
    while let Some(frame) = here.frames.pop_front() {
        there.hear(&here, frame);
    }
    assert!(!leaves(&mut there, &far), "it is tentative");
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &order), units(&mut there, &far)), (vec!["agreed by 1".to_owned()], (0, 0, 1)));
    assert!(leaves(&mut here, &order) && leaves(&mut there, &far));
}

#[test]
fn a_try_waits_for_a_build_that_has_its_handler() {
    let (mut here, there, [order, near, far]) = two_with(Tuning::default(), 1);
    let mut there = again(&there, Making { partitions: 2, ..Making::default() });
    call(&mut here, Holder::at(&order).propose(whom(&[&near, &far])));
    talk_long(&mut here, &mut there);
    assert_eq!((there.partition.status().inbox, open(&here)), (1, (1, 1)));
    here.wait(60_000);
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &order), there.partition.status().inbox), (vec!["expired".to_owned()], 2));
    let mut there = again(&there, holders(2, Tuning::default()));
    talk_long(&mut here, &mut there);
    assert_eq!((units(&mut there, &far), open(&there), there.partition.status().inbox), ((1, 0, 0), (0, 0), 0));
}
