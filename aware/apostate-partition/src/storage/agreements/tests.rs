//! Tests of the list of what is not over: one order however the ring is cut and pages are turned, both sides, and endings that are parked.

use apostate_core::{EntityKey, HandlerId, OnRefused, Timestamp};
use apostate_log::MemoryStore;

use super::*;
use crate::cells::agreement::WAITING;
use crate::cells::parked::Parked;
use crate::message::{Message, Role};

fn address(kind: &str, key: &str) -> Address {
    Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"))
}

fn number(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).expect("numbers begin at 1")
}

fn put(store: &MemoryStore, key: &[u8], value: &[u8]) {
    store.checkpoint(&mut [(key, Some(value))].into_iter()).expect("a store in memory takes everything");
}

/// An agreement with `legs` legs, of which the first has accepted and the second has refused.
fn propose(store: &MemoryStore, proposer: &Address, of: u64, legs: u32) {
    let header = Header {
        id: number(of),
        legs,
        needed: legs,
        is_eager: false,
        then: Some(HandlerId::of("decided")),
        lapsed: None,
        deadline: Some(Timestamp(9)),
        room: 100,
        since: Some(Timestamp(5)),
        under: None,
    };
    put(store, &AgreementSub::Header.key(proposer, number(of)), &header.write());
    for leg in 0..legs {
        let partner = address("stock", &leg.to_string());
        let cell = Leg { partner, handler: HandlerId::of("reserve"), is_offer_read: false, value: None };
        put(store, &AgreementSub::Leg(leg).key(proposer, number(of)), &cell.write());
    }
    for (leg, answer) in [(0, LegAnswer::Accepted(b"")), (1, LegAnswer::Refused(b"no"))] {
        if leg < legs {
            put(store, &AgreementSub::Answer(leg).key(proposer, number(of)), &answer.write());
        }
    }
}

fn hold(store: &MemoryStore, partner: &Address, proposer: &Address, of: u64) {
    let operation = Operation {
        handler: HandlerId::of("reserve"),
        since: Timestamp(7),
        deadline: None,
        lapse: None,
        inner: None,
        hold: Box::from(*b"\x80"),
    };
    put(store, &Operation::key(partner, proposer, number(of)), &operation.write());
}

fn park(store: &MemoryStore, message: Message, under: u64) {
    let key = cell::key(Section::Parked, &message.to, &under.to_be_bytes());
    let parked = Parked { message, reason: "the handler panicked".to_owned(), time: Timestamp(8) };
    put(store, &key, &parked.write());
}

fn cancel(partner: &Address, proposer: &Address, of: u64) -> Message {
    Message {
        to: partner.clone(),
        from: Some(proposer.clone()),
        handler: HandlerId::of("reserve"),
        role: Role::Cancel,
        about: Some(number(of)),
        on_refused: OnRefused::Never,
        body: Box::default(),
        trace: None,
    }
}

/// Page by page, as places.
fn all(store: &MemoryStore, side: Side, ranges: &[Range], kind: Option<KindId>, bytes_max: usize) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    loop {
        let after = found.last().map(Vec::as_slice);
        let page = unfinished(store, side, (ranges, kind), after, bytes_max).expect("it reads");
        if page.is_empty() {
            return found;
        }
        found.extend(page.iter().map(Unfinished::key));
    }
}

#[test]
fn both_sides_are_in_one_order_however_the_ring_is_cut_and_pages_are_turned() {
    let store = MemoryStore::new();
    let (mut agreements, mut operations) = (Vec::new(), Vec::new());
    for kind in ["order", "stock"] {
        for key in 0..10 {
            let entity = address(kind, &key.to_string());
            for of in [7, 1 << 40] {
                propose(&store, &entity, of, 3);
                agreements.push((entity.clone(), AgreementSub::Header.key(&entity, number(of))));
                let proposer = address("order", "a");
                hold(&store, &entity, &proposer, of);
                operations.push((entity.clone(), Operation::key(&entity, &proposer, number(of))));
            }
        }
    }
    let half = Range { first: 0, last: u64::MAX / 2 };
    let other = Range { first: half.last + 1, last: u64::MAX };
    for (side, mut expected) in [(Side::Proposer, agreements), (Side::Partner, operations)] {
        expected.sort_by(|(_, key), (_, other)| key.cmp(other));
        let keys = |is_wanted: &dyn Fn(&Address) -> bool| {
            expected.iter().filter(|(of, _)| is_wanted(of)).map(|(_, key)| key.clone()).collect::<Vec<_>>()
        };
        for bytes_max in [1, 500, usize::MAX] {
            assert_eq!(all(&store, side, &[Range::WHOLE], None, bytes_max), keys(&|_| true));
            assert_eq!(all(&store, side, &[half, other], None, bytes_max), keys(&|_| true));
            assert_eq!(all(&store, side, &[half], None, bytes_max), keys(&|of| of.hash() <= half.last));
            let stock = KindId::of("stock");
            assert_eq!(all(&store, side, &[half, other], Some(stock), bytes_max), keys(&|of| of.kind() == stock));
        }
        for (entity, key) in &expected {
            assert_eq!(place_of(key), Some((side, entity.clone())));
            let found = unfinished_at(&store, key).expect("it reads").expect("it is not over");
            assert_eq!(found.key(), *key);
        }
    }
}

#[test]
fn an_agreement_tells_what_each_partner_has_answered() {
    let store = MemoryStore::new();
    let order = address("order", "1");
    propose(&store, &order, 4, 3);
    put(&store, &AgreementSub::Waits.key(&order, number(4)), WAITING);
    let key = AgreementSub::Header.key(&order, number(4));
    let Ok(Some(Unfinished::Agreement(read))) = unfinished_at(&store, &key) else { panic!("it is there") };
    let answers: Vec<_> = read.legs.iter().map(|leg| (leg.number, leg.answer.clone())).collect();
    let refused = StoredAnswer::Refused(Box::from(*b"no"));
    assert_eq!(answers, [(0, Some(StoredAnswer::Accepted)), (1, Some(refused)), (2, None)]);
    assert!(read.is_waiting);
    for no_place in [&AgreementSub::Leg(0).key(&order, number(4))[..], b"", &key[..9]] {
        assert_eq!(unfinished_at(&store, no_place), Ok(None));
    }
}

#[test]
fn an_operation_tells_whether_its_ending_is_parked() {
    let store = MemoryStore::new();
    let [tea, milk, order] =
        [("stock", "tea"), ("stock", "milk"), ("order", "1")].map(|(kind, key)| address(kind, key));
    for partner in [&tea, &milk] {
        for of in [5, 6] {
            hold(&store, partner, &order, of);
        }
    }
    park(&store, cancel(&tea, &order, 6), 70);
    park(&store, Message { role: Role::Plain, ..cancel(&milk, &order, 5) }, 71);
    let page = unfinished(&store, Side::Partner, (&[Range::WHOLE], None), None, usize::MAX).expect("it reads");
    let parked: Vec<_> = page
        .into_iter()
        .map(|item| match item {
            Unfinished::Operation(StoredOperation { partner, number, parked, .. }) => {
                (partner.key().clone(), number, parked)
            }
            Unfinished::Agreement(_) | Unfinished::Settlement(_) => panic!("it is of the other side"),
        })
        .filter_map(|(key, number, parked)| Some((key, number.get(), parked?.number)))
        .collect();
    assert_eq!(parked, [(tea.key().clone(), 6, 70)]);
}

#[test]
fn a_settlement_is_listed_once_with_what_became_of_it() {
    let store = MemoryStore::new();
    let (tea, order) = (address("stock", "tea"), address("order", "1"));
    let settlement = Settlement {
        is_confirmed: false,
        is_without_handler: true,
        handler: HandlerId::of("reserve"),
        time: Timestamp(7),
        reason: "the shop is closed".to_owned(),
    };
    let mut expected = Vec::new();
    for of in 1..9 {
        put(&store, &SettlementSub::Settled.key(&tea, &order, number(of)), &settlement.write());
        let contradicted = of.is_multiple_of(3).then_some(Timestamp(8));
        if let Some(time) = contradicted {
            put(&store, &SettlementSub::Contradicted.key(&tea, &order, number(of)), &settlement::contradicted(time));
        }
        let (partner, proposer, settlement) = (tea.clone(), order.clone(), settlement.clone());
        expected.push(StoredSettlement { partner, proposer, number: number(of), settlement, contradicted });
    }
    let keys: Vec<_> = expected.iter().map(|stored| Unfinished::Settlement(stored.clone()).key()).collect();
    for bytes_max in [1, 100, usize::MAX] {
        assert_eq!(all(&store, Side::Settled, &[Range::WHOLE], None, bytes_max), keys);
    }
    for (stored, key) in expected.into_iter().zip(keys) {
        assert_eq!(unfinished_at(&store, &key), Ok(Some(Unfinished::Settlement(stored))));
    }
}
