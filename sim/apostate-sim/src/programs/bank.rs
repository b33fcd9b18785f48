//! Transfers: money leaves one account and reaches another by message. None is made, none is lost.

use apostate::prelude::*;

/// The balance that every account begins with.
pub(crate) const FIRST_BALANCE: i64 = 100;

/// An account.
#[entity(name = "account")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    pub(crate) balance: i64,
    /// Money that came from each partner, less what went there.
    pub(crate) dealings: Activities<i64>,
}

impl Default for Account {
    fn default() -> Self {
        Self { applied: 0, balance: FIRST_BALANCE, dealings: Activities::default() }
    }
}

#[handlers]
impl Account {
    /// Sends money to another account, or refuses.
    #[open]
    pub fn transfer(&mut self, tx: &mut Tx, to: String, amount: i64) -> Result<i64, Refusal> {
        // Changed before it refuses: a refusal has to take it back.
        self.applied += 1;
        self.balance -= amount;
        *self.dealings.with(Self::at(&to)) -= amount;
        refuse!(self.balance < 0, code = "overdrawn", "the balance would be {}", self.balance);
        tx.send(Self::at(to).credit(amount));
        Ok(self.balance)
    }

    /// Takes money in.
    pub fn credit(&mut self, tx: &mut Tx, amount: i64) {
        self.applied += 1;
        self.balance += amount;
        if let Some(sender) = tx.sender() {
            *self.dealings.with(sender) += amount;
        }
    }

    /// The balance.
    #[open]
    pub fn balance(&self) -> i64 {
        self.balance
    }
}
