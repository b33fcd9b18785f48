//! Money is neither lost nor made, whatever goes wrong on the way: crashes at any commit, messages lost and doubled, any map.

use std::cell::Cell;
use std::time::Duration;

use apostate::EntityKey;
use apostate_test::World;
use bank::{Account, Bank, Share, StandingOrder, Status, Terms, Transfer};

fn key(text: impl std::fmt::Display) -> EntityKey {
    EntityKey::new(&text.to_string()).expect("a key")
}

/// Opens accounts that are called by their numbers, with so much money in each.
fn open(world: &mut World, accounts: u64, cents: u64) {
    for account in 0..accounts {
        assert_eq!(world.call(Account::at(account).open(format!("owner {account}"))), Ok(()));
        assert_eq!(world.call(Account::at(account).pay_in(cents)), Ok(cents));
    }
}

/// All the money there is, when no transfer is undecided.
fn total(world: &mut World) -> u64 {
    let settled = world.all::<Account>().inspect(|account| {
        assert_eq!((account.held, account.expected), (0, 0), "{}", account.key);
    });
    settled.map(|account| account.balance).sum()
}

fn status(world: &mut World, transfer: u64) -> Status {
    world.get::<Transfer>(transfer).expect("it was begun").entity.status
}

fn account(world: &mut World, account: u64) -> Account {
    world.get::<Account>(account).expect("it was opened").entity
}

#[test]
fn transfers_conserve_money_under_all_faults() {
    World::seeds(0..60).entities::<Bank>().run(|world| {
        open(world, 4, 100);
        for transfer in 0..15 {
            let (from, to, amount) = (world.random(4), world.random(4), 1 + world.random(80));
            world.send(Transfer::at(transfer).pay(key(from), key(to), amount));
        }
        world.settle();
        assert_eq!(total(world), 400);
        for transfer in world.all::<Transfer>() {
            match &transfer.status {
                Status::Done => {}
                Status::Refused { why, .. } => assert_eq!(why.code, "overdrawn"),
                status => panic!("{}: {status:?}", transfer.key),
            }
        }
    });
}

#[test]
fn what_is_shared_out_reaches_all_or_none_and_what_takes_too_long_is_given_back() {
    let outcomes = [const { Cell::new(0_u32) }; 3];
    World::seeds(0..60).entities::<Bank>().run(|world| {
        open(world, 4, 100);
        for transfer in 0..12 {
            let shares = [1, 2].map(|payee| Share { to: key(payee), amount: 1 + world.random(30) });
            let patience = [3_600_000, world.random(2_000)][world.random(2) as usize];
            world.send(Transfer::at(transfer).share_out(key([0, 3][transfer as usize % 2]), shares.into(), patience));
        }
        world.settle();
        world.wait(Duration::from_secs(3600));
        world.settle();
        assert_eq!(total(world), 400);
        for transfer in world.all::<Transfer>() {
            let outcome = match transfer.status {
                Status::Done => 0,
                Status::Refused { .. } => 1,
                Status::Expired => 2,
                Status::New | Status::UnderWay => panic!("{} is undecided", transfer.key),
            };
            outcomes[outcome].update(|count| count + 1);
        }
    });
    assert!(outcomes.iter().all(|count| count.get() > 20), "{outcomes:?}");
}

#[test]
fn an_account_that_nobody_has_opened_takes_and_gives_nothing() {
    World::seeds(0..20).entities::<Bank>().run(|world| {
        open(world, 1, 100);
        world.call(Transfer::at(1).pay(key(0), key("nobody"), 30)).expect("it is begun");
        world.call(Transfer::at(2).pay(key("nobody"), key(0), 30)).expect("it is begun");
        world.settle();
        for transfer in [1, 2] {
            let Status::Refused { account, why } = status(world, transfer) else {
                panic!("{transfer} has moved money")
            };
            assert_eq!((account.as_str(), &*why.code), ("nobody", "no-account"));
        }
        assert_eq!(total(world), 100);
        assert!(world.get::<Account>("nobody").is_none(), "a refusal makes no account");
        assert_eq!(world.call(Account::at("nobody").pay_in(5)).expect_err("it is not open").code, "no-account");
    });
}

#[test]
fn a_transfer_is_made_once_and_of_something() {
    World::seeds(0..20).entities::<Bank>().run(|world| {
        open(world, 2, 100);
        assert_eq!(world.call(Transfer::at(1).pay(key(0), key(1), 0)).expect_err("of nothing").code, "no-amount");
        let too_much = [1, 1].map(|to| Share { to: key(to), amount: u64::MAX });
        let refusal = world.call(Transfer::at(1).share_out(key(0), too_much.into(), 1000)).expect_err("of too much");
        assert_eq!(refusal.code, "no-amount");
        assert_eq!(world.call(Transfer::at(1).pay(key(0), key(1), 30)), Ok(()));
        let refusal = world.call(Transfer::at(1).pay(key(0), key(1), 30)).expect_err("it was begun");
        assert_eq!(refusal.code, "begun-before");
        world.settle();
        assert_eq!((account(world, 0).balance, account(world, 1).balance), (70, 130));
    });
}

#[test]
fn no_confirm_can_take_a_balance_over_the_end() {
    World::seeds(0..20).entities::<Bank>().run(|world| {
        open(world, 2, u64::MAX - 10);
        (0..3).for_each(|transfer| world.send(Transfer::at(transfer).pay(key(0), key(1), 7)));
        world.settle();
        let done = (0..3).filter(|&transfer| status(world, transfer) == Status::Done).count();
        assert_eq!((done, account(world, 1).balance), (1, u64::MAX - 3));
    });
}

#[test]
fn a_standing_order_pays_until_it_is_stopped_and_counts_what_it_could_not_pay() {
    let hour = Duration::from_secs(3600);
    World::seeds(0..20).entities::<Bank>().run(|world| {
        open(world, 2, 100);
        let terms = Terms { from: key(0), to: key(1), amount: 40, every_seconds: hour.as_secs() };
        world.call(StandingOrder::at("rent").set(terms)).expect("it is set");
        world.settle();
        let order = |world: &mut World| world.get::<StandingOrder>("rent").expect("it is set").entity;
        assert_eq!((order(world).paid, order(world).missed), (0, 0), "an hour has not passed");
        world.wait(7 * hour / 2);
        world.settle();
        assert_eq!((order(world).paid, order(world).missed), (2, 1));
        assert_eq!((account(world, 0).balance, account(world, 1).balance), (20, 180));
        world.call(StandingOrder::at("rent").stop());
        world.call(Account::at(0).pay_in(500)).expect("it is open");
        world.wait(3 * hour);
        world.settle();
        assert_eq!((order(world).paid, order(world).missed), (2, 1));
        assert_eq!(total(world), 700);
    });
}
