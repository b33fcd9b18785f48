//! Agreements in the kit's worlds: what was accepted ends once, whatever goes wrong, and the proposer is told once.

use std::time::Duration;

use apostate::prelude::*;
use apostate_test::{Finding, World};

/// Money, and what of it is promised.
#[entity(name = "account")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    balance: u64,
    /// Promised to take in.
    promised: u64,
    /// The text of the last transfer that reached it.
    last: String,
}

/// A part of a transfer.
#[data]
#[derive(Clone)]
pub struct Part {
    /// How much.
    amount: u64,
}

#[handlers]
impl Account {
    /// Takes money in.
    #[open]
    pub fn open(&mut self, amount: u64) {
        self.balance += amount;
    }

    /// Takes money out, unless the transfer comes to nothing. An unlucky one gets stuck.
    #[tentative(confirm = paid, cancel = refund)]
    pub fn pay(&mut self, part: Part) -> Result<(), Refusal> {
        refuse!(self.balance < part.amount, code = "overdrawn", "the balance is {}", self.balance);
        assert!(part.amount != 13, "unlucky");
        self.balance -= part.amount;
        Ok(())
    }

    fn paid(&mut self, _part: Part, text: String) {
        self.last = text;
    }

    fn refund(&mut self, Part { amount }: Part) {
        self.balance += amount;
    }

    /// Promises to take money in.
    #[tentative(confirm = deposit, cancel = forget)]
    pub fn take_in(&mut self, amount: u64) -> Result<u64, Refusal> {
        self.promised += amount;
        Ok(self.balance)
    }

    fn deposit(&mut self, amount: u64) {
        self.promised -= amount;
        self.balance += amount;
    }

    fn forget(&mut self, amount: u64) {
        self.promised -= amount;
    }

    /// Is no more.
    #[open]
    pub fn close(&mut self, tx: &mut Tx) {
        tx.delete();
    }
}

/// A transfer.
#[entity(name = "transfer")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    open: Vec<AgreementId>,
    begun: u32,
    done: u32,
    refused: Vec<String>,
    expired: u32,
}

#[handlers]
impl Transfer {
    /// Moves money.
    #[open]
    pub fn begin(&mut self, tx: &mut Tx, from: String, to: String, amount: u64, patience: u64) {
        self.begun += 1;
        let pay = Account::at(from).pay(Part { amount }).confirm_with(format!("to {to}"));
        let take_in = Account::at(to).take_in(amount).ignoring_the_offer();
        let agreement = Agreement::within(Duration::from_secs(patience)).ask(pay).ask(take_in).then(Self::DECIDED);
        self.open.push(tx.propose(agreement));
    }

    #[on]
    fn decided(&mut self, tx: &mut Tx, outcome: Outcome) {
        let at = self.open.iter().position(|open| Some(*open) == tx.agreement());
        self.open.remove(at.expect("it is told of one that is open"));
        match outcome {
            Outcome::Agreed { offers } => {
                assert_eq!(offers.len(), 2);
                self.done += 1;
            }
            Outcome::Refused { by, why } => self.refused.push(format!("{}/{}: {}", by.kind, by.key, why.code)),
            Outcome::Expired => self.expired += 1,
        }
    }
}

/// Sum of all balances, when nothing is promised any more.
fn total(world: &mut World) -> u64 {
    let accounts = world.all::<Account>().inspect(|account| assert_eq!(account.promised, 0, "{}", account.key));
    accounts.map(|account| account.balance).sum()
}

#[test]
fn money_that_moves_by_agreement_is_neither_lost_nor_made() {
    World::seeds(0..60).entities::<(Account, Transfer)>().run(|world| {
        (0..4).for_each(|account| world.call(Account::at(account).open(100)));
        for transfer in 0..12 {
            let (from, to) = (world.random(4).to_string(), world.random(4).to_string());
            let amount = 20 + world.random(60);
            world.send(Transfer::at(transfer % 5).begin(from, to, amount, 3600));
        }
        world.settle();
        assert_eq!(total(world), 400);
        for Transfer { open, begun, done, refused, expired } in world.all::<Transfer>().map(|found| found.entity) {
            assert_eq!((done + refused.len() as u32, expired, open.len()), (begun, 0, 0));
            assert!(refused.iter().all(|why| why.ends_with(": overdrawn")), "{refused:?}");
        }
    });
}

#[test]
fn a_confirm_is_told_what_was_said_with_the_proposal() {
    World::seeds(0..10).entities::<(Account, Transfer)>().run(|world| {
        world.call(Account::at("a").open(100));
        world.call(Transfer::at(1).begin("a".to_owned(), "b".to_owned(), 30, 3600));
        world.settle();
        let account = |world: &mut World, key: &str| world.get::<Account>(key).expect("it is there").entity;
        assert_eq!(account(world, "a"), Account { balance: 70, promised: 0, last: "to b".to_owned() });
        assert_eq!(account(world, "b").balance, 30);
    });
}

#[test]
fn a_partner_that_cannot_run_its_part_counts_as_one_that_refuses() {
    World::seeds(0..20).entities::<(Account, Transfer)>().run(|world| {
        world.call(Account::at("a").open(100));
        world.call(Transfer::at(1).begin("a".to_owned(), "b".to_owned(), 13, 3600));
        world.settle();
        assert_eq!(total(world), 100);
        let transfer = world.get::<Transfer>(1).expect("it is there").entity;
        assert_eq!(transfer.refused, ["account/a: failed"]);
    });
}

#[test]
fn what_is_not_decided_in_time_is_given_up_and_given_back() {
    World::seeds(0..20).entities::<(Account, Transfer)>().run(|world| {
        world.call(Account::at("a").open(100));
        // It panics for half a minute before it is given up.
        world.call(Transfer::at(1).begin("a".to_owned(), "b".to_owned(), 13, 5));
        world.wait(Duration::from_secs(60));
        world.settle();
        assert_eq!(total(world), 100);
        let Transfer { begun, done, refused, expired, .. } = world.get::<Transfer>(1).expect("it is there").entity;
        assert_eq!((begun, done, refused.len(), expired), (1, 0, 0, 1));
    });
}

#[test]
fn an_entity_that_holds_something_is_not_deleted() {
    let deletes = World::seeds(0..200).entities::<(Account, Transfer)>().try_run(|world| {
        world.call(Account::at("a").open(100));
        world.send(Transfer::at(1).begin("a".to_owned(), "b".to_owned(), 30, 3600));
        world.call(Account::at("a").close());
    });
    let failure = deletes.expect_err("some seed has it close the account in between");
    let Finding::CallFailed { why, .. } = &failure.finding else { panic!("{failure}") };
    assert!(why.contains("cannot be deleted while"), "{why}");
}

/// Two accounts as one partner.
#[entity(name = "bundle")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    held: u32,
    sold: u32,
}

#[handlers]
impl Bundle {
    /// Needs two accounts to take something in before it says yes.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn reserve(&mut self, tx: &mut Tx, amount: u64) -> Result<u32, Refusal> {
        self.held += 1;
        let parts =
            ["x", "y"].map(|account| Account::at(account).pay(Part { amount }).confirm_with("bundle".to_owned()));
        tx.propose(Agreement::under_this_try().ask_all(parts));
        Ok(self.held)
    }

    fn sell(&mut self, _amount: u64) {
        self.held -= 1;
        self.sold += 1;
    }

    fn put_back(&mut self, _amount: u64) {
        self.held -= 1;
    }
}

/// Buys a bundle together with something else.
#[entity(name = "buyer")]
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Buyer {
    bought: u32,
    refused: Vec<String>,
}

#[handlers]
impl Buyer {
    /// Buys both or nothing.
    #[open]
    pub fn buy(&mut self, tx: &mut Tx, amount: u64, own: u64) {
        let bundle = Bundle::at("b").reserve(amount).ignoring_the_offer();
        let own = Account::at("own").pay(Part { amount: own }).confirm_with("own".to_owned());
        tx.propose(Agreement::within(Duration::from_secs(3600)).ask(bundle).ask(own).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Agreed { .. } => self.bought += 1,
            Outcome::Refused { by, why } => self.refused.push(format!("{}: {}", by.kind, why.code)),
            Outcome::Expired => self.refused.push("expired".to_owned()),
        }
    }
}

#[test]
fn what_was_proposed_on_behalf_of_a_try_ends_as_that_does() {
    World::seeds(0..60).entities::<(Account, Bundle, Buyer)>().run(|world| {
        for (account, amount) in [("x", 100), ("y", 60), ("own", 50)] {
            world.call(Account::at(account).open(amount));
        }
        // The second one finds too little in `y`, or in `own`; the third one never has enough of its own.
        for (buyer, amount, own) in [(1, 40, 30), (2, 40, 30), (3, 10, 500)] {
            world.send(Buyer::at(buyer).buy(amount, own));
        }
        world.settle();
        let bought: u32 = world.all::<Buyer>().map(|buyer| buyer.bought).sum();
        assert!(bought <= 1, "{bought}");
        assert!(world.all::<Buyer>().all(|buyer| buyer.bought as usize + buyer.refused.len() == 1));
        let bundle = world.get::<Bundle>("b").expect("it is there").entity;
        assert_eq!(bundle, Bundle { held: 0, sold: bought });
        let balance = |world: &mut World, key: &str| world.get::<Account>(key).expect("it is there").balance;
        let moved = u64::from(bought);
        assert_eq!(balance(world, "x"), 100 - 40 * moved);
        assert_eq!(balance(world, "y"), 60 - 40 * moved);
        assert_eq!(balance(world, "own"), 50 - 30 * moved);
    });
}
