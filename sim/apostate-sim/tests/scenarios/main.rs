//! Scenarios by hand: each is a bug that the simulation has found once.
//!
//! A seed finds a bug; a scenario keeps it found when plans and programs have changed.

mod activities;
mod agreements;
mod agreements_within;
mod asks;
mod asks_expired;
mod backlog;
mod budgets;
mod called;
mod checkpoint_requests;
mod children;
mod clocks;
mod deletion;
mod fairness;
mod full;
mod holder;
mod letterbox;
mod neighbours;
mod newer;
mod owed;
mod pages;
mod pair;
mod parcel;
mod parked;
mod party;
mod peers;
mod producers;
mod renamed;
mod rows;
mod settled;
mod timers;
mod timers_gone;
mod topology;
mod traces;
mod waits;

use apostate_log::{Epoch, Log, MemoryLog, MemoryStore, PartitionId, Position};
use apostate_partition::delivery::Frame;
use apostate_partition::{Answer, Input, Invariant, StopReason};

use crate::pair::{Writer, key_in, take, talk};

/// A sender and a receiver that have spoken, and a key in each.
fn pair() -> (Writer, Writer, String, String) {
    let (mut sender, mut receiver) = (Writer::new(1).open(), Writer::new(2).open());
    sender.meet(&mut receiver);
    (sender, receiver, key_in(1), key_in(2))
}

fn is_question(frame: &Frame<'_>) -> bool {
    matches!(frame, Frame::Open { .. })
}

/// Has the receiver ask anew, and gives its question.
fn asked_anew(sender: &Writer, receiver: &mut Writer) -> bytes::Bytes {
    receiver.hear(sender, Frame::Stalled { name: 0 }.write().into());
    receiver.wait(10_000);
    take(receiver, is_question)
}

#[test]
fn a_question_that_comes_again_does_not_start_the_session_anew() {
    let (mut sender, mut receiver, from, to) = pair();
    let question = asked_anew(&sender, &mut receiver);
    sender.hear(&receiver, question.clone());
    let answer = take(&mut sender, |frame| matches!(frame, Frame::Opened { .. }));
    receiver.hear(&sender, answer);
    let ready = take(&mut receiver, |frame| matches!(frame, Frame::Ready { .. }));
    sender.hear(&receiver, ready.clone());
    sender.write(&from, &to, 1, None);
    let letter = take(&mut sender, |frame| matches!(frame, Frame::Messages { .. }));
    receiver.hear(&sender, letter);
    let heard = take(&mut receiver, |frame| matches!(frame, Frame::Ack { .. }));
    // Before the acknowledgement comes: the question, another one, and the old one again, as a network may have it.
    let other = Frame::Open { nonce: 77, range: pair::map().tiles[1].0 }.write();
    for bytes in [question.clone(), other.into(), question, ready] {
        sender.hear(&receiver, bytes);
    }
    sender.write(&from, &to, 2, None);
    sender.hear(&receiver, heard);
    assert_eq!(sender.partition.status().outbox, 2, "it was told of no frame of the session that it has now");
    for _ in 0..20 {
        sender.wait(1000);
        receiver.wait(1000);
        talk(&mut sender, &mut receiver);
    }
    assert_eq!(receiver.got(&to), [1, 2]);
}

#[test]
fn an_old_writer_and_a_new_one_do_not_share_a_session() {
    let (mut old, mut receiver, from, to) = pair();
    old.write(&from, &to, 1, None);
    let mut new = old.again().open();
    old.frames.clear();
    let question = asked_anew(&old, &mut receiver);
    old.hear(&receiver, question.clone());
    new.hear(&receiver, question);
    let name = |writer: &mut Writer| {
        let bytes = take(writer, |frame| matches!(frame, Frame::Opened { .. }));
        match Frame::read(&bytes) {
            Ok(Frame::Opened { name, .. }) => name,
            other => panic!("{other:?}"),
        }
    };
    assert_ne!(name(&mut old), name(&mut new));
}

#[test]
fn an_answer_to_an_old_question_opens_nothing() {
    let (mut sender, mut receiver, from, to) = pair();
    let question = asked_anew(&sender, &mut receiver);
    sender.hear(&receiver, question.clone());
    talk(&mut sender, &mut receiver);
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    // The sender starts again, hears the old question once more, and answers; meanwhile the receiver has given up.
    let mut again = sender.again().open();
    again.frames.clear();
    again.hear(&receiver, question);
    let answer = take(&mut again, |frame| matches!(frame, Frame::Opened { .. }));
    receiver.tell(Input::Frame { from: PartitionId(1), bytes: Frame::Stalled { name: 0 }.write().into() });
    receiver.tell(Input::Frame { from: PartitionId(1), bytes: answer });
    receiver.frames.clear();
    receiver.work();
    assert!(!receiver.frames.iter().any(|bytes| matches!(Frame::read(bytes), Ok(Frame::Ready { .. }))));
}

#[test]
fn of_two_openings_at_the_same_moment_one_is_fenced() {
    let log = MemoryLog::new(PartitionId(1));
    let one = Writer::over(1, log.clone(), MemoryStore::new(), 1);
    let two = Writer::over(1, log.clone(), MemoryStore::new(), 2);
    let (one, two) = (one.open(), two.open());
    assert!(one.stopped.is_none());
    assert!(matches!(two.stopped.as_deref(), Some(StopReason::Fenced { epoch: 1 })), "{:?}", two.stopped);
}

#[test]
fn an_opening_whose_place_was_taken_by_the_old_writer_is_opened_again() {
    let mut old = Writer::new(1).open();
    let late = Writer::over(1, old.log.clone(), MemoryStore::new(), 2);
    let (one, two) = (key_in(1), key_in(2));
    old.write(&one, &two, 1, None);
    let late = late.open();
    assert_eq!(late.stopped.as_deref(), Some(&StopReason::Overtaken));
    assert!(old.again().open().stopped.is_none());
}

#[test]
fn a_log_that_has_lost_whole_epochs_is_noticed_by_those_who_knew_them() {
    let (mut sender, mut receiver, from, to) = pair();
    sender.write(&from, &to, 1, None);
    talk(&mut sender, &mut receiver);
    let mut later = sender.again().open();
    talk(&mut later, &mut receiver);
    for _ in 0..10 {
        receiver.wait(1000);
        later.wait(1000);
        talk(&mut later, &mut receiver);
    }
    assert_eq!(later.partition.status().epoch, Epoch(2));
    let log = later.log.clone();
    drop((sender, later));
    log.lose_after(Position(0));
    assert_eq!(log.last(), Ok(Position(0)));
    let mut lost = Writer::over(1, log.clone(), MemoryStore::new(), 3).open();
    lost.write(&from, &to, 2, None);
    for _ in 0..20 {
        receiver.wait(1000);
        lost.wait(1000);
        talk(&mut lost, &mut receiver);
    }
    let reason = lost.stopped.expect("not in silence");
    assert!(matches!(*reason, StopReason::Broken { invariant: Invariant::P6, .. }), "{reason}");
}

#[test]
fn a_first_session_does_not_take_what_it_told_for_a_loss() {
    let (mut sender, mut receiver) = (Writer::new(1), Writer::new(2).open());
    let (one, two) = (key_in(1), key_in(2));
    sender = sender.open();
    for letter in 1..=5 {
        sender.write(&one, &two, letter, None);
    }
    for _ in 0..5 {
        let question = asked_anew(&sender, &mut receiver);
        sender.hear(&receiver, question);
        let answer = take(&mut sender, |frame| matches!(frame, Frame::Opened { .. }));
        receiver.hear(&sender, answer);
        // Ready is lost.
        receiver.frames.clear();
    }
    for _ in 0..20 {
        sender.wait(1000);
        receiver.wait(1000);
        talk(&mut sender, &mut receiver);
    }
    assert_eq!(sender.stopped, None);
    assert_eq!(receiver.got(&two), [1, 2, 3, 4, 5]);
}

#[test]
fn a_client_key_older_than_the_checkpoint_is_known_after_a_crash() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    writer.write(&key, &key, 1, Some("first"));
    writer.tell(Input::RequestCheckpoint { ticket: 9 });
    writer.work();
    // Of this the log alone knows.
    writer.write(&key, &key, 2, Some("second"));
    let mut again = writer.again().open();
    for (letter, name) in [(1, "first"), (2, "second")] {
        again.write(&key, &key, letter, Some(name));
        assert!(matches!(again.answers.last(), Some(Answer::Repeated(_))));
    }
    assert_eq!(again.got(&key), [1, 2], "each once");
}

#[test]
fn a_partition_that_has_nothing_to_do_looks_at_its_clock_before_that_seems_to_jump() {
    let mut idle = Writer::new(1).open();
    idle.frames.clear();
    for _ in 0..10 {
        let wait = idle.wakes;
        assert!((1..=5000).contains(&wait), "{wait} ms");
        let before = idle.partition.status().now;
        idle.wait(wait);
        assert_eq!(idle.partition.status().now.since(before).as_millis(), u128::from(wait));
    }
}
