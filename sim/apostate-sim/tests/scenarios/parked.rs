//! Messages that were given up on: left to the store, and read back when somebody decides about them.

use std::time::Duration;

use apostate::prelude::*;
use apostate_core::{Address, EntityKey, KindId, Registry};
use apostate_log::Store;
use apostate_partition::cell::{self, Section};
use apostate_partition::{
    Answer, Damage, Failure, Input, ParkedCommand, Range, StopReason, Stored, Tuning, load, parked,
};

use crate::pair::{Appends, Letterbox, Making, OldLetterbox, Writer, key_in, talk};

/// The same of a later build, whose author has dropped the handler that panics.
#[entity(name = "box")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct CalmLetterbox {
    #[serde(default)]
    seen: u64,
}

#[handlers]
impl CalmLetterbox {
    /// Counts.
    #[open]
    pub fn see(&mut self) -> u64 {
        self.seen += 1;
        self.seen
    }
}

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
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
}

/// The numbers of those that the store has.
fn stored(writer: &Writer) -> Vec<u64> {
    let found = parked(&writer.store, &[Range::WHOLE], None, usize::MAX).expect("it reads");
    found.into_iter().map(|stored| stored.number).collect()
}

/// The number of the only one that is parked, which the store has from then on.
fn number_of(writer: &mut Writer) -> u64 {
    checkpoint(writer);
    let [number] = stored(writer)[..] else { panic!("one is parked") };
    number
}

fn command(to: &Address, number: u64, retry: bool) -> Input {
    Input::Command(ParkedCommand { ticket: 7, to: to.clone(), number, retry })
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
        let Some(StopReason::Damaged(damage)) = writer.stopped.as_deref() else { panic!("{:?}", writer.stopped) };
        let (Damage::Missing(what) | Damage::Known { what, .. }) = damage else { panic!("{damage}") };
        assert!(matches!(what, Stored::Parked { entity, .. } if entity.starts_with("box/")), "{damage}");
    }
}

/// In an inbox it would wait for another build, hold up its entity, and be out of reach of whoever wants to dismiss it.
#[test]
fn what_this_build_cannot_apply_is_not_retried_and_can_still_be_dismissed() {
    let calm = Registry::default().with::<CalmLetterbox>().expect("one kind");
    for (registry, failure) in [(Registry::default(), Failure::UnknownKind), (calm, Failure::UnknownHandler)] {
        for is_stored in [true, false] {
            let (writer, to) = with_one();
            let mut writer = writer.again_as(Making { registry: registry.clone(), ..impatient() }).open();
            let number = if is_stored {
                number_of(&mut writer)
            } else {
                (1..50).for_each(|number| writer.tell(command(&to, number, true)));
                writer.work();
                let found = writer.answers.drain(..).position(|answer| answer == Answer::Failed(failure.clone()));
                found.expect("one is parked") as u64 + 1
            };
            // Two operators at the same time.
            writer.tell(command(&to, number, true));
            writer.tell(command(&to, number, true));
            writer.work();
            assert_eq!(writer.answers, [Answer::Failed(failure.clone()), Answer::Failed(failure.clone())]);
            let status = writer.partition.status();
            assert_eq!((status.parked, status.inbox, status.is_quiet), (1, 0, true));
            if failure == Failure::UnknownHandler {
                writer.ask(CalmLetterbox::at(to.key().as_str()).see(), None);
                writer.work();
                assert!(matches!(writer.answers.pop(), Some(Answer::Done { .. })), "its entity is not held up");
            }
            writer.answers.clear();
            for retry in [true, false, true] {
                writer.tell(command(&to, number, retry));
            }
            writer.work();
            assert_eq!(writer.answers, [Answer::Failed(failure.clone()), DONE, MISSING]);
            // A build that has it finds nothing to do.
            let mut later = writer.again_as(impatient()).open();
            later.work();
            let status = later.partition.status();
            assert_eq!((status.parked, status.inbox, status.is_quiet), (0, 0, true));
        }
    }
}

#[test]
fn what_would_stand_behind_a_message_of_another_build_is_not_retried_and_can_still_be_dismissed() {
    let (mut writer, to) = with_one();
    let number = number_of(&mut writer);
    let registry = Registry::default().with::<OldLetterbox>().expect("one kind");
    let mut writer = writer.again_as(Making { registry, ..impatient() }).open();
    let mut sender = Writer::new(2).open();
    talk(&mut sender, &mut writer);
    sender.write(&key_in(2), to.key().as_str(), 1, None);
    talk(&mut sender, &mut writer);
    assert_eq!(writer.partition.status().inbox, 1, "this build has no handler for a letter");
    writer.tell(command(&to, number, true));
    writer.work();
    assert_eq!(writer.answers, [Answer::Failed(Failure::Blocked)]);
    assert_eq!((writer.partition.status().parked, writer.partition.status().inbox), (1, 1));
    writer.tell(command(&to, number, false));
    writer.work();
    assert_eq!(writer.answers[1..], [DONE]);
    assert_eq!(writer.partition.status().parked, 0);
}

#[test]
fn a_command_whose_message_is_being_read_back_is_turned_away_when_the_log_becomes_full() {
    let (mut writer, to) = with_one();
    let number = number_of(&mut writer);
    writer.answers.clear();
    let loads = writer.tell_without_loads(command(&to, number, false));
    assert_eq!(loads.len(), 1, "it is read back");
    writer.appends = Appends::Full;
    writer.ask(Letterbox::at(key_in(1)).receive(1), None);
    writer.work();
    assert!(writer.partition.status().is_full);
    assert_eq!(writer.answers, [Answer::Failed(Failure::Full)], "it would be done at some time, and nobody would know");
    // There is room, and somebody decides again, before the first load comes.
    writer.appends = Appends::Written;
    writer.wait(1000);
    let more = writer.tell_without_loads(command(&to, number, false));
    assert_eq!(more.len(), 0, "it is read back already");
    loads.into_iter().for_each(|wanted| writer.tell(Input::Loaded(load(&writer.store, wanted))));
    writer.work();
    assert_eq!(writer.answers.last(), Some(&DONE));
    assert_eq!((writer.stopped.as_ref(), writer.partition.status().parked), (None, 0));
}

#[test]
fn a_message_that_is_read_back_for_nobody_any_more_is_left_to_the_store() {
    let (mut writer, to) = with_one();
    let number = number_of(&mut writer);
    let loads = writer.tell_without_loads(command(&to, number, false));
    writer.appends = Appends::Full;
    writer.ask(Letterbox::at(key_in(1)).receive(1), None);
    writer.work();
    loads.into_iter().for_each(|wanted| writer.tell(Input::Loaded(load(&writer.store, wanted))));
    writer.appends = Appends::Written;
    writer.wait(1000);
    assert_eq!((writer.stopped.as_ref(), writer.partition.status().parked), (None, 1), "nothing was done");
    let loads = writer.tell_without_loads(command(&to, number, false));
    assert_eq!(loads.len(), 1, "it takes no memory");
}
