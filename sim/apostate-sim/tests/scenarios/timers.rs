//! Timers: set, replaced, cancelled and due, through undoing, inboxes, checkpoints, restarts, deletion and outages.

use std::time::Duration;

use apostate::prelude::*;
use apostate::serde::de::DeserializeOwned;
use apostate_core::Registry;
use apostate_core::limits::TIMERS_PER_ENTITY_MAX;
use apostate_log::{PartitionId, Store};
use apostate_partition::cell::Section;
use apostate_partition::{Answer, Failure, Input, Tuning};

use crate::pair::{Appends, Making, Writer, map, talk};

/// An entity that notes what its timers tell it, and when.
#[entity(name = "clock")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Clock {
    rung: Vec<(u32, u64)>,
    ids: Vec<TimerId>,
}

#[handlers]
impl Clock {
    /// Has each of these tags rung after so many milliseconds.
    #[open]
    pub fn set(&mut self, tx: &mut Tx, tags: Vec<u32>, wait: u64) {
        for tag in tags {
            let id = tx.send_after(Duration::from_millis(wait), Self::at(tx.key().clone()).ring(tag));
            self.ids.push(id);
        }
    }

    /// Has another clock ring.
    #[open]
    pub fn set_other(&mut self, tx: &mut Tx, other: String, tag: u32, wait: u64) {
        let id = tx.send_after(Duration::from_millis(wait), Self::at(other).ring(tag));
        self.ids.push(id);
    }

    /// Has a tag rung after so many milliseconds, instead of the one before it.
    #[open]
    pub fn set_named(&mut self, tx: &mut Tx, tag: u32, wait: u64) {
        let message = Self::at(tx.key().clone()).ring(tag);
        tx.timer("reminder").send_after(Duration::from_millis(wait), message);
    }

    /// Sets a timer, and refuses or panics.
    #[open]
    pub fn set_in_vain(&mut self, tx: &mut Tx, panics: bool) -> Result<(), Refusal> {
        self.set(tx, vec![99], 5);
        assert!(!panics, "in vain");
        refuse!(true, "in vain");
        Ok(())
    }

    /// Cancels the timer of this index.
    #[open]
    pub fn cancel(&mut self, tx: &mut Tx, index: usize) -> bool {
        tx.cancel_timer(self.ids[index])
    }

    #[open]
    pub fn cancel_named(&mut self, tx: &mut Tx) -> bool {
        tx.timer("reminder").cancel()
    }

    /// Sets and cancels in one transaction.
    #[open]
    pub fn flip(&mut self, tx: &mut Tx) -> Vec<bool> {
        let id = tx.send_after(Duration::ZERO, Self::at(tx.key().clone()).ring(50));
        let mut cancelled = vec![tx.cancel_timer(id), tx.cancel_timer(id)];
        let message = Self::at(tx.key().clone()).ring(51);
        tx.timer("reminder").send_after(Duration::ZERO, message);
        cancelled.push(tx.timer("reminder").cancel());
        cancelled.push(tx.timer("reminder").cancel());
        cancelled
    }

    /// Has clock `c` ring at once.
    #[open]
    pub fn tell(&mut self, tx: &mut Tx, tag: u32) {
        tx.send(Self::at("c").ring(tag));
    }

    /// Has clock `c` hushed.
    #[open]
    pub fn hush_other(&mut self, tx: &mut Tx) {
        tx.send(Self::at("c").hush());
    }

    /// Cancels its first timer, and sets the named one anew.
    pub fn hush(&mut self, tx: &mut Tx) {
        assert!(self.cancel(tx, 0), "it was not handled yet");
        self.set_named(tx, 5, 1000);
    }

    #[open]
    pub fn end(&mut self, tx: &mut Tx) {
        tx.delete();
    }

    /// Is told by a timer.
    #[open]
    pub fn ring(&mut self, tx: &mut Tx, tag: u32) {
        self.rung.push((tag, tx.now().0));
        match tag {
            // Sets the timer again that it was told by.
            7 => self.set_named(tx, 8, 1000),
            9 => tx.delete(),
            _ => {}
        }
        assert!(tag != 13 || PANICS.take() == 0, "unlucky");
    }

    #[open]
    pub fn rung(&self) -> Vec<(u32, u64)> {
        self.rung.clone()
    }
}

thread_local! {
    /// How often tag 13 still panics.
    pub(crate) static PANICS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

pub(crate) fn making() -> Making {
    let registry = Registry::default().with::<Clock>().expect("one kind");
    // Little memory: what the store has leaves it at once.
    let tuning = Tuning { cache_bytes: 0, ..Tuning::default() };
    Making { registry, tuning, partitions: 1, ..Making::default() }
}

pub(crate) fn open() -> Writer {
    Writer::first(1, making()).open()
}

/// Another writer, so many milliseconds after the beginning.
pub(crate) fn again(writer: &Writer, late: u64) -> Writer {
    writer.again_as(Making { late, ..making() }).open()
}

fn ask<E, R, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>) -> Answer {
    writer.answers.clear();
    writer.ask(call, None);
    writer.work();
    assert_eq!((writer.stopped.as_deref(), writer.answers.len()), (None, 1));
    writer.answers.remove(0)
}

pub(crate) fn done<E, R: DeserializeOwned, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>) -> R {
    match ask(writer, call) {
        Answer::Done { reply, .. } => apostate_core::decode(&reply).expect("a reply"),
        other => panic!("{other:?}"),
    }
}

/// The tags that have rung at a clock; none if there is no such clock.
pub(crate) fn rung(writer: &mut Writer, key: &str) -> Vec<u32> {
    times(writer, key).into_iter().map(|(tag, _)| tag).collect()
}

fn times(writer: &mut Writer, key: &str) -> Vec<(u32, u64)> {
    writer.reply_of(Clock::at(key).rung()).unwrap_or_default()
}

/// Has the store take everything, and memory forget it.
pub(crate) fn store(writer: &mut Writer) {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
}

pub(crate) fn stored(writer: &Writer) -> usize {
    let section = Section::Timers as u8;
    writer.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads").len()
}

pub(crate) fn pending(writer: &Writer) -> usize {
    writer.partition.status().timers
}

#[test]
fn a_timer_is_sent_when_it_is_due_and_the_first_set_is_first() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set(vec![1, 2], 100));
    done(&mut writer, Clock::at("c").set(vec![3], 50));
    done(&mut writer, Clock::at("c").set(vec![4], 100));
    assert_eq!((rung(&mut writer, "c").len(), pending(&writer), writer.wakes), (0, 4, 50));
    writer.wait(49);
    assert_eq!((rung(&mut writer, "c").len(), writer.wakes), (0, 1), "not early");
    writer.wait(1);
    assert_eq!((rung(&mut writer, "c"), writer.wakes), (vec![3], 50));
    writer.wait(50);
    assert_eq!(rung(&mut writer, "c"), [3, 1, 2, 4]);
    assert_eq!(pending(&writer), 0);
    writer.wait(5000);
    assert_eq!(rung(&mut writer, "c").len(), 4, "once each");
}

#[test]
fn timers_outlive_restarts_in_the_log_and_in_the_store() {
    for is_stored in [false, true] {
        let mut writer = open();
        done(&mut writer, Clock::at("c").set(vec![1, 2], 100));
        done(&mut writer, Clock::at("c").set_named(3, 100));
        if is_stored {
            store(&mut writer);
            assert_eq!(stored(&writer), 3);
        }
        done(&mut writer, Clock::at("c").set(vec![4], 20));
        assert!(done(&mut writer, Clock::at("c").cancel(0)));
        let mut writer = again(&writer, 10);
        assert_eq!((pending(&writer), writer.wakes), (3, 10));
        writer.wait(10);
        assert_eq!(rung(&mut writer, "c"), [4]);
        // What was due while nobody was there comes at once.
        let mut writer = again(&writer, 10_000);
        assert_eq!(rung(&mut writer, "c"), [4, 2, 3]);
        store(&mut writer);
        assert_eq!((stored(&writer), pending(&writer)), (0, 0));
        let mut writer = again(&writer, 20_000);
        assert_eq!(rung(&mut writer, "c"), [4, 2, 3]);
    }
}

#[test]
fn a_timer_that_is_set_anew_is_due_at_the_new_time_alone_also_after_a_restart() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set_named(1, 100));
    store(&mut writer);
    done(&mut writer, Clock::at("c").set_named(2, 300));
    let mut writer = again(&writer, 50);
    writer.wait(100);
    assert_eq!((rung(&mut writer, "c").len(), pending(&writer)), (0, 1));
    done(&mut writer, Clock::at("c").set_named(3, 20));
    writer.wait(20);
    assert_eq!(rung(&mut writer, "c"), [3]);
    store(&mut writer);
    let mut writer = again(&writer, 10_000);
    assert_eq!((rung(&mut writer, "c"), stored(&writer)), (vec![3], 0));
}

#[test]
fn a_handler_told_by_a_timer_sets_that_timer_again_or_deletes_its_entity() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set_named(7, 100));
    done(&mut writer, Clock::at("d").set(vec![9], 100));
    done(&mut writer, Clock::at("d").set(vec![1], 150));
    writer.wait(100);
    assert_eq!((rung(&mut writer, "c"), rung(&mut writer, "d").len(), pending(&writer)), (vec![7], 0, 1));
    writer.wait(1000);
    assert_eq!((rung(&mut writer, "c"), rung(&mut writer, "d").len(), pending(&writer)), (vec![7, 8], 0, 0));
}

/// A clock's key that lives in partition `id` of two.
fn key_in(id: u64) -> String {
    let lives = |key: &String| map().find(Clock::at(key).rung().to.expect("a key").hash()) == PartitionId(id);
    (0..).map(|number| format!("clock {number}")).find(lives).expect("a key for each partition")
}

#[test]
fn a_timer_for_another_entity_is_sent_by_its_own_when_it_is_due() {
    let making = |late| Making { partitions: 2, late, ..making() };
    let (mut one, mut two) = (Writer::first(1, making(0)).open(), Writer::first(2, making(0)).open());
    one.meet(&mut two);
    let (from, to) = (key_in(1), key_in(2));
    done(&mut one, Clock::at(&from).set_other(to.clone(), 1, 100));
    done(&mut one, Clock::at(&from).set_other(to.clone(), 2, 100));
    done(&mut one, Clock::at(&from).set_other(from.clone(), 3, 100));
    assert!(done(&mut one, Clock::at(&from).cancel(0)));
    let mut one = one.again_as(making(50)).open();
    assert_eq!(one.partition.status().outbox, 0, "it has no number before it is due");
    one.wait(50);
    two.wait(100);
    for _ in 0..10 {
        one.wait(1000);
        two.wait(1000);
        talk(&mut one, &mut two);
    }
    assert_eq!((rung(&mut two, &to), rung(&mut one, &from)), (vec![2], vec![3]));
    assert_eq!((pending(&one), one.partition.status().outbox), (0, 0));
}

#[test]
fn an_entity_has_no_more_timers_than_it_may() {
    let mut writer = open();
    let most = TIMERS_PER_ENTITY_MAX as u32;
    done(&mut writer, Clock::at("c").set((100..100 + most).collect(), 100));
    assert!(matches!(ask(&mut writer, Clock::at("c").set(vec![50], 100)), Answer::Failed(Failure::TooLarge)));
    assert!(done(&mut writer, Clock::at("c").cancel(0)));
    done(&mut writer, Clock::at("c").set(vec![50], 100));
    done(&mut writer, Clock::at("d").set(vec![1], 100));
    writer.wait(100);
    (0..20).for_each(|_| writer.work());
    assert_eq!((rung(&mut writer, "c").len(), pending(&writer)), (TIMERS_PER_ENTITY_MAX, 0));
}

#[test]
fn a_timer_whose_record_is_not_durable_is_not_seen_to_be_due() {
    let mut writer = open();
    done(&mut writer, Clock::at("c").set(vec![1], 100));
    writer.appends = Appends::Withheld;
    writer.wait(100);
    let mut other = again(&writer, 50);
    assert_eq!((rung(&mut other, "c").len(), pending(&other)), (0, 1), "it was not sent");
    other.wait(50);
    assert_eq!(rung(&mut other, "c"), [1]);
}

#[test]
fn a_timer_is_in_time_after_a_restart_of_a_node_that_had_nothing_else_to_do() {
    const HOUR: u64 = 3_600_000;
    let mut writer = open();
    done(&mut writer, Clock::at("c").set(vec![1], 30 * HOUR));
    let before = writer.partition.status().submitted.0;
    (0..29).for_each(|_| writer.wait(HOUR));
    let records = writer.partition.status().submitted.0 - before;
    assert!((1..=5).contains(&records), "{records} records say the time");
    let mut writer = again(&writer, 29 * HOUR);
    writer.wait(HOUR);
    assert_eq!(rung(&mut writer, "c"), [1]);
    // Without timers there is nothing to be late with.
    let before = writer.partition.status().submitted.0;
    (0..29).for_each(|_| writer.wait(HOUR));
    assert_eq!(writer.partition.status().submitted.0, before);
}
