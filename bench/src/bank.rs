//! The entity of every workload but `reserve`: an account, whose state is as large as one likes.

use apostate::prelude::*;
use apostate_server::Client;

use crate::failure::{Failure, check};

/// The kinds of these workloads.
pub(crate) type Bank = (Account,);

/// One account.
#[entity(name = "account")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Account {
    balance: u64,
    deposits: u64,
    /// Makes the state as large as it is wanted.
    statement: String,
}

impl Account {
    /// An account after its first deposit.
    pub(crate) fn with_deposit(amount: u64) -> Self {
        Self { balance: amount, deposits: 1, statement: String::new() }
    }
}

#[handlers]
impl Account {
    /// Makes the state about `bytes` large.
    #[open]
    pub fn print_statement(&mut self, bytes: usize) {
        self.statement = "1 deposit of 5. ".chars().cycle().take(bytes).collect();
    }

    /// Puts money in, and answers with the new balance.
    #[open]
    pub fn deposit(&mut self, amount: u64) -> u64 {
        self.balance += amount;
        self.deposits += 1;
        self.balance
    }
}

/// The sums that all deposits together must give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    /// The number of deposits.
    pub(crate) deposits: u64,
    /// Their sum.
    pub(crate) amount: u64,
}

impl Books {
    /// One more.
    pub(crate) fn add(&mut self, amount: u64) {
        self.deposits += 1;
        self.amount += amount;
    }

    /// Lists every account: together they must hold exactly this.
    pub(crate) fn audit(self, client: &Client) -> Result<(), Failure> {
        client.settle()?;
        let mut found = Self::default();
        for account in client.list::<Account>() {
            let Account { balance, deposits, statement: _ } = account?.entity;
            found.deposits += deposits;
            found.amount += balance;
        }
        check(found == self, || format!("the accounts hold {found:?}, and got {self:?}"))
    }
}
