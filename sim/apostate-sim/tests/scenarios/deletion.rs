//! Deletion: nothing is left of an entity that is gone, and its version never goes back.

use apostate::prelude::*;
use apostate_core::Registry;
use apostate_log::Store;
use apostate_partition::cell::{self, Section};
use apostate_partition::{Answer, Input, Tuning};

use crate::pair::{Making, Writer};

/// An entity that ends when it is told.
#[entity(name = "spark")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Spark {
    glows: u64,
}

#[handlers]
impl Spark {
    /// Glows once more.
    #[open]
    pub fn glow(&mut self) -> u64 {
        self.glows += 1;
        self.glows
    }

    /// Refuses.
    #[open]
    pub fn refuse(&mut self) -> Result<(), Refusal> {
        refuse!(true, "after {} glows", self.glows);
        Ok(())
    }

    /// Panics.
    #[open]
    pub fn burst(&mut self) {
        panic!("burst");
    }

    /// Ends it.
    #[open]
    pub fn end(&mut self, tx: &mut Tx) -> u64 {
        tx.delete();
        self.glows
    }
}

fn making() -> Making {
    let registry = Registry::default().with::<Spark>().expect("one kind");
    // Little memory: what the store has leaves it at once.
    let tuning = Tuning { cache_bytes: 0, ..Tuning::default() };
    Making { registry, tuning, partitions: 1, ..Making::default() }
}

fn ask<E, R, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>, key: Option<&str>) -> Answer {
    writer.answers.clear();
    writer.ask(call, key);
    writer.work();
    assert_eq!((writer.stopped.as_deref(), writer.answers.len()), (None, 1));
    writer.answers.remove(0)
}

fn version(answer: &Answer) -> u64 {
    let Answer::Done { version, .. } = answer else { panic!("{answer:?}") };
    *version
}

/// Has the store take everything, and memory forget it.
fn store(writer: &mut Writer) {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    writer.wait(1000);
}

fn stored(writer: &Writer, section: Section) -> usize {
    let section = section as u8;
    writer.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads").len()
}

fn rows(writer: &Writer) -> usize {
    stored(writer, Section::Own)
}

#[test]
fn nothing_is_left_of_entities_that_are_deleted() {
    let mut writer = Writer::first(1, making()).open();
    ask(&mut writer, Spark::at("first").end(), None);
    store(&mut writer);
    let before = rows(&writer);
    for round in 0..2 {
        for spark in 0..100_u64 {
            ask(&mut writer, Spark::at(spark).glow(), None);
            if round == 0 {
                store(&mut writer);
            }
            ask(&mut writer, Spark::at(spark).end(), None);
        }
        if round == 0 {
            writer = writer.again_as(making()).open();
        }
    }
    store(&mut writer);
    assert_eq!((stored(&writer, Section::State), rows(&writer)), (0, before));
    ask(&mut writer, Spark::at("last").glow(), None);
    assert!(writer.partition.status().entities <= 1, "and nothing in memory");
}

#[test]
fn a_version_never_goes_back_wherever_the_deletion_is() {
    for (is_stored, is_opened) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut writer = Writer::first(1, making()).open();
        let (mut last, mut highest) = (0, 0);
        for round in 0..6_u64 {
            for _ in 0..=round % 3 {
                let glow = version(&ask(&mut writer, Spark::at("a").glow(), None));
                assert!(glow > last, "{glow} after {last}");
                last = glow;
            }
            let other = version(&ask(&mut writer, Spark::at(round).glow(), None));
            assert!(other > highest, "a new one begins above all that were deleted");
            last = version(&ask(&mut writer, Spark::at("a").end(), None));
            highest = last;
            if is_stored {
                store(&mut writer);
            }
            if is_opened {
                writer = writer.again_as(making()).open();
            }
        }
    }
}

#[test]
fn what_an_entity_that_is_gone_has_answered_is_remembered() {
    let mut writer = Writer::first(1, making()).open();
    ask(&mut writer, Spark::at("a").glow(), Some("one"));
    ask(&mut writer, Spark::at("a").end(), Some("two"));
    ask(&mut writer, Spark::at("a").refuse(), Some("three"));
    for round in 0..4 {
        for key in ["one", "two", "three"] {
            let answer = match key {
                "one" => ask(&mut writer, Spark::at("a").glow(), Some(key)),
                "two" => ask(&mut writer, Spark::at("a").end(), Some(key)),
                _ => ask(&mut writer, Spark::at("a").refuse(), Some(key)),
            };
            assert!(matches!(answer, Answer::Repeated(_)), "round {round}: {key} is {answer:?}");
        }
        store(&mut writer);
        writer = writer.again_as(making()).open();
        assert_eq!(stored(&writer, Section::State), round / 2);
        if round == 1 {
            // Those of its earlier life are found behind a state that knows of none.
            assert_eq!(version(&ask(&mut writer, Spark::at("a").glow(), None)), 3);
        }
    }
}

#[test]
fn a_deletion_that_is_undone_with_its_batch_raises_no_version() {
    let mut writer = Writer::first(1, making()).open();
    ask(&mut writer, Spark::at("a").glow(), None);
    writer.answers.clear();
    for call in [Spark::at("a").glow(), Spark::at("a").end(), Spark::at("b").glow()] {
        writer.ask(call, None);
    }
    writer.ask(Spark::at("b").burst(), None);
    writer.work();
    let versions: Vec<_> = writer.answers.iter().filter(|answer| matches!(answer, Answer::Done { .. })).collect();
    assert_eq!(versions.into_iter().map(version).collect::<Vec<_>>(), [2, 3, 1]);
    assert_eq!(version(&ask(&mut writer, Spark::at("b").glow(), None)), 2);
    assert_eq!(version(&ask(&mut writer, Spark::at("a").glow(), None)), 4);
}

#[test]
fn an_entity_that_an_older_build_deleted_begins_above_the_version_that_it_left() {
    let mut writer = Writer::first(1, making()).open();
    ask(&mut writer, Spark::at("a").glow(), None);
    ask(&mut writer, Spark::at("a").end(), None);
    store(&mut writer);
    // The version alone, with the mark that there are client keys.
    let address = Spark::at("a").glow().to.expect("a key");
    let word = (40_u64 << 1 | 1).to_le_bytes();
    let cell = cell::key(Section::State, &address, &[]);
    writer.store.checkpoint(&mut [(&cell[..], Some(&word[..]))].into_iter()).expect("a store in memory");
    let mut writer = writer.again_as(making()).open();
    assert!(matches!(ask(&mut writer, Spark::at("a").refuse(), Some("key")), Answer::Refused(_)));
    assert_eq!(version(&ask(&mut writer, Spark::at("a").glow(), None)), 41);
    ask(&mut writer, Spark::at("a").end(), None);
    store(&mut writer);
    assert_eq!(stored(&writer, Section::State), 0);
}
