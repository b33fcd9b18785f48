//! Sales of houses, whatever goes wrong on the way: all parties do their parts, or none does, and everybody can read what is uncertain.

use std::cell::Cell;
use std::time::Duration;

use apostate::EntityKey;
use apostate_test::World;
use escrow::{Escrow, House, HouseSale, Lender, Mortgage, Party, Person, Stake, Status, Terms};

const HOUSE: &str = "12 Elm Street";
const EVERYONE: [Party; 3] = [Party::Buyer, Party::Seller, Party::Lender];

fn key(text: &str) -> EntityKey {
    EntityKey::new(text).expect("a key")
}

/// Terms of a sale of the house by Sam for 300, of which the bank lends 200. There are three days to sign and to close.
fn terms(buyer: &str) -> Terms {
    let (house, seller, lender) = (key(HOUSE), key("sam"), key("bank"));
    Terms { house, seller, buyer: key(buyer), price: 300, lender, loan: 200, within_seconds: 3 * 24 * 3600 }
}

/// Sam has the house, Bea and Bob have 150 each, and the bank can lend 1000.
fn before(world: &mut World) {
    world.call(House::at(HOUSE).build(key("sam"))).expect("nothing stood there");
    for buyer in ["bea", "bob"] {
        world.call(Person::at(buyer).earn(150)).expect("it is not too much");
    }
    world.call(Lender::at("bank").fund(1000)).expect("it is not too much");
}

fn open(world: &mut World, escrow: &str, terms: Terms) {
    world.call(Escrow::at(escrow).open(terms)).expect("it is new");
}

fn sign(world: &mut World, escrow: &str, parties: &[Party]) {
    for &party in parties {
        world.call(Escrow::at(escrow).sign(party)).expect("it is open");
    }
}

fn status(world: &mut World, escrow: &str) -> Status {
    world.get::<Escrow>(escrow).expect("it was opened").entity.status
}

fn house(world: &mut World) -> House {
    world.get::<House>(HOUSE).expect("it stands").entity
}

fn lender(world: &mut World) -> Lender {
    world.get::<Lender>("bank").expect("it is funded").entity
}

fn money(world: &mut World, person: &str) -> u64 {
    world.get::<Person>(person).map_or(0, |person| person.entity.money)
}

/// Checks that nothing is uncertain any more, and that no money was lost or made.
fn check_certain(world: &mut World, escrows: &[&str]) {
    let House { promised_to, secures, .. } = house(world);
    assert_eq!((promised_to, secures), (None, None));
    for person in world.all::<Person>().collect::<Vec<_>>() {
        for escrow in escrows {
            let stake = world.read(Person::at(&person.key).stake(key(escrow)));
            assert_eq!(stake, Stake::default(), "{} in {escrow}", person.key);
        }
    }
    let all: u64 = world.all::<Person>().map(|person| person.money).sum();
    let Lender { budget, promised, .. } = lender(world);
    assert_eq!((all + budget, promised), (1300, 0));
}

/// Checks that everything is as it was.
fn check_nothing_has_moved(world: &mut World, escrows: &[&str]) {
    check_certain(world, escrows);
    assert_eq!(house(world), House { owner: Some(key("sam")), ..House::default() });
    assert_eq!(["sam", "bea", "bob"].map(|person| money(world, person)), [0, 150, 150]);
}

#[test]
fn when_all_have_signed_the_house_and_the_money_change_hands() {
    World::seeds(0..60).entities::<HouseSale>().run(|world| {
        before(world);
        open(world, "sale", terms("bea"));
        sign(world, "sale", &EVERYONE);
        world.settle();
        assert_eq!(status(world, "sale"), Status::Closed);
        check_certain(world, &["sale"]);
        let mortgage = Some(Mortgage { lender: key("bank"), amount: 200 });
        assert_eq!(house(world), House { owner: Some(key("bea")), mortgage, ..House::default() });
        assert_eq!(["sam", "bea"].map(|person| money(world, person)), [300, 50]);
        assert_eq!(lender(world), Lender { budget: 800, promised: 0, lent: 200 });
        assert_eq!(world.call(Escrow::at("sale").sign(Party::Buyer)).expect_err("it is closed").code, "not-open");
    });
}

#[test]
fn of_two_sales_of_one_house_one_closes_at_most_and_the_other_gives_everything_back() {
    let closed = Cell::new(0);
    World::seeds(0..60).entities::<HouseSale>().run(|world| {
        before(world);
        open(world, "sale to bea", terms("bea"));
        open(world, "sale to bob", terms("bob"));
        for party in EVERYONE {
            world.send(Escrow::at("sale to bea").sign(party));
            world.send(Escrow::at("sale to bob").sign(party));
        }
        world.settle();
        check_certain(world, &["sale to bea", "sale to bob"]);
        let sales = ["sale to bea", "sale to bob"].map(|sale| status(world, sale));
        let owner = house(world).owner.expect("it has one");
        match sales {
            [Status::Closed, Status::CalledOff { .. }] => assert_eq!(owner.as_str(), "bea"),
            [Status::CalledOff { .. }, Status::Closed] => assert_eq!(owner.as_str(), "bob"),
            // One had the house when the other had its mortgage.
            [Status::CalledOff { .. }, Status::CalledOff { .. }] => assert_eq!(owner.as_str(), "sam"),
            sales => panic!("{sales:?}"),
        }
        closed.update(|closed| closed + u32::from(owner.as_str() != "sam"));
    });
    assert!(closed.get() > 20, "{}", closed.get());
}

#[test]
fn a_sale_that_not_all_have_signed_is_called_off_at_its_deadline() {
    World::seeds(0..20).entities::<HouseSale>().run(|world| {
        before(world);
        open(world, "sale", Terms { within_seconds: 1800, ..terms("bea") });
        sign(world, "sale", &[Party::Buyer, Party::Seller, Party::Buyer]);
        world.settle();
        assert_eq!(status(world, "sale"), Status::Open);
        world.wait(Duration::from_secs(3600));
        world.settle();
        assert_eq!(status(world, "sale"), Status::CalledOff { why: "not all have signed in time".to_owned() });
        check_nothing_has_moved(world, &["sale"]);
        assert_eq!(world.call(Escrow::at("sale").sign(Party::Lender)).expect_err("it is over").code, "not-open");
    });
}

#[test]
fn a_party_that_withdraws_or_cannot_do_its_part_ends_the_sale_for_all() {
    let cases: [(&str, Terms, &str); 4] = [
        ("poor", Terms { price: 400, ..terms("bea") }, "person bea: bea has 150, of 200"),
        ("greedy", Terms { price: 1150, loan: 1100, ..terms("bea") }, "lender bank: bank has 1000 to lend"),
        ("crook", Terms { seller: key("bob"), ..terms("bea") }, "house 12 Elm Street: bob does not own it"),
        ("nowhere", Terms { house: key("13 Elm Street"), ..terms("bea") }, "house 13 Elm Street: sam does not own it"),
    ];
    World::seeds(0..20).entities::<HouseSale>().run(|world| {
        before(world);
        for (escrow, terms, expected) in &cases {
            open(world, escrow, terms.clone());
            sign(world, escrow, &EVERYONE);
            world.settle();
            assert_eq!(status(world, escrow), Status::CalledOff { why: (*expected).to_owned() });
        }
        open(world, "sale", terms("bea"));
        sign(world, "sale", &[Party::Buyer]);
        world.call(Escrow::at("sale").withdraw(Party::Lender)).expect("it is open");
        assert_eq!(status(world, "sale"), Status::CalledOff { why: "the lender has withdrawn".to_owned() });
        world.settle();
        check_nothing_has_moved(world, &cases.each_ref().map(|case| case.0));
    });
}

#[test]
fn while_a_sale_closes_everyone_can_read_what_is_uncertain() {
    let [houses, lenders, buyers, sellers] = [const { Cell::new(0_u32) }; 4];
    World::seeds(0..60).entities::<HouseSale>().run(|world| {
        before(world);
        open(world, "sale", terms("bea"));
        sign(world, "sale", &EVERYONE);
        for _ in 0..40 {
            let House { owner, promised_to, .. } = house(world);
            if let Some(buyer) = promised_to {
                assert_eq!((owner.expect("Sam").as_str(), buyer.as_str()), ("sam", "bea"));
                houses.update(|count| count + 1);
            }
            lenders.update(|count| count + u32::from(lender(world).promised > 0));
            let stakes = ["bea", "sam"].map(|person| {
                let is_there = world.get::<Person>(person).is_some();
                if is_there { world.read(Person::at(person).stake(key("sale"))) } else { Stake::default() }
            });
            assert!(stakes[0].pays == 0 || stakes[0].pays == 100);
            buyers.update(|count| count + u32::from(stakes[0].pays > 0));
            sellers.update(|count| count + u32::from(stakes[1].gets > 0));
            world.wait(Duration::from_millis(20));
        }
        world.settle();
        assert_eq!(status(world, "sale"), Status::Closed);
        check_certain(world, &["sale"]);
    });
    let seen = [houses, lenders, buyers, sellers];
    assert!(seen.iter().all(|count| count.get() > 20), "{seen:?}");
}
