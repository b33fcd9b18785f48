//! Activities: what an entity remembers about its partners, through loads, undoing, checkpoints, restarts and deletion.

use apostate::prelude::*;
use apostate_core::{Address, KindId, Registry};
use apostate_log::{AppendResult, Store};
use apostate_partition::cell::Section;
use apostate_partition::{Answer, Failure, Input, Load, Request, RequestKind, Tuning, Uptime, load};

use crate::pair::{Appends, Making, Writer};

/// An entity that counts for each partner.
#[entity(name = "ledger")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    runs: u64,
    accounts: Activities<Account>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    units: i64,
    note: String,
}

fn partner(number: u64) -> Address {
    Address::new(KindId::of("partner"), EntityKey::new(&number.to_string()).expect("a key"))
}

#[handlers]
impl Ledger {
    /// Adds units for a partner. Refused when that would be less than none.
    #[open]
    pub fn add(&mut self, partner: u64, units: i64) -> Result<i64, Refusal> {
        self.runs += 1;
        let account = self.accounts.with(self::partner(partner));
        account.units += units;
        refuse!(account.units < 0, "less than none");
        Ok(account.units)
    }

    /// Moves units between partners.
    #[open]
    pub fn shift(&mut self, from: u64, to: u64, units: i64) {
        self.accounts.with(partner(from)).units -= units;
        self.accounts.with(partner(to)).units += units;
    }

    /// Opens accounts for so many partners.
    #[open]
    pub fn fill(&mut self, from: u64, count: u64) {
        for number in from..from + count {
            self.accounts.with(partner(number)).units = 1;
        }
    }

    /// Adds a unit for one of so many partners, drawn by lot; then for another. Gives both draws.
    #[open]
    pub fn draw(&mut self, tx: &mut Tx, count: u64) -> (u64, u64) {
        let first = tx.random() % count;
        self.accounts.with(partner(first)).units += 1;
        let second = tx.random() % count;
        self.accounts.with(partner(second)).units += 1;
        (first, second)
    }

    /// Adds units, and panics.
    #[open]
    pub fn break_off(&mut self, partner: u64) {
        self.accounts.with(self::partner(partner)).units += 100;
        panic!("broken off");
    }

    /// Ends it.
    #[open]
    pub fn end(&mut self, tx: &mut Tx) {
        tx.delete();
    }

    /// Units of a partner.
    #[open]
    pub fn units(&self, partner: u64) -> i64 {
        self.accounts.of(self::partner(partner)).units
    }
}

fn making() -> Making {
    let registry = Registry::default().with::<Ledger>().expect("one kind");
    // Little memory: what the store has leaves it at once.
    let tuning = Tuning { cache_bytes: 0, ..Tuning::default() };
    Making { registry, tuning, partitions: 1, ..Making::default() }
}

fn ask<E, R, S, A>(writer: &mut Writer, call: apostate_core::Call<E, R, S, A>) -> Answer {
    writer.answers.clear();
    writer.ask(call, None);
    // A turn for each activity that is loaded.
    for _ in 0..100 {
        writer.work();
        if !writer.answers.is_empty() {
            break;
        }
    }
    assert_eq!((writer.stopped.as_deref(), writer.answers.len()), (None, 1));
    writer.answers.remove(0)
}

fn units(writer: &mut Writer, partner: u64) -> i64 {
    writer.reply_of(Ledger::at("l").units(partner)).unwrap_or_default()
}

/// Has the store take everything, and memory forget it.
fn store(writer: &mut Writer) {
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    writer.wait(1000);
}

fn stored(writer: &Writer) -> usize {
    let section = Section::Activities as u8;
    writer.store.scan(&[section], &[section + 1], usize::MAX).expect("it reads").len()
}

#[test]
fn an_activity_is_put_changed_stored_read_back_and_gone_when_it_is_the_default_again() {
    let mut writer = Writer::first(1, making()).open();
    assert!(matches!(ask(&mut writer, Ledger::at("l").add(7, 3)), Answer::Done { .. }));
    store(&mut writer);
    assert_eq!((stored(&writer), units(&mut writer, 7), units(&mut writer, 8)), (1, 3, 0));
    ask(&mut writer, Ledger::at("l").shift(7, 8, 1));
    // Without a checkpoint: from the log.
    let mut writer = writer.again_as(making()).open();
    assert_eq!((units(&mut writer, 7), units(&mut writer, 8)), (2, 1));
    ask(&mut writer, Ledger::at("l").shift(7, 8, 2));
    assert_eq!((units(&mut writer, 7), units(&mut writer, 8)), (0, 3));
    let mut writer = writer.again_as(making()).open();
    assert_eq!((units(&mut writer, 7), units(&mut writer, 8)), (0, 3));
    store(&mut writer);
    assert_eq!(stored(&writer), 1, "what is the default again is not stored");
    let mut writer = writer.again_as(making()).open();
    assert_eq!((units(&mut writer, 7), units(&mut writer, 8)), (0, 3));
}

#[test]
fn a_refusal_and_a_panic_leave_no_activity_changed() {
    let mut writer = Writer::first(1, making()).open();
    for is_cold in [false, true] {
        ask(&mut writer, Ledger::at("l").add(1, 5));
        if is_cold {
            store(&mut writer);
        }
        assert!(matches!(ask(&mut writer, Ledger::at("l").add(1, -50)), Answer::Refused(_)));
        assert!(matches!(ask(&mut writer, Ledger::at("l").break_off(1)), Answer::Failed(Failure::Panicked(_))));
        let expected = if is_cold { 10 } else { 5 };
        assert_eq!(units(&mut writer, 1), expected);
        writer = writer.again_as(making()).open();
        assert_eq!(units(&mut writer, 1), expected);
    }
}

#[test]
fn a_message_that_runs_again_draws_the_same_random_numbers() {
    let count = 1 << 40;
    let mut cold = Writer::first(1, making()).open();
    ask(&mut cold, Ledger::at("l").add(1, 1));
    store(&mut cold);
    let mut cold = cold.again_as(making()).open();
    let loads = cold.loads;
    let answer = ask(&mut cold, Ledger::at("l").draw(count));
    let Answer::Done { reply, .. } = answer else { panic!("{answer:?}") };
    let (first, second): (u64, u64) = apostate_core::decode(&reply).expect("two numbers");
    // The entity, and each of the two activities once: with other numbers each run would ask for others.
    assert_eq!(cold.loads - loads, 3);
    assert_eq!((units(&mut cold, first), units(&mut cold, second)), (1, 1));
}

#[test]
fn an_entity_with_many_partners_pays_for_those_that_it_asks_for() {
    let many = 5000;
    let mut writer = Writer::first(1, making()).open();
    for from in (0..many).step_by(1000) {
        assert!(matches!(ask(&mut writer, Ledger::at("l").fill(from, 1000)), Answer::Done { .. }));
    }
    assert_eq!(ask(&mut writer, Ledger::at("l").fill(many, 1001)), Answer::Failed(Failure::TooLarge));
    store(&mut writer);
    assert_eq!(stored(&writer), many as usize);
    let mut writer = writer.again_as(making()).open();
    let (loads, before) = (writer.loads, writer.partition.status().dirty_bytes);
    ask(&mut writer, Ledger::at("l").shift(3, 4, 1));
    assert_eq!(writer.loads - loads, 3, "the entity and two activities");
    let written = writer.partition.status().dirty_bytes - before;
    assert!(written < 1000, "{written} bytes for the store");
    let status = writer.partition.status();
    assert!(status.entity_bytes < 4096, "{} bytes of memory", status.entity_bytes);
}

#[test]
fn what_a_deleted_entity_remembered_does_not_come_back() {
    for is_stored in [false, true] {
        let mut writer = Writer::first(1, making()).open();
        ask(&mut writer, Ledger::at("l").fill(0, 600));
        if is_stored {
            store(&mut writer);
        }
        assert!(matches!(ask(&mut writer, Ledger::at("l").end()), Answer::Done { .. }));
        assert!(matches!(ask(&mut writer, Ledger::at("l").add(1, 7)), Answer::Done { .. }));
        for _ in 0..2 {
            assert_eq!((units(&mut writer, 1), units(&mut writer, 2), units(&mut writer, 599)), (7, 0, 0));
            writer = writer.again_as(making()).open();
            assert_eq!((units(&mut writer, 1), units(&mut writer, 2), units(&mut writer, 599)), (7, 0, 0));
            store(&mut writer);
        }
    }
}

#[test]
fn a_read_sees_activities_while_the_log_is_full_unless_they_are_in_flight() {
    let mut writer = Writer::first(1, making()).open();
    ask(&mut writer, Ledger::at("l").add(1, 5));
    store(&mut writer);
    writer.appends = crate::pair::Appends::Full;
    writer.ask(Ledger::at("l").add(1, 1), None);
    writer.work();
    let call = Ledger::at("l").units(1);
    writer.answers.clear();
    let (to, handler, body) = (call.to.expect("a key"), call.handler, call.body);
    writer.tell(Input::Request(Request::new(to, handler, body, RequestKind::Read)));
    writer.work();
    assert_eq!(writer.answers, [Answer::Failed(Failure::Full)], "what is in flight may be lost");
}

/// A call is refused and remembered under its key; the next one in its batch is stopped at an activity, and is too late when that is loaded.
/// Then there is no room for the batch, and memory is short.
#[test]
fn an_entity_of_which_the_open_batch_has_only_a_client_key_stays_in_memory() {
    let tuning = Tuning { append_window: 1, ..making().tuning };
    let mut writer = Writer::first(1, Making { tuning, ..making() }).open();
    for partner in [1, 2, 3] {
        ask(&mut writer, Ledger::at("l").add(partner, 1));
    }
    ask(&mut writer, Ledger::at("other").add(1, 1));
    // Its state says of client keys already, and is not written for one more.
    writer.ask(Ledger::at("l").add(1, -9), Some("earlier"));
    writer.work();
    store(&mut writer);
    writer.appends = Appends::Withheld;
    let at = writer.partition.status().submitted.next();
    writer.ask(Ledger::at("other").add(1, 1), None);
    writer.work();
    writer.answers.clear();
    writer.ask(Ledger::at("l").add(1, -9), Some("refused"));
    writer.work();
    let too_late = Request {
        deadline: Some(Uptime(writer.clock().uptime.0 + 10)),
        ..writer.request(Ledger::at("l").add(2, 1), None)
    };
    let loads = writer.tell_without_loads(Input::Request(too_late));
    assert!(matches!(loads[..], [Load::Activity { .. }]), "{loads:?}");
    writer.wait(20);
    loads.into_iter().for_each(|wanted| writer.tell(Input::Loaded(load(&writer.store, wanted))));
    writer.work();
    assert_eq!(writer.answers, [], "both answers wait for the record");
    writer.appends = Appends::Full;
    writer.tell(Input::Appended(at, AppendResult::Full));
    for _ in 0..3 {
        assert_eq!(units(&mut writer, 3), 1);
    }
    writer.appends = Appends::Written;
    writer.wait(1000);
    writer.answers.clear();
    writer.ask(Ledger::at("l").add(1, -9), Some("refused"));
    writer.work();
    assert_eq!(writer.stopped, None);
    assert!(matches!(&writer.answers[..], [Answer::Repeated(_)]), "{:?}", writer.answers);
}
