//! Neighbours in one transaction: two keys that live together until they are moved apart.
//!
//! A bank keeps accounts in a database with real transactions, and a transfer is one: out of one account, into its neighbour,
//! and the transfer's number noted with the payer, so that it is not made twice. In the test deployment everything is
//! on one shard, and every test passes. In production the accounts are spread over shards. The library still takes
//! both writes and calls it a transaction, but it is one on each shard; and when a worker crashes between the two, the number
//! that says "done" is in the first. The money is gone. The program is the same.
//!
//! An entity knows of no neighbours. A payment is a message, enqueued with the transaction that takes the money, and what a
//! program computes does not depend on how many places there are.
//!
//! Paper: *Entities may be repartitioned*; you can never count on different keys residing in the same place.

use std::collections::{BTreeMap, BTreeSet};

use apostate::prelude::*;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

const TRANSFERS: u64 = 200;
const ACCOUNTS: u64 = 16;
const SHARDS_IN_PRODUCTION: u64 = 8;

pub(crate) const PITFALL: Pitfall = Pitfall {
    name: "neighbours in one transaction",
    counts: "transfers of 200",
    faults: |seed| Faults { seed, crashes: 100, lost_answers: 0 },
    wrong: |faults| wrong(faults, SHARDS_IN_PRODUCTION),
    right: |faults| right(faults, 4),
};

/// One transfer, of one pound, to the next account.
#[derive(Clone, Copy)]
struct Transfer {
    number: u64,
    payer: u64,
}

impl Transfer {
    fn payee(self) -> u64 {
        (self.payer + 1) % ACCOUNTS
    }
}

fn transfers() -> Vec<Transfer> {
    (0..TRANSFERS).map(|number| Transfer { number, payer: number * 7 % ACCOUNTS }).collect()
}

/// Accounts in order of their numbers, each shard with an equal share. What one shard is given at once is atomic.
struct Shards {
    shards: u64,
    pounds: BTreeMap<u64, i64>,
    made: BTreeSet<u64>,
}

impl Shards {
    fn are_together(&self, one: u64, two: u64) -> bool {
        let shard = |account| account * self.shards / ACCOUNTS;
        shard(one) == shard(two)
    }

    fn add(&mut self, account: u64, pounds: i64) {
        *self.pounds.entry(account).or_default() += pounds;
    }
}

fn wrong(faults: Faults, shards: u64) -> Result<Outcome, Failure> {
    let mut bank = Shards { shards, pounds: BTreeMap::new(), made: BTreeSet::new() };
    let history = workers::run(faults, &transfers(), |&transfer, is_owed| match is_owed {
        None => {
            // The payer's shard commits: its own account, the transfer's number, and the payee if it is there as well.
            let is_new = bank.made.insert(transfer.number);
            let is_together = bank.are_together(transfer.payer, transfer.payee());
            if is_new {
                bank.add(transfer.payer, -1);
            }
            if is_new && is_together {
                bank.add(transfer.payee(), 1);
            }
            Ok::<_, Failure>(Step::Holding(is_new && !is_together))
        }
        Some(is_owed) => {
            // The payee's shard commits.
            if is_owed {
                bank.add(transfer.payee(), 1);
            }
            Ok(Step::Done)
        }
    })?;
    Ok(Outcome { damage: damage(&bank.pounds), history })
}

/// One account.
#[entity(name = "account")]
#[derive(Default, Serialize, Deserialize)]
struct Account {
    pounds: i64,
}

#[handlers]
impl Account {
    /// Pays one pound to another account.
    #[open]
    pub fn pay(&mut self, tx: &mut Tx, payee: u64) {
        self.pounds -= 1;
        tx.send(Account::at(payee).receive());
    }

    /// Takes one pound in.
    pub fn receive(&mut self) {
        self.pounds += 1;
    }

    /// The balance.
    #[open]
    pub fn pounds(&self) -> i64 {
        self.pounds
    }
}

fn right(faults: Faults, partitions: u32) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Account,)>(partitions)?;
    let client = node.client();
    let history = workers::run(faults, &transfers(), |transfer, asked| match asked {
        None => {
            let call = client.call(Account::at(transfer.payer).pay(transfer.payee()));
            Ok::<_, Failure>(Step::Holding(call.with_key(&format!("transfer {}", transfer.number)).start()))
        }
        Some(call) => {
            call.wait()?;
            Ok(Step::Done)
        }
    })?;
    client.settle()?;
    let mut pounds = BTreeMap::new();
    for account in 0..ACCOUNTS {
        pounds.insert(account, client.read(Account::at(account).pounds()).wait()?);
    }
    Ok(Outcome { damage: damage(&pounds), history })
}

/// Pounds that are missing from the accounts, and pounds that were not paid in, account by account.
fn damage(found: &BTreeMap<u64, i64>) -> Damage {
    let mut expected = BTreeMap::<_, i64>::new();
    for transfer in transfers() {
        *expected.entry(transfer.payer).or_default() -= 1;
        *expected.entry(transfer.payee()).or_default() += 1;
    }
    let of_account = |account: u64| {
        let excess = found[&account] - expected[&account];
        Damage { lost: (-excess).max(0).unsigned_abs(), doubled: excess.max(0).unsigned_abs() }
    };
    (0..ACCOUNTS).map(of_account).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_part_and_take_the_transaction_with_them_and_a_message_still_arrives() {
        PITFALL.check();
    }

    #[test]
    fn the_test_deployment_hides_it() {
        for seed in 1..=20 {
            assert_eq!(wrong((PITFALL.faults)(seed), 1).unwrap().damage, Damage::default(), "seed {seed}");
        }
    }

    #[test]
    fn entities_do_the_same_in_one_partition_and_in_many() {
        for partitions in [1, 3] {
            assert_eq!(right((PITFALL.faults)(1), partitions).unwrap().damage, Damage::default());
        }
    }
}
