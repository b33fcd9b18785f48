//! An account: money that can be spent, and what undecided transfers have promised of it and to it.

use apostate::prelude::*;

/// One account. All money is in cents.
#[entity(name = "account")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name of its owner; empty unless it was opened.
    pub owner: String,
    /// Money that can be spent.
    pub balance: u64,
    /// Money that has left the balance for transfers that are undecided.
    pub held: u64,
    /// Money that undecided transfers will bring if they are agreed.
    pub expected: u64,
}

#[handlers]
impl Account {
    /// Opens the account.
    #[open]
    pub fn open(&mut self, owner: String) -> Result<(), Refusal> {
        refuse!(owner.is_empty(), code = "no-owner", status = 422, "an account has an owner");
        refuse!(!self.owner.is_empty(), code = "opened-before", "this account belongs to {}", self.owner);
        self.owner = owner;
        Ok(())
    }

    /// Takes cash in, and answers with the new balance.
    #[open]
    pub fn pay_in(&mut self, tx: &mut Tx, amount: u64) -> Result<u64, Refusal> {
        self.check_credit(tx, amount)?;
        self.balance += amount;
        Ok(self.balance)
    }

    /// Pays cash out, and answers with the new balance.
    #[open]
    pub fn pay_out(&mut self, tx: &mut Tx, amount: u64) -> Result<u64, Refusal> {
        self.check_debit(tx, amount)?;
        self.balance -= amount;
        Ok(self.balance)
    }

    /// Holds money for a transfer until that is decided.
    #[tentative(confirm = paid, cancel = refund)]
    pub fn hold(&mut self, tx: &mut Tx, amount: u64) -> Result<(), Refusal> {
        self.check_debit(tx, amount)?;
        self.balance -= amount;
        self.held += amount;
        Ok(())
    }

    fn paid(&mut self, amount: u64) {
        self.held -= amount;
    }

    fn refund(&mut self, amount: u64) {
        self.held -= amount;
        self.balance += amount;
    }

    /// Makes room for the money of a transfer.
    #[tentative(confirm = receive, cancel = forget)]
    pub fn take_in(&mut self, tx: &mut Tx, amount: u64) -> Result<(), Refusal> {
        self.check_credit(tx, amount)?;
        self.expected += amount;
        Ok(())
    }

    fn receive(&mut self, amount: u64) {
        self.expected -= amount;
        self.balance += amount;
    }

    fn forget(&mut self, amount: u64) {
        self.expected -= amount;
    }

    fn check_debit(&self, tx: &Tx, amount: u64) -> Result<(), Refusal> {
        self.check_open(tx)?;
        refuse!(self.balance < amount, code = "overdrawn", "{} has {} to spend", tx.key(), self.balance);
        Ok(())
    }

    /// Refuses what could not be added to all that is there and is promised, so that no confirm has to.
    fn check_credit(&self, tx: &Tx, amount: u64) -> Result<(), Refusal> {
        self.check_open(tx)?;
        let room = u64::MAX - (self.balance + self.held + self.expected);
        refuse!(amount > room, code = "too-much", status = 422, "{} has no room for {amount}", tx.key());
        Ok(())
    }

    fn check_open(&self, tx: &Tx) -> Result<(), Refusal> {
        refuse!(self.owner.is_empty(), code = "no-account", status = 404, "there is no account {}", tx.key());
        Ok(())
    }
}
