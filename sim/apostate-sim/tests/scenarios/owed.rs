//! Owed answers: a call that is answered later is answered once, whatever happens to its entity, its partition and its process.

use std::time::Duration;

use apostate::prelude::*;
use apostate_core::limits::OWED_PER_ENTITY_MAX;
use apostate_core::{Call, Registry};
use apostate_partition::{Answer as Told, Failure, Input, Request, RequestKind, Tuning};

use crate::pair::{Making, Writer, map, talk};

/// An entity that answers when it is told to.
#[entity(name = "office")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Office {
    waiting: Vec<Later<u64>>,
    news: Vec<String>,
}

#[handlers]
impl Office {
    /// Is answered later; within so many milliseconds, if they are said.
    #[open]
    pub fn take(&mut self, tx: &mut Tx, milliseconds: Option<u64>) -> Later<u64> {
        let later = tx.later();
        self.waiting.push(later.clone());
        match milliseconds {
            Some(milliseconds) => later.within(Duration::from_millis(milliseconds)),
            None => later,
        }
    }

    /// Is answered at once, or refused, or takes what it said back.
    #[open]
    pub fn take_at_once(&mut self, tx: &mut Tx, is_refused: bool) -> Result<Later<u64>, Refusal> {
        let later = tx.later();
        match is_refused {
            true => assert!(tx.refuse(later.clone(), Refusal::new("no")), "somebody waits"),
            false => assert!(tx.answer(later.clone(), 1), "somebody waits"),
        }
        assert!(!tx.answer(later.clone(), 2), "it is answered");
        self.waiting.push(later.clone());
        refuse!(self.waiting.len() > 3, "full");
        Ok(later)
    }

    /// Answers the oldest calls. Gives for which of them somebody was there.
    #[open]
    pub fn give(&mut self, tx: &mut Tx, count: usize, value: u64) -> Vec<bool> {
        (0..).zip(self.waiting.drain(..count)).map(|(more, later)| tx.answer(later, value + more)).collect()
    }

    /// Answers the oldest call, and keeps its token.
    #[open]
    pub fn give_and_keep(&mut self, tx: &mut Tx, value: u64) -> bool {
        tx.answer(self.waiting[0].clone(), value)
    }

    /// Refuses the oldest call.
    #[open]
    pub fn turn_down(&mut self, tx: &mut Tx) -> bool {
        tx.refuse(self.waiting.remove(0), Refusal::with_code("closed", "come again"))
    }

    /// Answers, and panics.
    #[open]
    pub fn give_and_burst(&mut self, tx: &mut Tx) {
        self.give(tx, 1, 100);
        panic!("burst");
    }

    /// Takes a token and does not return it.
    #[open]
    pub fn lose(&mut self, tx: &mut Tx) {
        self.waiting.push(tx.later());
    }

    /// Asks another one, who answers later.
    #[open]
    pub fn ask(&mut self, tx: &mut Tx, whom: String, patience: u64, milliseconds: Option<u64>) {
        let within = Duration::from_millis(patience);
        tx.ask(Self::at(whom).take(milliseconds)).within(within).then(Self::ON_ANSWER);
    }

    /// Sends another one what it answers later: nobody waits for it.
    #[open]
    pub fn tell(&mut self, tx: &mut Tx, whom: String) {
        tx.send(Self::at(whom).take(None));
    }

    /// Leaves, whatever it owes; it answers one before, if it is told to.
    #[open]
    pub fn leave(&mut self, tx: &mut Tx, answers: bool) {
        if answers {
            tx.answer(self.waiting.remove(0), 9);
        }
        tx.delete();
    }

    /// The answers that have come.
    #[open]
    pub fn news(&self) -> Vec<String> {
        self.news.clone()
    }

    #[on]
    fn on_answer(&mut self, answer: Answer<u64>) {
        self.news.push(match answer {
            Answer::Answered(value) => value.to_string(),
            Answer::Refused(why) => why.code,
            Answer::Expired => "expired".to_owned(),
            Answer::Failed(why) => why.code,
        });
    }
}

fn offices(partitions: u32, tuning: Tuning) -> Making {
    let registry = Registry::default().with::<Office>().expect("one kind");
    Making { registry, tuning, partitions, ..Making::default() }
}

fn one() -> Writer {
    Writer::first(1, offices(1, Tuning::default())).open()
}

/// Another writer of the same partition, as after a crash.
fn again(writer: &Writer, tuning: Tuning) -> Writer {
    let seed = u64::from(writer.partition.status().epoch.0 as u32) + 100;
    let late = writer.clock().uptime.0 - apostate_world::BEGINNING;
    writer.again_as(Making { seed, late, ..offices(1, tuning) }).open()
}

/// Calls, and lets the partition work. Gives the answer.
fn told<E, R, S, A>(writer: &mut Writer, call: Call<E, R, S, A>, key: Option<&str>) -> Told {
    writer.answers.clear();
    writer.ask(call, key);
    writer.work();
    assert_eq!(writer.stopped.as_deref(), None);
    assert_eq!(writer.answers.len(), 1, "{:?}", writer.answers);
    writer.answers.remove(0)
}

/// The reply to a call, as an `R`.
fn reply<R: serde::de::DeserializeOwned>(told: &Told) -> R {
    match told.clone().original().0 {
        Told::Done { reply, .. } => apostate_core::decode(&reply).expect("a reply"),
        other => panic!("{other:?}"),
    }
}

fn pending(told: &Told) -> u64 {
    match told.clone().original().0 {
        Told::Pending { number } => number,
        other => panic!("{other:?}"),
    }
}

fn give(writer: &mut Writer, count: usize, value: u64) -> Vec<bool> {
    reply(&told(writer, Office::at("a").give(count, value), None))
}

fn take(writer: &mut Writer, key: &str, milliseconds: Option<u64>) -> Told {
    told(writer, Office::at("a").take(milliseconds), Some(key))
}

fn is_repeated(told: &Told) -> bool {
    matches!(told, Told::Repeated(_))
}

fn news(writer: &mut Writer, key: &str) -> Vec<String> {
    writer.reply_of(Office::at(key).news()).unwrap_or_default()
}

#[test]
fn a_call_is_pending_until_a_later_transaction_answers_it() {
    let mut writer = one();
    let first = take(&mut writer, "k", None);
    let number = pending(&first);
    assert!(!is_repeated(&first) && writer.settled.is_empty());
    let second = take(&mut writer, "k", None);
    assert!(is_repeated(&second) && pending(&second) == number, "it is not called twice: {second:?}");
    let other = told(&mut writer, Office::at("a").take(Some(5)), Some("k"));
    assert_eq!(other, Told::Failed(Failure::KeyReused), "what is pending is another request");
    assert_eq!((give(&mut writer, 1, 7), writer.settled.clone()), (vec![true], vec![number]));
    let third = take(&mut writer, "k", None);
    assert!(is_repeated(&third) && reply::<u64>(&third) == 7, "{third:?}");
    let recall = RequestKind::Recall { key: "k".into() };
    let request = writer.request(Office::at("a").take(None), None);
    writer.answers.clear();
    writer.tell(Input::Request(Request { request_kind: recall, ..request }));
    writer.work();
    assert_eq!(reply::<u64>(&writer.answers[0]), 7);
    assert_eq!(writer.partition.status().owed, 0);
}

#[test]
fn two_tokens_are_answered_in_one_transaction_and_none_twice() {
    let mut writer = one();
    take(&mut writer, "k1", None);
    take(&mut writer, "k2", None);
    assert_eq!(writer.partition.status().owed, 2);
    assert!(reply::<bool>(&told(&mut writer, Office::at("a").give_and_keep(5), None)));
    assert!(!reply::<bool>(&told(&mut writer, Office::at("a").give_and_keep(6), None)), "it was answered");
    take(&mut writer, "k3", None);
    assert_eq!(give(&mut writer, 3, 10), [false, true, true]);
    let replies = ["k1", "k2", "k3"].map(|key| reply::<u64>(&take(&mut writer, key, None)));
    assert_eq!(replies, [5, 11, 12]);
    assert_eq!(writer.settled.len(), 3);
}

#[test]
fn a_call_is_refused_later_and_what_it_changed_stays() {
    let mut writer = one();
    take(&mut writer, "k", None);
    assert!(reply::<bool>(&told(&mut writer, Office::at("a").turn_down(), None)));
    let told = take(&mut writer, "k", None).original();
    assert_eq!(told, (Told::Refused(Refusal::with_code("closed", "come again")), true));
}

#[test]
fn a_call_that_is_answered_at_once_is_not_pending() {
    let mut writer = one();
    let at_once =
        |writer: &mut Writer, key, is_refused| told(writer, Office::at("a").take_at_once(is_refused), Some(key));
    assert_eq!(reply::<u64>(&at_once(&mut writer, "k1", false)), 1);
    assert_eq!(at_once(&mut writer, "k2", true), Told::Refused(Refusal::new("no")));
    assert_eq!(reply::<u64>(&at_once(&mut writer, "k3", false)), 1);
    assert_eq!(at_once(&mut writer, "k4", false), Told::Refused(Refusal::new("full")), "that is taken back");
    assert!(is_repeated(&at_once(&mut writer, "k1", false)));
    assert_eq!((writer.partition.status().owed, writer.settled.len()), (0, 0));
}

#[test]
fn a_call_that_is_not_answered_in_time_has_expired_and_is_not_answered_any_more() {
    let mut writer = one();
    let number = pending(&take(&mut writer, "k", Some(500)));
    writer.wait(499);
    assert!(writer.settled.is_empty(), "its time is not over");
    writer.wait(1);
    assert_eq!((writer.settled.clone(), writer.partition.status().owed), (vec![number], 0));
    assert_eq!(take(&mut writer, "k", Some(500)), Told::Repeated(Box::new(Told::Expired)));
    assert_eq!(give(&mut writer, 1, 7), [false], "nobody waits for it");
    assert_eq!(take(&mut writer, "k", Some(500)), Told::Repeated(Box::new(Told::Expired)));
    assert_eq!(writer.partition.status().timers, 0);
}

#[test]
fn what_is_owed_outlives_the_process_whether_log_or_store_have_it() {
    for is_stored in [false, true] {
        let tuning = Tuning { cache_bytes: 0, ..Tuning::default() };
        let mut writer = Writer::first(1, offices(1, tuning)).open();
        let number = pending(&take(&mut writer, "k", None));
        let late = pending(&take(&mut writer, "late", Some(60_000)));
        if is_stored {
            writer.tell(Input::RequestCheckpoint { ticket: 1 });
            writer.work();
        }
        writer = again(&writer, tuning);
        assert_eq!((pending(&take(&mut writer, "k", None)), writer.partition.status().owed), (number, 2));
        assert_eq!(give(&mut writer, 1, 7), [true]);
        assert_eq!(writer.settled, [number]);
        writer = again(&writer, tuning);
        assert_eq!(reply::<u64>(&take(&mut writer, "k", None)), 7, "stored: {is_stored}");
        for _ in 0..70 {
            writer.wait(1000);
        }
        assert_eq!(writer.settled, [late]);
        assert_eq!(take(&mut writer, "late", Some(60_000)), Told::Repeated(Box::new(Told::Expired)));
    }
}

#[test]
fn an_entity_that_is_deleted_answers_nothing_more_and_its_callers_are_told() {
    let mut writer = one();
    let number = pending(&take(&mut writer, "k1", None));
    take(&mut writer, "k2", None);
    told(&mut writer, Office::at("a").leave(true), None);
    assert_eq!((writer.settled.len(), writer.partition.status().owed, writer.partition.status().timers), (2, 0, 0));
    assert_eq!(reply::<u64>(&take(&mut writer, "k1", None)), 9, "it was answered before");
    assert_eq!(take(&mut writer, "k2", None), Told::Repeated(Box::new(Told::Expired)));
    let next = pending(&take(&mut writer, "k3", None));
    assert!(next > number, "a number is never given again: {next} after {number}");
}

#[test]
fn a_handler_that_panics_after_it_has_answered_has_answered_nothing() {
    let mut writer = one();
    take(&mut writer, "k1", None);
    // In one batch: what is called, and what undoes it.
    writer.answers.clear();
    writer.ask(Office::at("a").take(None), Some("k2"));
    writer.ask(Office::at("a").give(1, 1), None);
    writer.ask(Office::at("a").give_and_burst(), None);
    writer.work();
    assert!(matches!(writer.answers.last(), Some(Told::Failed(Failure::Panicked(_)))), "{:?}", writer.answers);
    assert_eq!(writer.settled.len(), 1);
    assert_eq!(reply::<u64>(&take(&mut writer, "k1", None)), 1);
    pending(&take(&mut writer, "k2", None));
    assert_eq!(give(&mut writer, 1, 2), [true]);
    assert_eq!(reply::<u64>(&take(&mut writer, "k2", None)), 2);
}

#[test]
fn a_token_that_is_not_returned_is_a_bug_of_the_handler() {
    let mut writer = one();
    let told = told(&mut writer, Office::at("a").lose(), Some("k"));
    assert!(matches!(&told, Told::Failed(Failure::Panicked(text)) if text.contains("Later<")), "{told:?}");
    assert_eq!(writer.partition.status().owed, 0);
}

#[test]
fn what_is_owed_for_longer_than_keys_are_remembered_is_not_forgotten() {
    let tuning = Tuning { client_key_retention: Duration::from_secs(60), cache_bytes: 0, ..Tuning::default() };
    let mut writer = Writer::first(1, offices(1, tuning)).open();
    let number = pending(&take(&mut writer, "k", Some(3_600_000)));
    let other = pending(&take(&mut writer, "other", None));
    for _ in 0..100 {
        writer.wait(10_000);
        // What is swept is read page by page.
        take(&mut writer, "k", Some(3_600_000));
    }
    assert_eq!((pending(&take(&mut writer, "k", Some(3_600_000))), writer.settled.clone()), (number, vec![other]));
    assert_eq!(give(&mut writer, 2, 7), [true, false]);
    assert_eq!(reply::<u64>(&take(&mut writer, "k", Some(3_600_000))), 7);
    writer.wait(70_000);
    assert_ne!(pending(&take(&mut writer, "k", Some(3_600_000))), number, "it is remembered from its answer on");
}

#[test]
fn an_entity_owes_so_many_answers_and_no_more() {
    let mut writer = one();
    for number in 0..OWED_PER_ENTITY_MAX {
        writer.ask(Office::at("a").take(None), Some(&number.to_string()));
    }
    writer.work();
    assert_eq!(writer.partition.status().owed, OWED_PER_ENTITY_MAX);
    assert_eq!(take(&mut writer, "k", None), Told::Failed(Failure::OwesTooMuch));
    assert_eq!(give(&mut writer, 2, 1), [true, true]);
    pending(&take(&mut writer, "k", None));
    told(&mut writer, Office::at("a").leave(false), None);
    assert_eq!((writer.partition.status().owed, writer.settled.len()), (0, OWED_PER_ENTITY_MAX + 1));
}

#[test]
fn nobody_is_answered_later_who_cannot_ask_again() {
    let mut writer = one();
    assert_eq!(told(&mut writer, Office::at("a").take(None), None), Told::Failed(Failure::NotOpen));
    writer.answers.clear();
    writer.number("device", 1, Office::at("a").take(None));
    writer.work();
    assert_eq!(writer.answers, [Told::Accepted], "a producer does not wait");
    told(&mut writer, Office::at("b").tell("a".to_owned()), None);
    assert_eq!((give(&mut writer, 2, 7), writer.partition.status().owed), (vec![false, false], 0));
}

/// Asks, answers after so many milliseconds, and gives what the asker is told.
fn exchange(is_local: bool, patience: u64, milliseconds: Option<u64>, after: u64) -> Vec<String> {
    let tuning = Tuning::default();
    let lives = |id: u64| {
        let hash = |key: &String| Office::at(key).news().to.expect("a key").hash();
        (0..).map(|number| format!("d{number}")).find(|key| map().find(hash(key)).0 == id).expect("a key")
    };
    let (asker, partner) = (lives(1), lives(if is_local { 1 } else { 2 }) + if is_local { "x" } else { "" });
    let partitions = if is_local { 1 } else { 2 };
    let mut here = Writer::first(1, offices(partitions, tuning)).open();
    let mut there = Writer::first(2, offices(2, tuning)).open();
    here.meet(&mut there);
    told(&mut here, Office::at(&asker).ask(partner.clone(), patience, milliseconds), None);
    talk(&mut here, &mut there);
    for _ in 0..after / 100 {
        here.wait(100);
        there.wait(100);
        talk(&mut here, &mut there);
    }
    let server = if is_local { &mut here } else { &mut there };
    told(server, Office::at(&partner).give(1, 7), None);
    talk(&mut here, &mut there);
    assert_eq!((here.partition.status().owed, there.partition.status().owed), (0, 0));
    assert_eq!(here.partition.status().open_asks, 0);
    news(&mut here, &asker)
}

#[test]
fn an_entity_that_asks_is_answered_later_wherever_its_partner_lives() {
    for is_local in [true, false] {
        assert_eq!(exchange(is_local, 60_000, None, 1_000), ["7"]);
        assert_eq!(exchange(is_local, 500, None, 1_000), ["expired"], "it waits no longer");
        assert_eq!(exchange(is_local, 60_000, Some(500), 1_000), ["expired"], "its partner waits no longer");
    }
}
