//! Parties: entities that ask each other, give, refuse, show, panic and leave; and tell what they were told.

use std::time::Duration;

use apostate::prelude::*;
use apostate_core::{Address, EntityKey, KindId, Registry};
use apostate_log::{Log, PartitionId, Position, Record};
use apostate_partition::Tuning;
use apostate_partition::cell::{self, Section};
use apostate_partition::record_body::Body;

use crate::pair::{Making, Writer, map};

/// An entity that asks, and is asked.
#[entity(name = "party")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Party {
    /// Answers that have come, and whose.
    news: Vec<String>,
    given: u64,
}

const PATIENCE: Duration = Duration::from_secs(60);

#[handlers]
impl Party {
    /// Asks for units.
    #[open]
    pub fn ask(&mut self, tx: &mut Tx, whom: String, units: u64) {
        tx.ask(Self::at(whom).give(units)).within(PATIENCE).then(Self::ON_ANSWER);
    }

    /// Asks for one unit, for so many milliseconds.
    #[open]
    pub fn ask_for(&mut self, tx: &mut Tx, whom: String, milliseconds: u64) {
        tx.ask(Self::at(whom).give(1)).within(Duration::from_millis(milliseconds)).then(Self::ON_ANSWER);
    }

    /// Asks to be shown what was given, many times.
    #[open]
    pub fn inspect(&mut self, tx: &mut Tx, whom: String, times: u64) {
        for _ in 0..times {
            tx.ask(Self::at(&whom).show()).within(PATIENCE).then(Self::ON_ANSWER);
        }
    }

    /// Asks for a panic.
    #[open]
    pub fn provoke(&mut self, tx: &mut Tx, whom: String) {
        tx.ask(Self::at(whom).burst()).within(PATIENCE).then(Self::ON_ANSWER);
    }

    /// Asks, and cannot bear the answer.
    #[open]
    pub fn dread(&mut self, tx: &mut Tx, whom: String) {
        tx.ask(Self::at(whom).show()).within(PATIENCE).then(Self::ON_DREADED);
    }

    /// Asks, and panics.
    #[open]
    pub fn falter(&mut self, tx: &mut Tx, whom: String) {
        self.ask(tx, whom, 1);
        panic!("faltered");
    }

    /// Asks one more, if it is told whom, and leaves.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx, whom: Option<String>) {
        if let Some(whom) = whom {
            self.ask(tx, whom, 1);
        }
        tx.delete();
    }

    /// Gives units, if they are any.
    #[open]
    pub fn give(&mut self, units: u64) -> Result<u64, Refusal> {
        self.given += units;
        refuse!(units == 0, code = "nothing", "nothing to give");
        Ok(self.given)
    }

    /// Panics.
    pub fn burst(&mut self) -> u64 {
        self.given += 100;
        panic!("burst");
    }

    /// Units given.
    #[open]
    pub fn show(&self) -> u64 {
        self.given
    }

    /// The answers that have come.
    #[open]
    pub fn news(&self) -> Vec<String> {
        self.news.clone()
    }

    #[on]
    fn on_answer(&mut self, tx: &mut Tx, answer: Answer<u64>) {
        let whose = tx.sender().map_or_else(|| "nobody".to_owned(), |partner| partner.key().to_string());
        self.news.push(match answer {
            Answer::Answered(units) => format!("{whose}: {units}"),
            Answer::Refused(why) => format!("{whose} refused: {}", why.code),
            Answer::Expired => format!("{whose}: expired"),
            Answer::Failed(why) => format!("{whose} failed: {}", why.code),
        });
    }

    #[on]
    fn on_dreaded(&mut self, answer: Answer<u64>) {
        self.news.push(format!("{answer:?}"));
        panic!("dreaded");
    }
}

/// The same of an older build, which knows nothing but its news.
#[entity(name = "party")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct OldParty {
    #[serde(default)]
    news: Vec<String>,
    #[serde(default)]
    given: u64,
}

#[handlers]
impl OldParty {
    /// The answers that have come.
    #[open]
    pub fn news(&self) -> Vec<String> {
        self.news.clone()
    }
}

pub(crate) fn parties(partitions: u32, tuning: Tuning) -> Making {
    let registry = Registry::default().with::<Party>().expect("one kind");
    Making { registry, tuning, partitions, ..Making::default() }
}

pub(crate) fn old_parties(partitions: u32) -> Making {
    Making {
        registry: Registry::default().with::<OldParty>().expect("one kind"),
        ..parties(partitions, Tuning::default())
    }
}

/// An impatient partition, with little memory.
pub(crate) fn impatient() -> Tuning {
    Tuning { cache_bytes: 0, retry_time_max: Duration::ZERO, ..Tuning::default() }
}

pub(crate) fn address(key: &str) -> Address {
    Address::new(KindId::of(Party::NAME), EntityKey::new(key).expect("a key"))
}

/// The first `count` keys whose parties live in partition `id` of two.
pub(crate) fn parties_in(id: u64, count: usize) -> Vec<String> {
    let lives = |key: &String| map().find(address(key).hash()) == PartitionId(id);
    (0..).map(|number| format!("p{number}")).filter(lives).take(count).collect()
}

/// A key whose party lives in partition `id` of two.
pub(crate) fn party_in(id: u64) -> String {
    parties_in(id, 1).remove(0)
}

/// The answers that have come to a party; none if there is no such entity.
pub(crate) fn news(writer: &mut Writer, key: &str) -> Vec<String> {
    writer.reply_of(Party::at(key).news()).unwrap_or_default()
}

/// Asks, and lets the partition work.
pub(crate) fn call<E, R, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>) {
    writer.ask(call, None);
    writer.work();
    assert_eq!(writer.stopped.as_deref(), None);
}

pub(crate) fn open_asks(writer: &Writer) -> usize {
    writer.partition.status().open_asks
}

/// How often a cell of an ask stands in the records of a partition.
pub(crate) fn written_asks(writer: &Writer) -> usize {
    written(writer, &[Section::Asks])
}

/// How often a cell of these sections stands in the records of a partition.
pub(crate) fn written(writer: &Writer, sections: &[Section]) -> usize {
    let records = writer.log.read(Position(1), usize::MAX).expect("it reads");
    let is_meant = |key: &[u8]| cell::section_of(key).is_ok_and(|section| sections.contains(&section));
    let count = |record: &bytes::Bytes| {
        let body = Body::read(Record::read(record).expect("a record").body).expect("a body");
        body.cells().filter(|cell| is_meant(cell.expect("a cell").0)).count()
    };
    records.iter().map(count).sum()
}
