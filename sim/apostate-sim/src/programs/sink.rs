//! Receivers of numbered producers: every number once, in their order.

use std::collections::BTreeMap;

use apostate::prelude::*;

use crate::programs::bank::Account;

/// Counts what producers send.
#[entity(name = "sink")]
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sink {
    /// Transactions that have changed it.
    pub(crate) applied: u64,
    pub(crate) counts: BTreeMap<u16, u64>,
    pub(crate) lasts: BTreeMap<u16, u64>,
    /// Numbers that came again, or out of order.
    pub(crate) disordered: u64,
}

#[handlers]
impl Sink {
    /// Takes one number, and lets money of its own move as well.
    #[open]
    pub fn take(&mut self, tx: &mut Tx, producer: u16, number: u64) -> u64 {
        self.applied += 1;
        let last = self.lasts.entry(producer).or_default();
        self.disordered += u64::from(number <= *last);
        *last = number;
        *self.counts.entry(producer).or_default() += 1;
        if number.is_multiple_of(3) {
            tx.send(Account::at(format!("a{}", number % 8)).credit(0));
        }
        number
    }
}
