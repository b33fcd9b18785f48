//! Timers that are cancelled, replaced, taken back or parked, or whose entity is deleted: none of them is handled.

use apostate_log::Store;
use apostate_partition::cell::Section;
use apostate_partition::{Answer, Input, ParkedCommand};

use crate::pair::Writer;
use crate::timers::{Clock, PANICS, again, done, open, pending, rung, store, stored};

#[test]
fn a_timer_that_was_cancelled_is_gone_for_good() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set(vec![1, 2], 100));
    store(&mut writer);
    assert!(done(&mut writer, Clock::at("c").cancel(0)));
    assert!(!done(&mut writer, Clock::at("c").cancel(0)), "once");
    done(&mut writer, Clock::at("c").set_named(3, 100));
    assert!(done(&mut writer, Clock::at("c").cancel_named()));
    assert!(!done(&mut writer, Clock::at("c").cancel_named()));
    assert_eq!(done(&mut writer, Clock::at("c").flip()), [true, false, true, false]);
    let mut writer = again(&writer, 1000);
    assert_eq!(rung(&mut writer, "c"), [2]);
    assert!(!done(&mut writer, Clock::at("c").cancel(1)), "its message was handled");
    assert_eq!(pending(&writer), 0);
}

#[test]
fn a_refusal_and_a_panic_set_no_timer() {
    let mut writer = open();
    for is_ahead in [false, true] {
        for panics in [false, true] {
            if is_ahead {
                // In one batch: the panic takes the whole of it back, and it comes again.
                writer.ask(Clock::at("c").set(vec![1], 5), None);
            }
            let answer = ask_last(&mut writer, Clock::at("c").set_in_vain(panics));
            assert_eq!(matches!(answer, Answer::Refused(_)), !panics, "{answer:?}");
        }
    }
    writer.wait(1000);
    assert_eq!((rung(&mut writer, "c"), pending(&writer)), (vec![1, 1], 0));
}

#[test]
fn a_message_of_a_timer_that_waits_in_the_inbox_can_still_be_cancelled_or_replaced() {
    for (is_restarted, is_stored) in [(false, false), (true, false), (true, true)] {
        let mut writer = open();
        done(&mut writer, Clock::at("c").set(vec![1, 2], 20));
        done(&mut writer, Clock::at("c").set_named(3, 20));
        // A message that panics stands in front, then one that cancels, and then what is due.
        PANICS.set(1);
        done(&mut writer, Clock::at("d").tell(13));
        done(&mut writer, Clock::at("d").hush_other());
        writer.wait(20);
        let status = writer.partition.status();
        assert_eq!((status.inbox, status.timers, status.timers_overdue), (5, 3, 0));
        if is_stored {
            store(&mut writer);
            assert_eq!(stored(&writer), 3);
        }
        if is_restarted {
            writer = again(&writer, 21);
        }
        writer.wait(60);
        assert_eq!((rung(&mut writer, "c"), pending(&writer)), (vec![13, 2], 1));
        writer.wait(1000);
        assert_eq!((rung(&mut writer, "c"), pending(&writer)), (vec![13, 2, 5], 0));
    }
}

#[test]
fn a_timer_whose_message_is_parked_is_none_any_more_and_runs_when_it_is_retried() {
    let mut writer = open();
    PANICS.set(1000);
    done(&mut writer, Clock::at("c").set(vec![13], 20));
    for _ in 0..40 {
        // It panics each time.
        PANICS.set(1000);
        writer.wait(1000);
    }
    assert_eq!((writer.partition.status().parked, pending(&writer)), (1, 0));
    PANICS.set(0);
    let section = Section::Parked as u8;
    store(&mut writer);
    let (key, _) = writer.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads").remove(0);
    let number = u64::from_be_bytes(*key.last_chunk().expect("a number"));
    let to = Clock::at("c").rung().to.expect("a key");
    writer.tell(Input::Command(ParkedCommand { ticket: 1, to, number, retry: true }));
    writer.work();
    assert_eq!(rung(&mut writer, "c"), [13]);
}

#[test]
fn an_entity_that_is_deleted_has_no_timers_any_more() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set(vec![1, 2], 100));
    done(&mut writer, Clock::at("c").set_named(3, 100));
    store(&mut writer);
    done(&mut writer, Clock::at("c").end());
    assert_eq!(pending(&writer), 0);
    // A new life, whose ids are new.
    done(&mut writer, Clock::at("c").set(vec![4], 200));
    let mut writer = again(&writer, 10_000);
    assert_eq!(rung(&mut writer, "c"), [4]);
    store(&mut writer);
    assert_eq!(stored(&writer), 0);
}

/// Asks, and gives the last of the answers that come.
fn ask_last<E, R, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>) -> Answer {
    writer.ask(call, None);
    writer.work();
    writer.answers.pop().expect("an answer")
}
