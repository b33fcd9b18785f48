//! Hosts whose wall clocks are wrong, set right, or set wrong while they run, and machines that were suspended.

use std::cmp::Ordering;
use std::time::Duration;

use apostate_partition::{Answer, Failure, Input, Notice, TimeOffset, Tuning};

use crate::pair::{Letterbox, Making, Writer, key_in};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// When a scenario begins.
const BEGINNING: u64 = 1_700_000_000_000;

/// How wrong a clock is that a start is tried with.
const WRONG: [i64; 4] = [-2 * DAY as i64, 25 * HOUR as i64, 2 * DAY as i64, 30 * 365 * DAY as i64];

/// A UUIDv7 that an honest client makes so many milliseconds after the beginning.
fn dated(after: u64) -> String {
    let made = format!("{:012x}", BEGINNING + after);
    format!("{}-{}-7abc-8def-0123456789ab", &made[..8], &made[8..])
}

/// How far partition time is from the time of the world, which is so many milliseconds after the beginning.
fn error(writer: &Writer, after: u64) -> i64 {
    writer.partition.status().now.0 as i64 - (BEGINNING + after) as i64
}

/// The notices about the clock: on which side of it partition time is.
fn heard(writer: &Writer) -> Vec<Ordering> {
    let side = |notice: &Notice| match notice {
        Notice::TimeOffset(offset) => Some(offset.side()),
        _ => None,
    };
    writer.notices.iter().filter_map(side).collect()
}

/// Calls with a key, and gives the answer.
fn call(writer: &mut Writer, letter: u64, key: &str) -> Answer {
    writer.answers.clear();
    writer.write(&key_in(1), &key_in(1), letter, Some(key));
    writer.answers.pop().expect("an answer")
}

fn again(writer: &Writer, late: u64, clock_off: i64) -> Writer {
    writer.again_as(Making { late, clock_off, ..Making::default() }).open()
}

#[test]
fn one_start_with_a_wrong_clock_harms_no_call() {
    for off in WRONG {
        let mut right = Writer::new(1).open();
        assert!(matches!(call(&mut right, 1, &dated(0)), Answer::Done { .. }));
        assert!(matches!(call(&mut right, 2, "undated"), Answer::Done { .. }));
        let mut wrong = again(&right, 1000, off);
        assert_eq!(error(&wrong, 1000), -1000, "{off}: time goes on from the newest record");
        let side = if off < 0 { Ordering::Greater } else { Ordering::Less };
        assert_eq!(heard(&wrong), [side], "{off}");
        assert_eq!(wrong.partition.status().time_offset.side(), side, "{off}");
        assert!(matches!(call(&mut wrong, 3, &dated(1000)), Answer::Done { .. }), "{off}");
        // It runs for three hours, and tells people no more than once.
        (0..180).for_each(|_| wrong.wait(HOUR / 60));
        assert!(error(&wrong, 3 * HOUR + 1000).abs() <= 3 * HOUR as i64, "{off}");
        assert_eq!(heard(&wrong).len(), 1, "{off}");
        wrong.tell(Input::RequestCheckpoint { ticket: 1 });
        wrong.work();
        let mut right = again(&wrong, 4 * HOUR, 0);
        for (letter, made) in [(1, 0), (3, 1000)] {
            let answer = call(&mut right, letter, &dated(made));
            assert!(matches!(answer, Answer::Repeated(_)), "{off}: {answer:?}");
        }
        assert!(matches!(call(&mut right, 2, "undated"), Answer::Repeated(_)), "{off}");
        assert!(matches!(call(&mut right, 4, &dated(4 * HOUR)), Answer::Done { .. }), "{off}");
        assert_eq!(right.got(&key_in(1)), [1, 2, 3, 4], "{off}");
    }
}

/// Nothing tells a wrong clock from a right one when there is no record. Partition time is ahead for long then, and that does no
/// harm to clients.
#[test]
fn a_first_start_with_a_wrong_clock_harms_no_later_call() {
    for off in WRONG {
        let mut wrong = Writer::first(1, Making { clock_off: off, ..Making::default() }).open();
        assert!(heard(&wrong).is_empty(), "{off}");
        call(&mut wrong, 1, "undated");
        let mut right = again(&wrong, HOUR, 0);
        if off > 0 {
            assert_eq!(heard(&right), [Ordering::Greater], "{off}: it is said");
        }
        for (letter, made) in [(2, HOUR), (3, HOUR + 5)] {
            let answer = call(&mut right, letter, &dated(made));
            assert!(matches!(answer, Answer::Done { .. }), "{off}: {answer:?}");
            let answer = call(&mut right, letter, &dated(made));
            assert!(matches!(answer, Answer::Repeated(_)), "{off}: {answer:?}");
        }
        assert!(matches!(call(&mut right, 1, "undated"), Answer::Repeated(_)), "{off}");
    }
}

#[test]
fn a_clock_that_is_set_right_while_the_node_runs_is_followed() {
    for off in WRONG {
        let right = Writer::new(1).open();
        let mut writer = again(&right, 1000, off);
        writer.wait(HOUR);
        writer.set_clock_off(0);
        writer.wait(1000);
        let answer = call(&mut writer, 1, &dated(HOUR + 2000));
        assert!(matches!(answer, Answer::Done { .. }), "{off}: {answer:?}");
        // Two hours at half the speed make up for one at twice the speed.
        writer.wait(2 * HOUR);
        writer.wait(1000);
        assert_eq!(error(&writer, 3 * HOUR + 3000), 0, "{off}");
        assert_eq!(heard(&writer).last(), Some(&Ordering::Equal), "{off}: {:?}", heard(&writer));
    }
}

#[test]
fn a_clock_that_is_set_wrong_while_the_node_runs_harms_no_call() {
    for off in WRONG {
        let mut writer = Writer::new(1).open();
        call(&mut writer, 1, &dated(0));
        writer.set_clock_off(off);
        writer.wait(1000);
        assert!(error(&writer, 1000).abs() <= 1000, "{off}");
        for (letter, key) in [(2, dated(1000)), (3, "undated".to_owned())] {
            let answer = call(&mut writer, letter, &key);
            assert!(matches!(answer, Answer::Done { .. }), "{off}: {answer:?}");
        }
        assert!(matches!(call(&mut writer, 1, &dated(0)), Answer::Repeated(_)), "{off}");
        assert_eq!(heard(&writer).len(), 1, "{off}");
        // It is woken in time, wherever its wall clock is.
        assert!((1..=5000).contains(&writer.wakes), "{off}: {}", writer.wakes);
    }
}

#[test]
fn a_machine_that_was_suspended_is_followed_at_once() {
    let mut writer = Writer::new(1).open();
    writer.wait(HOUR);
    assert_eq!((error(&writer, HOUR), heard(&writer).len()), (0, 0));
}

#[test]
fn a_node_that_stood_still_for_long_is_followed_at_an_operators_word() {
    let first = Writer::new(1).open();
    let paced = again(&first, 3 * DAY, 0);
    assert_eq!(error(&paced, 3 * DAY), -3 * DAY as i64);
    assert_eq!(paced.partition.status().time_offset, TimeOffset(-3 * DAY as i64));
    let mut paced = paced;
    let answer = call(&mut paced, 1, &dated(3 * DAY));
    assert!(matches!(answer, Answer::Done { .. }), "a key of today is not ahead: {answer:?}");
    let tuning = Tuning { clock_gap_max: Duration::MAX, ..Tuning::default() };
    let trusted = first.again_as(Making { late: 3 * DAY, tuning, ..Making::default() }).open();
    assert_eq!((error(&trusted, 3 * DAY), heard(&trusted).len()), (0, 0));
}

/// Two clocks judge the age of a key, and both may be wrong one after the other. What was forgotten is not run again.
#[test]
fn a_key_that_was_forgotten_is_not_run_again_however_the_clock_is_set() {
    let mut writer = Writer::new(1).open();
    call(&mut writer, 1, &dated(0));
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    // Somebody gives their word for a clock that is wrong, and what was done today is forgotten.
    let tuning = Tuning { clock_gap_max: Duration::MAX, ..Tuning::default() };
    let wrong = Making { late: 1000, clock_off: 3 * DAY as i64, tuning, ..Making::default() };
    let mut writer = writer.again_as(wrong).open();
    call(&mut writer, 2, "another");
    for _ in 0..5 {
        writer.tell(Input::RequestCheckpoint { ticket: 1 });
        writer.wait(10_000);
    }
    let mut writer = again(&writer, HOUR, 0);
    for is_stored in [false, true] {
        assert_eq!(call(&mut writer, 1, &dated(0)), Answer::Failed(Failure::KeyExpired), "{is_stored}");
        let answer = call(&mut writer, 3, &dated(HOUR));
        assert!(matches!(answer, Answer::Done { .. } | Answer::Repeated(_)), "{is_stored}: {answer:?}");
        // The same from the store alone.
        writer.tell(Input::RequestCheckpoint { ticket: 1 });
        writer.work();
        writer = again(&writer, HOUR, 0);
    }
    assert_eq!(writer.got(&key_in(1)), [1, 2, 3]);
}

/// A call has its entity forget keys that are too old. One of those comes again before the batch of that call is closed.
#[test]
fn a_key_that_the_open_batch_forgets_is_not_run_again_in_it() {
    let mut writer = Writer::new(1).open();
    call(&mut writer, 1, &dated(0));
    // Somebody gives their word for a clock that is wrong; then it is right again, and partition time stays ahead.
    let tuning = Tuning { clock_gap_max: Duration::MAX, ..Tuning::default() };
    let wrong = Making { late: 1000, clock_off: 3 * DAY as i64, tuning, ..Making::default() };
    let mut writer = writer.again_as(wrong).open();
    writer.write(&key_in(1), &key_in(1), 2, None);
    let mut writer = again(&writer, HOUR, 0);
    writer.answers.clear();
    for (letter, key) in [(3, dated(HOUR)), (1, dated(0))] {
        writer.ask(Letterbox::at(key_in(1)).write(key_in(1), letter), Some(&key));
    }
    writer.work();
    assert!(writer.answers.contains(&Answer::Failed(Failure::KeyExpired)), "{:?}", writer.answers);
    assert_eq!(writer.got(&key_in(1)), [1, 2, 3]);
}
