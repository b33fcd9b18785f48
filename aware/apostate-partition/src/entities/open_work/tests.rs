//! Open work through batches that close, batches that are undone, and openings.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use apostate_core::{Address, EntityKey, HandlerId, KindId, Timestamp};

use super::*;
use crate::cells::agreement::{Header, Leg, LegAnswer};
use crate::cells::ask::OpenAsk;
use crate::cells::cell;

type Cells = BTreeMap<Vec<u8>, Vec<u8>>;

fn address(key: &str) -> Address {
    Address::new(KindId::of("order"), EntityKey::new(key).expect("a key"))
}

fn number(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).expect("from 1")
}

fn ask(work: &mut OpenWork, of: &str, at: u64) {
    let ask = OpenAsk { then: HandlerId::of("told"), deadline: Timestamp(at), partner: address("partner") };
    work.begin(&address(of), Name::Ask(number(at)), Item::Ask(ask));
}

/// Proposes an agreement of three legs.
fn propose(work: &mut OpenWork, of: &str, at: u64) {
    let header = Header {
        id: number(1),
        legs: 3,
        needed: 3,
        is_eager: false,
        then: None,
        lapsed: None,
        deadline: None,
        room: 100,
        since: None,
        under: None,
    };
    work.propose(&address(of), number(at), header);
    for place in 0..3 {
        let leg = Leg {
            partner: address(&format!("partner {place}")),
            handler: HandlerId::of("hold"),
            is_offer_read: true,
            value: None,
        };
        work.add_leg(&address(of), number(at), (place, leg));
    }
}

fn answer(work: &mut OpenWork, of: &str, at: u64, place: u32) {
    work.answer_leg(&address(of), (number(at), place), LegAnswer::Accepted(b"offer"));
}

/// Closes the batch, and keeps its cells as a log does. Each is put where there is none, and erased where there is one.
fn close(work: &mut OpenWork, logged: &mut Cells) {
    work.write_changes(&mut |key, value| match value {
        Some(value) => assert!(logged.insert(key.to_vec(), value).is_none(), "a cell is put twice"),
        None => assert!(logged.remove(key).is_some(), "a cell is erased that is not there"),
    });
    work.note_closed();
    work.check(false);
    assert_eq!(*logged, cells(work));
}

fn cells(work: &OpenWork) -> Cells {
    work.cells().into_iter().collect()
}

/// Reads back what is logged.
fn reopened(logged: &Cells) -> OpenWork {
    let mut work = OpenWork::default();
    // Legs and answers may come before their header.
    for (key, value) in logged.iter().rev() {
        let cell = cell::read_key(key).expect("a key");
        work.restore((cell.section, key), cell.sub, Some(value)).expect("a cell that reads");
    }
    work.end_restore().expect("whole agreements");
    work.check(false);
    work
}

#[test]
fn what_is_begun_and_ended_in_one_batch_is_in_no_record() {
    let (mut work, mut logged) = (OpenWork::default(), Cells::new());
    ask(&mut work, "a", 1);
    propose(&mut work, "a", 10);
    answer(&mut work, "a", 10, 1);
    work.end(&address("a"), &Name::Ask(number(1)));
    work.end_agreement(&address("a"), number(10));
    work.write_changes(&mut |key, _| panic!("a cell is changed: {key:?}"));
    close(&mut work, &mut logged);
    assert!(work.of.is_empty(), "nothing is left of the entity");
}

#[test]
fn cells_are_written_once_whatever_batch_they_come_from() {
    let (mut work, mut logged) = (OpenWork::default(), Cells::new());
    ask(&mut work, "a", 1);
    propose(&mut work, "a", 10);
    answer(&mut work, "a", 10, 2);
    close(&mut work, &mut logged);
    assert_eq!(logged.len(), 1 + 1 + 3 + 1);
    answer(&mut work, "a", 10, 0);
    close(&mut work, &mut logged);
    let ended = work.wait(&address("a"), number(10));
    assert_eq!(ended.iter().map(|leg| leg.number).collect::<Vec<_>>(), [1]);
    close(&mut work, &mut logged);
    assert_eq!(logged.len(), 1 + 1 + 2 + 2 + 1);
    ask(&mut work, "a", 2);
    work.undo();
    work.end(&address("a"), &Name::Ask(number(1)));
    work.end_agreement(&address("a"), number(10));
    close(&mut work, &mut logged);
    assert!(logged.is_empty() && work.of.is_empty());
}

#[test]
fn an_undone_batch_leaves_what_was_before_it() {
    let (mut work, mut logged) = (OpenWork::default(), Cells::new());
    ask(&mut work, "a", 1);
    propose(&mut work, "a", 10);
    answer(&mut work, "a", 10, 0);
    close(&mut work, &mut logged);
    for round in 0..8 {
        ask(&mut work, "b", 2);
        propose(&mut work, "b", 20);
        answer(&mut work, "b", 20, 0);
        work.end(&address("a"), &Name::Ask(number(1)));
        answer(&mut work, "a", 10, 1);
        if round & 1 != 0 {
            work.wait(&address("a"), number(10));
        }
        if round & 2 != 0 {
            work.end_agreement(&address("a"), number(10));
        }
        if round & 4 != 0 {
            // A record that is too large is written, and then dropped.
            work.write_changes(&mut |_, _| {});
        }
        work.undo();
        work.check(false);
        assert_eq!(cells(&work), logged);
        assert_eq!((work.asks(), work.agreements()), (1, 1));
    }
    // The same again, in a batch that is closed: what an undone one had written is in no record.
    answer(&mut work, "a", 10, 1);
    close(&mut work, &mut logged);
    work.wait(&address("a"), number(10));
    close(&mut work, &mut logged);
}

#[test]
fn an_opening_reads_back_what_is_logged_whatever_comes_first() {
    let (mut work, mut logged) = (OpenWork::default(), Cells::new());
    for of in ["a", "a\0", "b"] {
        ask(&mut work, of, 1);
        propose(&mut work, of, 10);
        answer(&mut work, of, 10, 1);
    }
    work.wait(&address("b"), number(10));
    close(&mut work, &mut logged);
    let read = reopened(&logged);
    assert_eq!((cells(&read), read.asks(), read.agreements()), (logged.clone(), 3, 3));
    let (_, agreement) = read.agreement(&address("b"), number(12)).expect("by a leg's number");
    assert!(agreement.is_waiting && agreement.accepted == 1 && agreement.legs.len() == 1);
    assert!(read.agreement(&address("b"), number(14)).is_none(), "it has three legs");
    let header = logged.keys().find(|key| logged.keys().any(|leg| leg.starts_with(key) && leg.len() > key.len()));
    logged.remove(&header.expect("a header").clone());
    let mut work = OpenWork::default();
    for (key, value) in &logged {
        let cell = cell::read_key(key).expect("a key");
        work.restore((cell.section, key), cell.sub, Some(value)).expect("a cell that reads");
    }
    assert!(work.end_restore().is_err(), "a leg without its agreement");
}

#[test]
fn an_entity_has_its_own_work_and_no_others() {
    let mut work = OpenWork::default();
    for (at, of) in (1..).zip(["a", "a\0", "a\u{1}", "b"]) {
        ask(&mut work, of, at);
    }
    ask(&mut work, "a", 9);
    assert_eq!(work.asks_of(&address("a")).collect::<Vec<_>>(), [number(1), number(9)]);
    assert!(work.ask(&address("b"), number(9)).is_none() && work.ask(&address("a"), number(9)).is_some());
}
