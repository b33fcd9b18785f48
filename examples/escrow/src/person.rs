//! A person: money, and what is uncertain of it in each escrow.

use apostate::agreement::Partner;
use apostate::prelude::*;

/// One person, who buys or sells.
#[entity(name = "person")]
#[derive(Default, Serialize, Deserialize)]
pub struct Person {
    /// Money that can be spent, in whole pounds.
    pub money: u64,
    stakes: Activities<Stake>,
}

/// A stake in one escrow: all of it may come, go, or be given back.
#[data]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stake {
    /// Money that has been put in.
    pub pays: u64,
    /// Money that will come out.
    pub gets: u64,
}

#[handlers]
impl Person {
    /// Earns money.
    #[open]
    pub fn earn(&mut self, amount: u64) -> Result<u64, Refusal> {
        let Some(money) = self.money.checked_add(amount).filter(|&money| money < u64::MAX / 2) else {
            return Err(Refusal::with_code("too-rich", "nobody has that much"));
        };
        self.money = money;
        Ok(money)
    }

    /// The stake in an escrow; nothing, if nothing is uncertain there.
    #[open]
    pub fn stake(&self, escrow: EntityKey) -> Stake {
        *self.stakes.of(&Partner { kind: "escrow".to_owned(), key: escrow })
    }

    /// Puts money into the escrow that asks.
    #[tentative(confirm = paid, cancel = take_back)]
    pub fn deposit(&mut self, tx: &mut Tx, amount: u64) -> Result<(), Refusal> {
        refuse!(self.money < amount, code = "short-of-money", "{} has {}, of {amount}", tx.key(), self.money);
        self.money -= amount;
        self.stake_in(tx).pays += amount;
        Ok(())
    }

    fn paid(&mut self, tx: &mut Tx, amount: u64) {
        self.stake_in(tx).pays -= amount;
    }

    fn take_back(&mut self, tx: &mut Tx, amount: u64) {
        self.stake_in(tx).pays -= amount;
        self.money += amount;
    }

    /// Waits for money from the escrow that asks.
    #[tentative(confirm = receive, cancel = forget)]
    pub fn expect(&mut self, tx: &mut Tx, amount: u64) -> Result<(), Refusal> {
        self.stake_in(tx).gets += amount;
        Ok(())
    }

    fn receive(&mut self, tx: &mut Tx, amount: u64) {
        self.stake_in(tx).gets -= amount;
        self.money += amount;
    }

    fn forget(&mut self, tx: &mut Tx, amount: u64) {
        self.stake_in(tx).gets -= amount;
    }

    fn stake_in(&mut self, tx: &Tx) -> &mut Stake {
        self.stakes.with(tx.sender().expect("only an escrow asks for money"))
    }
}
