//! Messages whose bodies are in the store only, and client keys that are too old.

use std::time::Duration;

use apostate_core::Registry;
use apostate_log::Store;
use apostate_partition::cell::{self, Section};
use apostate_partition::{Answer, Failure, Input, StopReason, Tuning};

use crate::pair::{Making, OldLetterbox, Writer, key_in, talk};
use crate::parcel::{Parcel, keys_in, parcels};

/// No body stays in memory that the store has.
fn without_memory() -> Making {
    Making { tuning: Tuning { outbox_memory: 0, ..Tuning::default() }, ..Making::default() }
}

/// A sender that has written letters 1 to 20 to somebody who is not there, the first 15 of them known to the store.
fn backlog(making: Making) -> (Writer, String) {
    let mut sender = Writer::first(1, making).open();
    let (from, to) = (key_in(1), key_in(2));
    for letter in 1..=20 {
        sender.write(&from, &to, letter, None);
        if letter == 15 {
            sender.tell(Input::RequestCheckpoint { ticket: 1 });
            sender.work();
        }
    }
    (sender, to)
}

/// Lets both speak until all has arrived.
fn deliver(sender: &mut Writer, receiver: &mut Writer) {
    for _ in 0..20 {
        sender.wait(1000);
        receiver.wait(1000);
        talk(sender, receiver);
    }
}

#[test]
fn bodies_that_memory_has_no_room_for_are_read_back_in_order() {
    let roomy = backlog(Making::default()).0.partition.status();
    let (mut sender, to) = backlog(without_memory());
    let before = sender.partition.status();
    assert_eq!((before.outbox, before.outbox_bytes), (roomy.outbox, roomy.outbox_bytes));
    assert!(before.outbox_memory < roomy.outbox_memory, "{} of {}", before.outbox_memory, roomy.outbox_memory);
    let mut receiver = Writer::new(2).open();
    deliver(&mut sender, &mut receiver);
    assert_eq!(receiver.got(&to), (1..=20).collect::<Vec<_>>());
    assert_eq!(sender.partition.status().outbox, 0);
}

#[test]
fn an_opening_keeps_no_more_bodies_than_there_is_room_for() {
    let (sender, to) = backlog(without_memory());
    let roomy = sender.again().partition.status();
    let mut again = sender.again_as(without_memory());
    let tight = again.partition.status();
    assert_eq!((tight.outbox, tight.outbox_bytes), (20, roomy.outbox_bytes));
    assert!(tight.outbox_memory < roomy.outbox_memory, "{} of {}", tight.outbox_memory, roomy.outbox_memory);
    again = again.open();
    let mut receiver = Writer::new(2).open();
    deliver(&mut again, &mut receiver);
    assert_eq!(receiver.got(&to), (1..=20).collect::<Vec<_>>());
}

#[test]
fn a_session_that_starts_again_in_the_middle_of_a_backlog_repeats_and_skips_nothing() {
    let (mut sender, to) = backlog(without_memory());
    let mut receiver = Writer::new(2).open();
    for _ in 0..200 {
        sender.wait(200);
        receiver.wait(200);
        // Every other thing that the sender says is lost.
        let said: Vec<_> = sender.frames.drain(..).collect();
        said.into_iter().step_by(2).for_each(|bytes| receiver.hear(&sender, bytes));
        let said: Vec<_> = receiver.frames.drain(..).collect();
        said.into_iter().for_each(|bytes| sender.hear(&receiver, bytes));
    }
    deliver(&mut sender, &mut receiver);
    assert_eq!(receiver.got(&to), (1..=20).collect::<Vec<_>>());
}

#[test]
fn a_message_that_the_store_has_lost_or_damaged_stops_its_partition() {
    for is_lost in [true, false] {
        let (mut sender, _) = backlog(without_memory());
        let section = Section::Outgoing as u8;
        let cells = sender.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads");
        let (key, _) = &cells[7];
        assert!(cell::read_key(key).is_ok());
        if is_lost {
            sender.store.checkpoint(&mut [(&key[..], None)].into_iter()).expect("a store in memory");
        } else {
            sender.store.damage(key);
        }
        deliver(&mut sender, &mut Writer::new(2).open());
        assert!(matches!(sender.stopped.as_deref(), Some(StopReason::Damaged(_))), "{:?}", sender.stopped);
    }
}

/// Letters that wait for a build that knows what they are, in a partition that keeps no more of them than it must.
fn unread(count: u64) -> (Writer, String) {
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let tuning = Tuning { inbox_memory: 0, ..Tuning::default() };
    let mut sender = Writer::new(1).open();
    let mut receiver = Writer::first(2, Making { registry, tuning, ..Making::default() }).open();
    let (from, to) = (key_in(1), key_in(2));
    (1..=count).for_each(|letter| sender.write(&from, &to, letter, None));
    deliver(&mut sender, &mut receiver);
    assert_eq!(receiver.partition.status().inbox, count as usize);
    (receiver, to)
}

#[test]
fn letters_in_an_inbox_are_left_to_the_store_and_read_back_in_order() {
    let (mut receiver, to) = unread(40);
    let before = receiver.partition.status().inbox_memory;
    assert!(before > 0, "no checkpoint has them");
    receiver.tell(Input::RequestCheckpoint { ticket: 1 });
    receiver.work();
    assert_eq!(receiver.partition.status().inbox_memory, 0);
    let tuning = Tuning { inbox_memory: before / 2, ..Tuning::default() };
    let mut later = receiver.again_as(Making { tuning, ..Making::default() });
    let kept = later.partition.status().inbox_memory;
    assert!(0 < kept && kept <= before / 2, "{kept} of {before}");
    later = later.open();
    later.work();
    assert_eq!(later.got(&to), (1..=40).collect::<Vec<_>>());
    assert_eq!(later.partition.status().inbox, 0);
}

#[test]
fn a_letter_that_the_store_has_lost_stops_its_partition() {
    let (mut receiver, _) = unread(3);
    receiver.tell(Input::RequestCheckpoint { ticket: 1 });
    receiver.work();
    let section = Section::Inbox as u8;
    let cells = receiver.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads");
    let tuning = Tuning { inbox_memory: 0, ..Tuning::default() };
    // It is lost after the opening has seen it: one that was never there, nobody would miss.
    let later = receiver.again_as(Making { tuning, ..Making::default() });
    receiver.store.checkpoint(&mut [(&cells[2].0[..], None)].into_iter()).expect("a store in memory");
    let later = later.open();
    assert!(matches!(later.stopped.as_deref(), Some(StopReason::Damaged(_))), "{:?}", later.stopped);
}

/// A client key that says when it was made: at the beginning.
const DATED: &str = "018bcfe5-6800-7abc-8def-0123456789ab";
const DAY: u64 = 24 * 3600 * 1000;

#[test]
fn a_client_key_that_is_too_old_gets_its_reply_for_as_long_as_that_is_there() {
    let key = key_in(1);
    let mut first = Writer::new(1).open();
    first.write(&key, &key, 1, Some(DATED));
    first.write(&key, &key, 2, Some("undated"));
    // Only the log has them.
    let mut later = first.again_as(Making { late: 2 * DAY, ..trusting() }).open();
    later.write(&key, &key, 1, Some(DATED));
    assert!(matches!(later.answers.last(), Some(Answer::Repeated(_))), "{:?}", later.answers);
    assert_eq!(later.got(&key), [1, 2], "and nothing is done again");
}

/// An operator says that the wall clock of the start is right.
fn trusting() -> Making {
    Making { tuning: Tuning { clock_gap_max: Duration::MAX, ..Tuning::default() }, ..Making::default() }
}

/// As if its sender's clock were an hour ahead of ours.
const AHEAD: &str = "018bd01c-5680-7abc-8def-0123456789ab";

#[test]
fn a_client_key_from_a_clock_that_is_ahead_is_not_run_again_when_its_time_of_use_is_over() {
    let key = key_in(1);
    let mut writer = Writer::new(1).open();
    writer.write(&key, &key, 1, Some(AHEAD));
    for late in [DAY + 1000, DAY + 3_500_000, DAY + 3_700_000] {
        writer.tell(Input::RequestCheckpoint { ticket: 1 });
        writer.work();
        writer = writer.again_as(Making { late, ..trusting() }).open();
        // Pages of the store are searched.
        writer.write(&key, &key, 2, None);
        writer.wait(10_000);
        writer.write(&key, &key, 1, Some(AHEAD));
        let last = writer.answers.last();
        assert!(matches!(last, Some(Answer::Repeated(_) | Answer::Failed(Failure::KeyExpired))), "{late}: {last:?}");
    }
    assert_eq!(writer.answers.last(), Some(&Answer::Failed(Failure::KeyExpired)));
    writer.write(&key, &key, 3, Some("ffffffff-ffff-7abc-8def-0123456789ab"));
    assert_eq!(writer.answers.last(), Some(&Answer::Failed(Failure::KeyAhead)));
}

#[test]
fn client_keys_that_are_too_old_are_swept_although_nobody_asks_for_them() {
    let key = key_in(1);
    let mut first = Writer::new(1).open();
    first.write(&key, &key, 1, Some(DATED));
    first.write(&key, &key, 2, Some("undated"));
    first.tell(Input::RequestCheckpoint { ticket: 1 });
    first.work();
    let making = Making { late: 2 * DAY - 1000, ..trusting() };
    let mut later = first.again_as(making).open();
    later.write(&key, &key, 3, Some("new"));
    for _ in 0..5 {
        later.tell(Input::RequestCheckpoint { ticket: 1 });
        later.wait(10_000);
    }
    let (from, to) = ([Section::ClientKeys as u8], [Section::ClientKeys as u8 + 1]);
    let kept = later.store.scan(&from, &to, usize::MAX).expect("it reads");
    let kept: Vec<_> = kept.iter().filter_map(|(key, _)| Some(cell::read_key(key).ok()?.sub)).collect();
    assert_eq!(kept, [b"new"]);
    later.write(&key, &key, 9, Some(DATED));
    assert_eq!(later.answers.last(), Some(&Answer::Failed(Failure::KeyExpired)));
    assert_eq!(later.got(&key), [1, 2, 3]);
}

/// An entity that every checkpoint finds changed is never evicted: what it was asked long ago must leave without it.
#[test]
fn client_keys_leave_the_memory_of_an_entity_that_has_to_stay() {
    const CALLS: u64 = 2_000;
    const CACHE: usize = 64 << 10;
    let tuning = Tuning { cache_bytes: CACHE, ..Tuning::default() };
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let mut writer = Writer::first(1, Making { tuning, registry, ..Making::default() }).open();
    let (key, client_key) = (key_in(1), |call: u64| format!("call {call}"));
    let mut most = 0;
    for call in 0..CALLS {
        writer.ask(OldLetterbox::at(&key).see(), Some(&client_key(call)));
        writer.work();
        most = most.max(writer.partition.status().entity_bytes);
    }
    // What waits for the store is counted by its cells, half of the cache at most; in memory a key is three times its cell.
    assert!(most < 2 * CACHE, "{most} bytes");
    writer.answers.clear();
    for call in [0, CALLS / 2, CALLS - 1] {
        writer.ask(OldLetterbox::at(&key).see(), Some(&client_key(call)));
        writer.work();
    }
    let again =
        |count: u64| Answer::Repeated(Box::new(Answer::Done { reply: apostate_core::encode(&count), version: count }));
    assert_eq!(writer.answers, [again(1), again(CALLS / 2 + 1), again(CALLS)]);
}

/// Client keys of one entity that never was: its calls were refused.
fn refused(tuning: Tuning) -> (Writer, Vec<String>) {
    let (mut writer, keys) = (Writer::first(1, parcels(tuning)).open(), keys_in(1, 20));
    for key in &keys {
        writer.ask(Parcel::at(key).never(), Some("k"));
    }
    writer.work();
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    (writer, keys)
}

fn count(writer: &Writer, section: Section) -> usize {
    let end = [section as u8 + 1];
    writer.store.scan(&[section as u8], &end, usize::MAX).expect("it reads").len()
}

#[test]
fn what_never_was_and_refused_leaves_nothing() {
    let (mut writer, keys) = refused(Tuning { client_key_retention: Duration::from_secs(60), ..Tuning::default() });
    assert_eq!((count(&writer, Section::State), count(&writer, Section::ClientKeys)), (0, keys.len()));
    for _ in 0..100 {
        writer.wait(5000);
    }
    writer.tell(Input::RequestCheckpoint { ticket: 2 });
    writer.work();
    assert_eq!((count(&writer, Section::State), count(&writer, Section::ClientKeys)), (0, 0));
}

#[test]
fn what_never_was_remembers_what_it_refused_wherever_that_is() {
    let tuning = Tuning { cache_bytes: 0, ..Tuning::default() };
    let (mut writer, keys) = refused(tuning);
    let again = |writer: &mut Writer, key: &str| {
        writer.answers.clear();
        writer.ask(Parcel::at(key).never(), Some("k"));
        writer.work();
        assert!(matches!(&writer.answers[..], [Answer::Repeated(_)]), "{:?}", writer.answers);
    };
    // In the store only; behind another key, which the log has; of an entity that came to be without a key.
    again(&mut writer, &keys[0]);
    writer.ask(Parcel::at(&keys[1]).never(), Some("another"));
    writer.ask(Parcel::at(&keys[2]).bump(), None);
    writer.work();
    let mut writer = writer.again_as(parcels(tuning)).open();
    for key in &keys {
        again(&mut writer, key);
    }
    // And once it exists and is out of memory.
    writer.ask(Parcel::at(&keys[3]).bump(), Some("bump"));
    writer.work();
    writer.tell(Input::RequestCheckpoint { ticket: 3 });
    writer.work();
    again(&mut writer, &keys[2]);
    again(&mut writer, &keys[3]);
}
