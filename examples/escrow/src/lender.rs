//! A lender: money to lend, against houses only.

use apostate::prelude::*;

use crate::{House, Mortgage};

/// One lender.
#[entity(name = "lender")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lender {
    /// Money that can be lent, in whole pounds.
    pub budget: u64,
    /// Money that is promised to sales that are undecided.
    pub promised: u64,
    /// Money that is lent.
    pub lent: u64,
}

/// A loan that is asked for.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loan {
    /// The house that is to stand for it.
    pub house: EntityKey,
    /// How much, in whole pounds.
    pub amount: u64,
}

#[handlers]
impl Lender {
    /// Takes money in that can be lent.
    #[open]
    pub fn fund(&mut self, amount: u64) -> Result<u64, Refusal> {
        let all = self.budget.checked_add(self.promised + self.lent).and_then(|all| all.checked_add(amount));
        refuse!(all.is_none(), code = "too-much", "that is more than can be counted");
        self.budget += amount;
        Ok(self.budget)
    }

    /// Promises a loan, if the house will stand for it: the answer waits for that of the house.
    #[tentative(confirm = pay_out, cancel = keep)]
    pub fn lend(&mut self, tx: &mut Tx, loan: Loan) -> Result<(), Refusal> {
        let Loan { house, amount } = loan;
        refuse!(self.budget < amount, code = "over-budget", "{} has {} to lend", tx.key(), self.budget);
        let mortgage = Mortgage { lender: tx.key().clone(), amount };
        tx.propose(Agreement::under_this_try().ask(House::at(house).secure(mortgage)));
        self.budget -= amount;
        self.promised += amount;
        Ok(())
    }

    fn pay_out(&mut self, loan: Loan) {
        self.promised -= loan.amount;
        self.lent += loan.amount;
    }

    fn keep(&mut self, loan: Loan) {
        self.promised -= loan.amount;
        self.budget += loan.amount;
    }
}
