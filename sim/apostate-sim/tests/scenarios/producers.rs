//! Producers that come and go: what is known of them costs what is needed, and none is applied twice that was forgotten.

use std::time::Duration;

use apostate_partition::{Answer, Failure, Tuning};

use crate::letterbox::Letterbox;
use crate::pair::{Making, Writer, key_in};

const HOUR: u64 = 3_600_000;

/// A partition that keeps so many producers however long they are silent, and others for a day.
fn keeping(silent_producers_max: usize) -> Writer {
    let tuning = Tuning { silent_producers_max, clock_gap_max: Duration::MAX, ..Tuning::default() };
    Writer::first(1, Making { tuning, ..Making::default() }).open()
}

/// A producer sends a number, as a letter. Gives the answer.
fn send(writer: &mut Writer, producer: &str, number: u64) -> Answer {
    let key = key_in(1);
    writer.answers.clear();
    writer.number(producer, number, Letterbox::at(&key).receive(number));
    writer.work();
    writer.answers.pop().expect("an answer")
}

fn known(writer: &Writer) -> usize {
    writer.partition.status().known_producers
}

fn wait_hours(writer: &mut Writer, hours: u64) {
    (0..hours).for_each(|_| writer.wait(HOUR));
}

#[test]
fn a_producer_that_was_silent_for_too_long_is_forgotten_and_told_so_when_it_comes_back() {
    let mut writer = keeping(0);
    for producer in 0..300 {
        assert!(matches!(send(&mut writer, &format!("device {producer}"), 1), Answer::Done { .. }));
    }
    assert_eq!(known(&writer), 300);
    wait_hours(&mut writer, 24);
    assert_eq!(send(&mut writer, "device 7", 1), Answer::Duplicate);
    wait_hours(&mut writer, 6);
    assert_eq!(known(&writer), 1, "but for the one that was heard");
    let letters = writer.got(&key_in(1)).len();
    for again in [false, true] {
        if again {
            writer = writer.again_as(Making { late: 40 * HOUR, ..Making::default() }).open();
        }
        for number in 1..3 {
            assert_eq!(send(&mut writer, "device 8", number), Answer::Failed(Failure::ProducerForgotten));
        }
        assert_eq!(send(&mut writer, "device 7", 1), Answer::Duplicate);
    }
    assert_eq!(writer.got(&key_in(1)).len(), letters, "none was applied again");
    assert!(matches!(send(&mut writer, "device 8, anew", 1), Answer::Done { .. }));
}

#[test]
fn some_producers_are_known_however_long_they_are_silent() {
    let mut writer = keeping(3);
    for producer in ["a", "b", "c", "d", "e"] {
        send(&mut writer, producer, 1);
        writer.wait(HOUR * 2);
    }
    wait_hours(&mut writer, 500);
    assert_eq!(known(&writer), 3);
    assert_eq!(send(&mut writer, "b", 2), Answer::Failed(Failure::ProducerForgotten), "those silent longest");
    for producer in ["c", "d", "e"] {
        assert_eq!(send(&mut writer, producer, 1), Answer::Duplicate);
    }
}

#[test]
fn a_repeat_of_a_producer_costs_no_row() {
    let mut writer = keeping(0);
    send(&mut writer, "device", 1);
    let records = writer.partition.status().submitted;
    for _ in 0..50 {
        writer.wait(60_000);
        assert_eq!(send(&mut writer, "device", 1), Answer::Duplicate);
    }
    assert_eq!(writer.partition.status().submitted, records);
    wait_hours(&mut writer, 2);
    send(&mut writer, "device", 1);
    assert_eq!(writer.partition.status().submitted, records.next(), "now and then it does");
}

#[test]
fn a_name_that_was_made_after_all_that_were_forgotten_is_a_new_one() {
    let mut writer = keeping(0);
    for producer in 0..200 {
        // Their time is that of the scenario.
        send(&mut writer, &format!("018bcfe5-68{producer:02x}-7abc-8def-0123456789ab"), 1);
    }
    wait_hours(&mut writer, 30);
    assert_eq!(known(&writer), 0);
    let old = "018bcfe5-6807-7abc-8def-0123456789ab";
    assert_eq!(send(&mut writer, old, 2), Answer::Failed(Failure::ProducerForgotten));
    assert!(matches!(send(&mut writer, "018bd400-0000-7abc-8def-0123456789ab", 1), Answer::Done { .. }));
}

#[test]
fn while_a_partition_is_not_open_nobody_is_forgotten_for_its_silence() {
    let mut writer = keeping(0);
    send(&mut writer, "device", 1);
    let tuning = Tuning { silent_producers_max: 0, clock_gap_max: Duration::MAX, ..Tuning::default() };
    let mut later = writer.again_as(Making { tuning, late: 100 * HOUR, ..Making::default() }).open();
    later.wait(HOUR);
    assert_eq!(send(&mut later, "device", 1), Answer::Duplicate, "it has had an hour to speak");
    later.wait(HOUR);
    assert_eq!(known(&later), 1);
}
