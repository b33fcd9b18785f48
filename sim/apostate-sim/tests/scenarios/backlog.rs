//! A partition that takes nothing any more costs those that send to it memory and a warning, not their edge.

use apostate_log::PartitionId;
use apostate_partition::{Answer, Failure, Notice, Tuning};

use crate::pair::{Letterbox, Making, Writer, key_in, talk};

/// A sender whose neighbour has never opened, and that may keep little for it.
fn alone() -> (Writer, String, String) {
    let tuning = Tuning { backlog_bytes_max: 40_000, ..Tuning::default() };
    (Writer::first(1, Making { tuning, ..Making::default() }).open(), key_in(1), key_in(2))
}

/// Writes letters until one is turned away. How many were taken.
fn fill(sender: &mut Writer, from: &str, to: &str) -> u64 {
    for letter in 0..10_000 {
        sender.answers.clear();
        sender.ask(Letterbox::at(from).write(to.to_owned(), letter), None);
        sender.work();
        match sender.answers.pop() {
            Some(Answer::Done { .. }) => {}
            Some(Answer::Failed(Failure::Backlog(PartitionId(2)))) => return letter,
            other => panic!("{other:?}"),
        }
    }
    panic!("the backlog has no bound");
}

#[test]
fn calls_that_do_not_send_to_a_dead_receiver_go_on() {
    let (mut sender, from, to) = alone();
    let taken = fill(&mut sender, &from, &to);
    assert!(taken > 100, "{taken}");
    sender.answers.clear();
    sender.ask(Letterbox::at(&from).receive(7), None);
    sender.ask(Letterbox::at(&from).write(from.clone(), 8), None);
    sender.work();
    assert!(sender.answers.iter().all(|answer| matches!(answer, Answer::Done { .. })), "{:?}", sender.answers);
    assert_eq!(sender.got(&from), [7, 8], "what was turned away has changed nothing");
}

#[test]
fn a_pile_of_messages_is_told_once_and_again_after_it_was_gone() {
    let (mut sender, from, to) = alone();
    let told = |sender: &Writer| {
        sender.notices.iter().filter(|notice| matches!(notice, Notice::Backlog { to: PartitionId(2), .. })).count()
    };
    fill(&mut sender, &from, &to);
    assert_eq!((told(&sender), sender.partition.status().backlogs), (1, vec![PartitionId(2)]));
    let mut receiver = Writer::new(2).open();
    for _ in 0..200 {
        sender.wait(100);
        receiver.wait(100);
        talk(&mut sender, &mut receiver);
    }
    assert_eq!((sender.partition.status().outbox, sender.partition.status().backlogs), (0, Vec::new()));
    fill(&mut sender, &from, &to);
    assert_eq!(told(&sender), 2);
}

#[test]
fn a_producer_waits_behind_a_dead_receiver_and_goes_on_in_order_when_it_lives() {
    let (mut sender, from, to) = alone();
    let taken = fill(&mut sender, &from, &to);
    sender.answers.clear();
    for number in 1..=3 {
        sender.number("producer", number, Letterbox::at(&from).write(to.clone(), 20_000 + number));
    }
    sender.work();
    assert!(sender.answers.is_empty(), "{:?}", sender.answers);
    let mut receiver = Writer::new(2).open();
    for _ in 0..200 {
        sender.wait(100);
        receiver.wait(100);
        talk(&mut sender, &mut receiver);
    }
    assert_eq!(sender.answers.len(), 3);
    let got: Vec<_> = (0..taken).chain([20_001, 20_002, 20_003]).collect();
    assert_eq!(receiver.got(&to), got);
}

/// A partition with an entity whose inbox stands still, and that may keep few messages in inboxes.
fn stuck() -> (Writer, String, String) {
    let tuning = Tuning { inbox_max: 100, ..Tuning::default() };
    let mut writer = Writer::first(1, Making { tuning, partitions: 1, ..Making::default() }).open();
    let (sender, stuck) = ("sender".to_owned(), "stuck".to_owned());
    writer.ask(Letterbox::at(&sender).prick(stuck.clone()), None);
    writer.work();
    (writer, sender, stuck)
}

/// Writes letters to an entity until one is turned away. How many were taken.
fn fill_inbox(writer: &mut Writer, from: &str, to: &str) -> u64 {
    for letter in 0..10_000 {
        writer.answers.clear();
        writer.ask(Letterbox::at(from).write(to.to_owned(), letter), None);
        writer.work();
        match writer.answers.pop() {
            Some(Answer::Done { .. }) => {}
            Some(Answer::Failed(Failure::Overfull(entity))) => {
                assert_eq!(entity, format!("box/{to}"));
                return letter;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("the inbox has no bound");
}

#[test]
fn an_entity_that_takes_nothing_turns_away_only_what_is_sent_to_it() {
    let (mut writer, sender, stuck) = stuck();
    let taken = fill_inbox(&mut writer, &sender, &stuck);
    assert_eq!(taken, 99, "and the one that it panics at");
    writer.answers.clear();
    for other in ["other", &sender] {
        writer.ask(Letterbox::at(other).receive(7), None);
        writer.ask(Letterbox::at(other).write("third".to_owned(), 8), Some(other));
        writer.number(other, 1, Letterbox::at(other).receive(9));
    }
    writer.read(&stuck);
    writer.work();
    // The one that is stuck never was.
    let others = writer.answers.iter().filter(|answer| **answer != Answer::Failed(Failure::Missing));
    assert_eq!(others.filter(|answer| matches!(answer, Answer::Done { .. })).count(), 6, "{:?}", writer.answers);
    for call in [Letterbox::at(&stuck).receive(1), Letterbox::at(&stuck).write(sender.clone(), 1)] {
        writer.answers.clear();
        writer.ask(call, None);
        writer.work();
        assert!(matches!(&writer.answers[..], [Answer::Failed(Failure::Overfull(_))]), "{:?}", writer.answers);
    }
    writer.answers.clear();
    writer.number("producer", 1, Letterbox::at(&stuck).receive(100));
    writer.number("producer", 2, Letterbox::at(&sender).write(stuck.clone(), 101));
    writer.work();
    assert!(writer.answers.is_empty(), "a producer waits");
    for _ in 0..60 {
        writer.wait(1000);
    }
    assert_eq!(writer.partition.status().parked, 1, "the one that panics");
    let got: Vec<_> = (0..taken).chain([100, 101]).collect();
    assert_eq!(writer.got(&stuck), got);
}

#[test]
fn an_inbox_that_has_less_than_its_share_takes_more_while_others_have_too_much() {
    let (mut writer, sender, stuck) = stuck();
    fill_inbox(&mut writer, &sender, &stuck);
    for other in ["one", "two", "three"] {
        writer.ask(Letterbox::at(&sender).prick(other.to_owned()), None);
        writer.work();
        let taken = fill_inbox(&mut writer, &sender, other);
        assert!((20..60).contains(&taken), "{other}: {taken}");
    }
    assert!(writer.partition.status().inbox < 300);
}
