//! Messages that were given up on: left to the store, and read back when somebody decides about them.

use std::time::Duration;

use apostate_core::{Address, EntityKey, KindId};
use apostate_log::Store;
use apostate_partition::cell::{self, Section};
use apostate_partition::{Answer, Failure, Input, ParkedCommand, Range, StopReason, Tuning, parked};

use crate::pair::{Letterbox, Making, Writer, key_in};

fn impatient() -> Making {
    Making { tuning: Tuning { retry_time_max: Duration::ZERO, ..Tuning::default() }, ..Making::default() }
}

/// A partition with one message parked, and the entity that it is for.
fn with_one() -> (Writer, Address) {
    let mut writer = Writer::first(1, impatient()).open();
    let key = key_in(1);
    writer.ask(Letterbox::at(&key).prick(key.clone()), None);
    wait(&mut writer);
    assert_eq!(writer.partition.status().parked, 1);
    (writer, Address::new(KindId::of("box"), EntityKey::new(&key).expect("a key")))
}

/// Until whatever was retried is parked again.
fn wait(writer: &mut Writer) {
    for _ in 0..20 {
        writer.wait(1000);
    }
}

fn checkpoint(writer: &mut Writer) {
    writer.tell(Input::WishCheckpoint { ticket: 1 });
    writer.work();
}

/// The numbers of those that the store has.
fn stored(writer: &Writer) -> Vec<u64> {
    let found = parked(&writer.store, &[Range::WHOLE], None, usize::MAX).expect("it reads");
    found.into_iter().map(|stored| stored.number).collect()
}

fn command(to: &Address, number: u64, retry: bool) -> Input {
    Input::Parked(ParkedCommand { ticket: 7, to: to.clone(), number, retry })
}

const DONE: Answer = Answer::Done { reply: Vec::new(), version: 0 };
const MISSING: Answer = Answer::Failed(Failure::Missing);

#[test]
fn what_only_the_store_has_is_read_back_retried_and_dismissed() {
    // Also after a start, which keeps no more of it than that it is there.
    for is_started_again in [false, true] {
        let (mut writer, to) = with_one();
        checkpoint(&mut writer);
        if is_started_again {
            writer = writer.again_as(impatient()).open();
        }
        let [number] = stored(&writer)[..] else { panic!("one is parked") };
        writer.answers.clear();
        let other = Address::new(KindId::of("other"), to.key().clone());
        for input in [command(&other, number, true), command(&to, number + 1, true), command(&to, number, true)] {
            writer.tell(input);
        }
        wait(&mut writer);
        assert_eq!(writer.answers, [MISSING, MISSING, DONE]);
        assert_eq!(writer.partition.status().parked, 1, "it panicked again");
        checkpoint(&mut writer);
        let [again] = stored(&writer)[..] else { panic!("one is parked") };
        assert_ne!(again, number);
        // Two operators at the same time.
        writer.tell(command(&to, again, false));
        writer.tell(command(&to, again, true));
        writer.work();
        assert_eq!(writer.answers[3..], [DONE, MISSING]);
        assert_eq!((writer.partition.status().parked, writer.partition.status().inbox), (0, 0));
        checkpoint(&mut writer);
        assert!(stored(&writer).is_empty());
    }
}

#[test]
fn what_no_checkpoint_has_is_retried_as_it_is() {
    let (mut writer, to) = with_one();
    assert!(stored(&writer).is_empty());
    writer.answers.clear();
    (1..50).for_each(|number| writer.tell(command(&to, number, false)));
    writer.work();
    assert_eq!(writer.answers.iter().filter(|answer| **answer == DONE).count(), 1);
    assert_eq!(writer.partition.status().parked, 0);
    checkpoint(&mut writer);
    assert!(stored(&writer).is_empty());
}

#[test]
fn one_that_the_store_has_lost_or_damaged_stops_its_partition_when_it_is_wanted() {
    for is_lost in [true, false] {
        let (mut writer, to) = with_one();
        checkpoint(&mut writer);
        let [number] = stored(&writer)[..] else { panic!("one is parked") };
        let key = cell::key(Section::Parked, &to, &number.to_be_bytes());
        if is_lost {
            writer.store.checkpoint(&mut [(&key[..], None)].into_iter()).expect("a store in memory");
        } else {
            writer.store.damage(&key);
        }
        writer.tell(command(&to, number, true));
        writer.work();
        let Some(StopReason::Damaged(reason)) = &writer.stopped else { panic!("{:?}", writer.stopped) };
        assert!(reason.starts_with("P6") && reason.contains("parked at box/"), "{reason}");
    }
}
