//! The bank on a node: what its README says to try, on real disks and by real time.

use std::time::Duration;

use apostate::EntityKey;
use apostate_server::{CallError, Client, Node, Settings};
use bank::{Account, Bank, Share, StandingOrder, Status, Terms, Transfer};

/// A bank with three accounts, of which two have money, in a directory that goes with it.
struct Opened {
    node: Node,
    client: Client,
    dir: tempfile::TempDir,
}

fn key(text: &str) -> EntityKey {
    EntityKey::new(text).expect("a key")
}

fn open(dir: tempfile::TempDir) -> Opened {
    let mut settings = Settings::new(dir.path());
    settings.partitions = Some(3);
    let node = Node::open::<Bank>(settings).expect("it opens");
    Opened { client: node.client(), node, dir }
}

impl Opened {
    fn new() -> Self {
        let bank = open(tempfile::tempdir().expect("a directory"));
        for (account, cents) in [("anna", 100), ("ben", 50), ("landlord", 0)] {
            bank.client.call(Account::at(account).open(account.to_owned())).wait().expect("it is opened");
            assert_eq!(bank.client.call(Account::at(account).pay_in(cents)).wait(), Ok(cents));
        }
        bank
    }

    fn restart(mut self) -> Self {
        self.node.stop().expect("it stops");
        open(self.dir)
    }

    fn pay(&self, transfer: &str, from: &str, to: &str, amount: u64) -> Result<(), CallError> {
        let call = self.client.call(Transfer::at(transfer).pay(key(from), key(to), amount)).wait();
        self.client.settle().expect("it becomes quiet");
        call
    }

    /// The balance of each account, after checking that nothing is uncertain any more.
    fn balances(&self) -> Vec<(String, u64)> {
        let mut balances: Vec<_> = self.client.list::<Account>().map(|account| account.expect("listed")).collect();
        balances.sort_by(|one, other| one.key.as_str().cmp(other.key.as_str()));
        let balances = balances.iter().map(|account| {
            assert_eq!((account.entity.held, account.entity.expected), (0, 0), "{}", account.key);
            (account.key.to_string(), account.entity.balance)
        });
        balances.collect()
    }

    fn status(&self, transfer: &str) -> Status {
        let mut transfers = self.client.list::<Transfer>().map(|transfer| transfer.expect("listed"));
        transfers.find(|found| found.key.as_str() == transfer).expect("it was begun").entity.status
    }
}

fn rows<const N: usize>(balances: [(&str, u64); N]) -> Vec<(String, u64)> {
    balances.map(|(account, cents)| (account.to_owned(), cents)).to_vec()
}

#[test]
fn a_transfer_moves_money_between_partitions_and_a_restart_keeps_it() {
    let bank = Opened::new();
    assert_eq!(bank.pay("t-1", "anna", "ben", 30), Ok(()));
    assert_eq!(bank.status("t-1"), Status::Done);
    assert_eq!(bank.balances(), rows([("anna", 70), ("ben", 80), ("landlord", 0)]));
    let bank = bank.restart();
    assert_eq!(bank.balances(), rows([("anna", 70), ("ben", 80), ("landlord", 0)]));
    let refused = bank.pay("t-1", "anna", "ben", 30).expect_err("it was begun before the restart");
    assert_eq!(refused.refusal().map(|why| &*why.code), Some("begun-before"));
}

#[test]
fn what_one_account_refuses_moves_nothing_at_the_others() {
    let bank = Opened::new();
    assert_eq!(bank.pay("too-much", "ben", "anna", 51), Ok(()));
    assert_eq!(bank.pay("to-nobody", "ben", "nobody", 10), Ok(()));
    let shares = ["landlord", "nobody"].map(|to| Share { to: key(to), amount: 10 });
    bank.client.call(Transfer::at("half").share_out(key("ben"), shares.into(), 60_000)).wait().expect("begun");
    bank.client.settle().expect("it becomes quiet");
    for (transfer, expected) in [("too-much", "overdrawn"), ("to-nobody", "no-account"), ("half", "no-account")] {
        let Status::Refused { why, .. } = bank.status(transfer) else { panic!("{:?}", bank.status(transfer)) };
        assert_eq!(why.code, expected, "{transfer}");
    }
    assert_eq!(bank.balances(), rows([("anna", 100), ("ben", 50), ("landlord", 0)]));
}

#[test]
fn a_standing_order_fires_also_after_a_restart() {
    let bank = Opened::new();
    let terms = Terms { from: key("anna"), to: key("landlord"), amount: 40, every_seconds: 1 };
    bank.client.call(StandingOrder::at("rent").set(terms)).wait().expect("it is set");
    let bank = bank.restart();
    let order = || {
        let mut orders = bank.client.list::<StandingOrder>().map(|order| order.expect("listed").entity);
        orders.next().expect("it was set")
    };
    while order().paid < 2 || order().missed == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    bank.client.call(StandingOrder::at("rent").stop()).wait().expect("it stops");
    bank.client.settle().expect("it becomes quiet");
    assert_eq!(bank.balances(), rows([("anna", 20), ("ben", 50), ("landlord", 80)]));
}
