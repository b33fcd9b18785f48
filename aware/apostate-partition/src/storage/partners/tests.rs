//! Tests of the list of partners: pages, lives, and what is only asked or only sent.

use std::num::NonZeroU64;

use apostate_core::{EntityKey, KindId, OnRefused, TimerId};
use apostate_log::MemoryStore;

use super::*;
use crate::message::{Message, Role};

const PARTITION: PartitionId = PartitionId(1);

fn order() -> Address {
    Address::new(KindId::of("order"), EntityKey::new("42").expect("a key"))
}

fn stock(key: &str) -> Address {
    Address::new(KindId::of("stock"), EntityKey::new(key).expect("a key"))
}

fn put(store: &MemoryStore, key: &[u8], value: &[u8]) {
    store.checkpoint(&mut [(key, Some(value))].into_iter()).expect("a store in memory takes everything");
}

fn exists(store: &MemoryStore) {
    put(store, &cell::key(Section::State, &order(), &[]), &[0; WORD_BYTES + 4]);
}

fn remember(store: &MemoryStore, life: u64, partner: &Address, activity: &[u8]) {
    let key = ActivitySub::Of(life, PartnerKey::of(partner)).key(&order());
    put(store, &key, &activity::value_of(activity));
}

fn ask(store: &MemoryStore, number: u64, partner: &Address) -> OpenAsk {
    let number = NonZeroU64::new(number).expect("numbers begin at 1");
    let ask = OpenAsk { then: HandlerId::of("on_taken"), deadline: Timestamp(9), partner: partner.clone() };
    put(store, &OpenAsk::key(&order(), number), &ask.write());
    ask
}

/// An answer that is owed to a partner, with its deadline.
fn owe(store: &MemoryStore, number: u64, partner: &Address) -> StoredOwed {
    let of = NonZeroU64::new(number).expect("numbers begin at 1");
    let owed = Owed::Asker { ask: of, then: HandlerId::of("on_taken"), asker: partner.clone() };
    put(store, &Owed::key(&order(), of), &owed.write());
    set_timer(store, &TimerSub::Deadline(Role::Overdue, of), 9, &order(), false);
    StoredOwed { number, ask: number, deadline: Some(Timestamp(9)) }
}

fn set_timer(store: &MemoryStore, sub: &TimerSub, due: u64, to: &Address, is_posted: bool) {
    let message = Message {
        to: to.clone(),
        from: Some(order()),
        handler: HandlerId::of("remind"),
        role: Role::Plain,
        about: None,
        on_refused: OnRefused::Never,
        body: Box::from([0; 9]),
        trace: None,
    };
    let timer = Timer::new(Timestamp(due), NonZeroU64::MIN, &message);
    let timer = if is_posted { timer.posted() } else { timer };
    put(store, &sub.key(&order()), timer.value());
}

fn page(store: &MemoryStore, which: Which<'_>, bytes_max: usize) -> Vec<StoredPartner> {
    match partners(store, PARTITION, &order(), which, bytes_max).expect("it reads") {
        Partners::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

/// All of them, page by page.
fn listed(store: &MemoryStore, bytes_max: usize) -> Vec<StoredPartner> {
    let mut found: Vec<StoredPartner> = Vec::new();
    loop {
        let after = found.last().map(|last| last.partner.clone());
        let page = page(store, Which::After(after.as_ref()), bytes_max);
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

#[test]
fn partners_are_listed_once_whatever_the_entity_has_to_do_with_them() {
    let store = MemoryStore::new();
    exists(&store);
    let mut expected = Vec::new();
    for number in 1..40 {
        let partner = stock(&format!("p{number}"));
        let is_remembered = number % 3 != 0;
        if is_remembered {
            remember(&store, 0, &partner, b"some of it");
        }
        let asks = if number % 2 == 0 { vec![(number, ask(&store, number, &partner))] } else { Vec::new() };
        let activity = is_remembered.then(|| Bytes::from_static(b"some of it"));
        if activity.is_some() || !asks.is_empty() {
            let (legs, operations, timers) = (Vec::new(), Vec::new(), Vec::new());
            let owed = if number % 5 == 0 { vec![owe(&store, number, &partner)] } else { Vec::new() };
            expected.push(StoredPartner { partner, activity, asks, legs, operations, owed, timers });
        }
    }
    expected.sort_by_key(|stored| PartnerKey::of(&stored.partner));
    for bytes_max in [1, 300, usize::MAX] {
        assert_eq!(listed(&store, bytes_max), expected, "{bytes_max}");
    }
    for stored in &expected {
        assert_eq!(page(&store, Which::Only(&stored.partner), 1), std::slice::from_ref(stored));
    }
    assert_eq!(page(&store, Which::Only(&stock("p3")), 1), []);
}

#[test]
fn what_an_earlier_life_remembered_is_not_listed() {
    let store = MemoryStore::new();
    exists(&store);
    put(&store, &ActivitySub::Life.key(&order()), &activity::value_of_life(7));
    for life in [0, 6, 8] {
        remember(&store, life, &stock("coffee"), b"of another life");
    }
    assert_eq!(listed(&store, 1), []);
    remember(&store, 7, &stock("tea"), b"of this one");
    let found = listed(&store, 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].activity.as_deref(), Some(&b"of this one"[..]));
}

#[test]
fn timers_are_listed_under_their_receivers_and_deadlines_are_not() {
    let store = MemoryStore::new();
    exists(&store);
    let named = |name: &str| TimerSub::Of(TimerKey::Named(name.into()));
    set_timer(&store, &named("later"), 20, &stock("tea"), false);
    set_timer(&store, &TimerSub::Of(TimerKey::Numbered(TimerId(5))), 10, &stock("tea"), false);
    set_timer(&store, &named("due"), 1, &order(), true);
    set_timer(&store, &TimerSub::Deadline(Role::Reply, NonZeroU64::MIN), 5, &order(), false);
    let found = listed(&store, usize::MAX);
    let dues = |partner: &Address| {
        let stored = found.iter().find(|stored| stored.partner == *partner).expect("it is listed");
        stored.timers.iter().map(|timer| (timer.due.0, timer.handler)).collect::<Vec<_>>()
    };
    let remind = Some(HandlerId::of("remind"));
    assert_eq!((dues(&stock("tea")), dues(&order())), (vec![(10, remind), (20, remind)], vec![(1, None)]));
}

#[test]
fn an_entity_that_is_not_has_no_partners() {
    let store = MemoryStore::new();
    let missing = |store: &MemoryStore| {
        partners(store, PARTITION, &order(), Which::After(None), 1).expect("it reads") == Partners::Missing
    };
    assert!(missing(&store));
    put(&store, &cell::key(Section::State, &order(), &[]), &[0; WORD_BYTES]);
    assert!(missing(&store), "it was deleted");
    exists(&store);
    assert!(!missing(&store));
}
