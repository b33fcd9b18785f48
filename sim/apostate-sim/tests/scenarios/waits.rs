//! Work that waits for a log that is slow or full, or for a build that knows more.

use apostate_core::Registry;
use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Failure, Input, Notice, Tuning};

use crate::pair::{Appends, Letterbox, Making, OldLetterbox, Writer, key_in, take, talk};

#[test]
fn a_receiver_whose_log_is_slow_does_not_start_its_session_again() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    let (from, to) = (key_in(1), key_in(2));
    sender.write(&from, &to, 1, None);
    let letter = take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    receiver.appends = Appends::Withheld;
    receiver.hear(&sender, letter);
    for _ in 0..5 {
        sender.wait(1000);
        let stalled = take(&mut sender, |frame| matches!(frame, Frame::Stalled { .. }));
        receiver.wait(1000);
        receiver.hear(&sender, stalled);
        assert!(receiver.frames.is_empty(), "it is at work");
    }
    receiver.let_through();
    talk(&mut sender, &mut receiver);
    assert_eq!((sender.partition.status().outbox, receiver.got(&to)), (0, vec![1]));
}

#[test]
fn a_stalled_frame_after_a_lost_acknowledgement_starts_the_session_again() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    sender.write(&key_in(1), &key_in(2), 1, None);
    let letter = take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    receiver.hear(&sender, letter);
    receiver.frames.clear();
    for _ in 0..20 {
        sender.wait(1000);
        receiver.wait(1000);
        talk(&mut sender, &mut receiver);
    }
    assert_eq!(sender.partition.status().outbox, 0);
}

#[test]
fn while_the_log_is_full_nobody_is_woken_for_nothing_and_people_are_told_once() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    let (from, to) = (key_in(1), key_in(2));
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    // What was acknowledged waits to be trimmed, and another letter to be written.
    sender.appends = Appends::Full;
    (0..6).for_each(|letter| sender.write(&from, &to, letter, None));
    let told = |writer: &Writer| writer.notices.iter().filter(|notice| **notice == Notice::LogFull).count();
    let mut wakes = 0;
    let mut passed = 0;
    while passed < 10_000 {
        let wait = sender.wakes.max(1);
        sender.wait(wait);
        (wakes, passed) = (wakes + 1, passed + wait);
    }
    assert!(wakes <= 60, "{wakes} times in ten seconds");
    assert_eq!(told(&sender), 1);
    sender.appends = Appends::Written;
    sender.wait(1000);
    sender.appends = Appends::Full;
    sender.write(&from, &to, 7, None);
    assert_eq!(told(&sender), 2, "there was room in between");
}

#[test]
fn a_call_behind_a_message_that_this_build_does_not_know_is_answered() {
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let old_build = Making { registry, ..Making::default() };
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::first(2, old_build).open());
    let (from, to) = (key_in(1), key_in(2));
    sender.meet(&mut receiver);
    sender.write(&from, &to, 1, None);
    // Both are asked for in the same turn; the call comes behind the letter.
    let letter = take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    receiver.hear(&sender, letter);
    receiver.ask(OldLetterbox::at(&to).see(), None);
    receiver.work();
    assert_eq!(receiver.answers, [Answer::Failed(Failure::Blocked)]);
    // A later build knows what to do with it.
    let mut later = receiver.again().open();
    later.work();
    assert_eq!(later.got(&to), [1]);
}

#[test]
fn a_call_that_waits_already_is_answered_when_such_a_message_comes_to_the_head() {
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let old_build = Making { registry, ..Making::default() };
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::first(2, old_build).open());
    let (from, to) = (key_in(1), key_in(2));
    sender.meet(&mut receiver);
    sender.ask(Letterbox::at(&from).prick(to.clone()), None);
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    receiver.ask(OldLetterbox::at(&to).see(), None);
    receiver.work();
    assert_eq!(receiver.answers, [], "the panic is tried again first");
    for _ in 0..50 {
        receiver.wait(1000);
    }
    assert_eq!(receiver.partition.status().parked, 1);
    assert_eq!(receiver.answers, [Answer::Failed(Failure::Blocked)]);
}

#[test]
fn of_a_batch_that_was_given_up_people_hear_nothing() {
    let mut writer = Writer::new(1).open();
    let lives_here = |number: &u64| {
        let key = format!("box {number}");
        crate::pair::map().find(Letterbox::at(&key).got().to.expect("a key").hash()) == apostate_log::PartitionId(1)
    };
    let keys: Vec<_> = (0..).filter(lives_here).take(2).map(|number| format!("box {number}")).collect();
    for key in &keys {
        writer.got(key);
    }
    writer.answers.clear();
    // In one batch: a panic that ends well, and one on what another message has changed, for which all is undone.
    writer.ask(Letterbox::at(&keys[0]).burst(), None);
    writer.ask(Letterbox::at(&keys[1]).receive(1), None);
    writer.ask(Letterbox::at(&keys[1]).burst(), None);
    writer.work();
    assert_eq!(writer.answers.len(), 3);
    let panics = writer.notices.iter().filter(|notice| matches!(notice, Notice::Panicked { .. })).count();
    assert_eq!(panics, 2, "{:?}", writer.notices);
}

/// Seed 4257: what came of it was written down nowhere, so nobody called again before the clock was read.
#[test]
fn what_stands_behind_a_batch_that_waited_for_the_window_has_its_turn_at_once() {
    let tuning = Tuning { append_window: 1, batch_messages_max: 1, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, ..Making::default() }).open();
    let key = key_in(1);
    writer.ask(Letterbox::at(&key).receive(1), Some("first"));
    writer.work();
    writer.appends = Appends::Withheld;
    writer.ask(Letterbox::at(&key).receive(2), None);
    for _ in 0..3 {
        writer.ask(Letterbox::at(&key).receive(1), Some("first"));
    }
    writer.work();
    writer.answers.clear();
    writer.write_withheld();
    writer.tell(Input::Turn);
    assert_eq!(writer.answers.len(), 4, "a letter, and three that were repeated");
}

#[test]
fn while_long_answers_wait_to_leave_no_more_are_made() {
    let tuning = Tuning { answers_bytes_max: 1000, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, ..Making::default() }).open();
    let key = key_in(1);
    for letter in 1..=200 {
        writer.ask(Letterbox::at(&key).receive(letter), None);
    }
    writer.work();
    writer.answers.clear();
    // Each read is answered with 200 letters, and waits for the letter before it to be durable.
    writer.appends = Appends::Withheld;
    writer.ask(Letterbox::at(&key).receive(201), None);
    for _ in 0..50 {
        writer.read(&key);
    }
    writer.work();
    let waiting = writer.partition.status().requests;
    assert!((40..50).contains(&waiting), "{waiting} are not begun");
    writer.let_through();
    assert_eq!(writer.answers.len(), 51);
    assert_eq!(writer.got(&key).len(), 201, "what has left takes no room any more");
}

#[test]
fn a_call_that_waited_beyond_its_deadline_is_not_begun() {
    let tuning = Tuning { append_window: 1, batch_messages_max: 1, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, ..Making::default() }).open();
    let key = key_in(1);
    writer.appends = Appends::Withheld;
    writer.ask(Letterbox::at(&key).receive(1), None);
    writer.work();
    // The window is full: these wait.
    writer.ask_for(Letterbox::at(&key).receive(2), 50);
    writer.ask_for(Letterbox::at(&key).receive(3), 500);
    writer.wait(50);
    writer.answers.clear();
    writer.let_through();
    let late = writer.answers.iter().filter(|answer| **answer == Answer::Failed(Failure::Late)).count();
    assert_eq!((writer.answers.len(), late), (3, 1), "{:?}", writer.answers);
    assert_eq!(writer.got(&key), [1, 3]);
}

#[test]
fn a_call_that_waited_beyond_its_deadline_behind_an_inbox_is_not_begun() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    let (from, to) = (key_in(1), key_in(2));
    sender.ask(Letterbox::at(&from).prick(to.clone()), None);
    sender.work();
    talk(&mut sender, &mut receiver);
    receiver.ask_for(Letterbox::at(&to).receive(1), 5_000);
    receiver.ask_for(Letterbox::at(&to).receive(2), 600_000);
    receiver.work();
    assert_eq!(receiver.answers, [], "the panic is tried again first");
    for _ in 0..50 {
        receiver.wait(1000);
    }
    assert_eq!(receiver.partition.status().parked, 1);
    assert_eq!(receiver.answers[0], Answer::Failed(Failure::Late));
    assert_eq!(receiver.got(&to), [2]);
}

#[test]
fn while_the_log_is_full_what_is_new_is_turned_away_and_what_was_begun_waits() {
    let tuning = Tuning { append_window: 1, batch_messages_max: 1, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, ..Making::default() }).open();
    let key = key_in(1);
    writer.got(&key);
    writer.answers.clear();
    writer.appends = Appends::Full;
    for letter in 1..=3 {
        writer.ask(Letterbox::at(&key).receive(letter), None);
    }
    writer.work();
    // One is in a record, one in the batch that waits for the window; the third was not begun.
    let full = Answer::Failed(Failure::Full);
    assert_eq!(writer.answers, std::slice::from_ref(&full));
    assert!(writer.partition.status().is_full);
    writer.ask(Letterbox::at(&key).receive(4), None);
    writer.work();
    assert_eq!(writer.answers, [full.clone(), full]);
    writer.appends = Appends::Written;
    writer.wait(1000);
    assert!(!writer.partition.status().is_full);
    writer.ask(Letterbox::at(&key).receive(5), None);
    writer.work();
    assert_eq!(writer.got(&key), [1, 2, 5], "what was turned away was not done");
}

#[test]
fn a_producer_that_has_nothing_more_to_say_is_not_remembered_by_name() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    for producer in 0..200 {
        writer.number(&format!("till {producer}"), 1, Letterbox::at(&key).receive(producer));
    }
    assert_eq!(writer.partition.status().producers, 200);
    writer.work();
    assert_eq!(writer.partition.status().producers, 0);
    // Its watermark is.
    writer.number("till 7", 1, Letterbox::at(&key).receive(7));
    writer.work();
    assert_eq!(writer.answers.last(), Some(&Answer::Duplicate));
    assert_eq!(writer.got(&key).len(), 200);
}

#[test]
fn what_another_build_did_under_a_client_key_is_not_denied() {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    let (from, to) = (key_in(1), key_in(2));
    receiver.ask(Letterbox::at(&to).receive(1), Some("a key"));
    receiver.work();
    let done = receiver.answers.pop().expect("an answer");
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let mut older = receiver.again_as(Making { registry, ..Making::default() }).open();
    // A letter stands in the inbox, and nobody here knows what that is.
    sender.meet(&mut older);
    sender.write(&from, &to, 2, None);
    talk(&mut sender, &mut older);
    assert_eq!(older.partition.status().inbox, 1);
    older.answers.clear();
    for key in ["a key", "another key"] {
        older.ask(Letterbox::at(&to).receive(1), Some(key));
        older.work();
    }
    older.ask(Letterbox::at(&to).receive(2), Some("a key"));
    older.work();
    let failed = |failure| Answer::Failed(failure);
    let expected = [Answer::Repeated(Box::new(done)), failed(Failure::UnknownHandler), failed(Failure::KeyReused)];
    assert_eq!(older.answers, expected);
}
