//! Asks whose time runs out: the news of that comes once, and of it and the answer only the first counts.

use apostate_partition::{Input, Tuning};

use crate::asks::{again, talk_long, two};
use crate::pair::Writer;
use crate::party::{Party, call, impatient, news, old_parties, open_asks, parties};

fn late(writer: &Writer) -> u64 {
    writer.partition.status().counts.late_answers
}

fn timers(writer: &Writer) -> usize {
    writer.partition.status().timers
}

#[test]
fn an_ask_that_has_no_answer_in_time_expires_and_the_answer_that_comes_then_is_dropped() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask_for(partner.clone(), 5000));
    here.wait(4000);
    assert_eq!((news(&mut here, &asker).len(), open_asks(&here), timers(&here)), (0, 1, 1));
    here.wait(1100);
    assert_eq!((news(&mut here, &asker), open_asks(&here)), (vec![format!("{partner}: expired")], 0));
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &asker).len(), late(&here), timers(&here)), (1, 1, 0));
    // What was asked was done all the same.
    call(&mut here, Party::at(&asker).inspect(partner.clone(), 1));
    talk_long(&mut here, &mut there);
    assert_eq!(news(&mut here, &asker)[1..], [format!("{partner}: 1")]);
}

#[test]
fn an_answer_that_comes_in_time_ends_the_deadline() {
    let (mut here, mut there, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask_for(partner.clone(), 60_000));
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &asker), timers(&here)), (vec![format!("{partner}: 1")], 0));
    for _ in 0..20 {
        here.wait(5000);
    }
    assert_eq!((news(&mut here, &asker).len(), late(&here)), (1, 0));
}

#[test]
fn a_deadline_outlives_the_process_whether_log_or_store_have_it() {
    for is_stored in [false, true] {
        let (mut here, _, asker, partner) = two(impatient());
        call(&mut here, Party::at(&asker).ask_for(partner.clone(), 5000));
        if is_stored {
            here.tell(Input::RequestCheckpoint { ticket: 1 });
            here.work();
        }
        let mut here = again(&here, parties(2, impatient()));
        assert_eq!((open_asks(&here), timers(&here)), (1, 1));
        here.wait(5100);
        assert_eq!((news(&mut here, &asker), open_asks(&here)), (vec![format!("{partner}: expired")], 0));
        let mut here = again(&here, parties(2, impatient()));
        here.wait(6000);
        assert_eq!((news(&mut here, &asker).len(), open_asks(&here), timers(&here)), (1, 0, 0));
    }
}

#[test]
fn of_an_answer_and_a_deadline_that_wait_behind_a_panic_the_first_counts() {
    for is_answer_first in [true, false] {
        let (mut here, mut there, asker, partner) = two(Tuning::default());
        // Its answer has a handler that panics, and all else waits behind that.
        call(&mut here, Party::at(&asker).dread(asker.clone()));
        call(&mut here, Party::at(&asker).ask_for(asker.clone(), 0));
        assert!(here.partition.status().inbox > 0);
        here.wait(31_000);
        let (mut here, mut asked) = (here, 0);
        for milliseconds in [10_000, 60_000] {
            let before = news(&mut here, &asker).len();
            call(&mut here, Party::at(&asker).ask_for(partner.clone(), milliseconds));
            asked += 1;
            if is_answer_first {
                talk_long(&mut here, &mut there);
            }
            for _ in 0..14 {
                here.wait(5000);
            }
            talk_long(&mut here, &mut there);
            let told = news(&mut here, &asker)[before..].to_vec();
            assert_eq!(told.len(), 1, "{told:?}");
            assert_eq!(told[0].ends_with("expired"), !is_answer_first, "{told:?}");
        }
        assert_eq!((open_asks(&here), timers(&here), asked), (0, 0, 2));
    }
}

#[test]
fn an_ask_of_what_no_build_knows_expires_and_a_later_build_answers_too_late() {
    let (mut here, there, asker, partner) = two(Tuning::default());
    let mut there = again(&there, old_parties(2));
    call(&mut here, Party::at(&asker).ask_for(partner.clone(), 30_000));
    talk_long(&mut here, &mut there);
    for _ in 0..5 {
        here.wait(5000);
    }
    assert_eq!(news(&mut here, &asker), [format!("{partner}: expired")]);
    let mut there = again(&there, parties(2, Tuning::default()));
    talk_long(&mut here, &mut there);
    assert_eq!((news(&mut here, &asker).len(), late(&here)), (1, 1));
}

#[test]
fn an_entity_that_is_deleted_takes_its_deadlines_with_it() {
    let (mut here, _, asker, partner) = two(Tuning::default());
    call(&mut here, Party::at(&asker).ask_for(partner.clone(), 5000));
    call(&mut here, Party::at(&asker).leave(Some(partner)));
    assert_eq!((open_asks(&here), timers(&here)), (0, 0));
    here.wait(10_000);
    assert!(news(&mut here, &asker).is_empty());
    assert_eq!(late(&here), 0);
}

#[test]
fn an_ask_with_no_time_at_all_ends_once() {
    let mut writer = Writer::first(1, parties(1, Tuning::default())).open();
    for count in 1..=5 {
        call(&mut writer, Party::at("a").ask_for("b".to_owned(), 0));
        for _ in 0..5 {
            writer.wait(10);
        }
        assert_eq!((news(&mut writer, "a").len(), open_asks(&writer), timers(&writer)), (count, 0, 0));
    }
}
