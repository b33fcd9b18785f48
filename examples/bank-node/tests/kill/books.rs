//! The books of the bank when it is at rest: what every account has, and what became of every transfer.

use std::collections::BTreeMap;
use std::time::Duration;

use apostate::EntityKey;
use apostate_api::client::Client;
use bank::{Account, Status, Transfer};

use crate::node::Served;
use crate::plan::{ACCOUNTS, Plan, START_CENTS, account};

/// All accounts and transfers.
pub(crate) struct Books {
    accounts: BTreeMap<String, Account>,
    transfers: BTreeMap<usize, Status>,
}

impl Books {
    /// Waits until `begun` transfers are decided, and all that they hold is confirmed or cancelled; then reads everything.
    pub(crate) async fn at_rest(client: &Client, node: &Served, begun: usize) -> Self {
        loop {
            let (undecided, tentative) = (node.metric("undecided"), node.metric("tentative"));
            let status = client.status().await.expect("it serves");
            if undecided + tentative == 0 && status.partitions.iter().all(|partition| partition.is_quiet) {
                let books = Self::read(client).await;
                if books.is_at_rest() && books.transfers.len() == begun {
                    let parked: u64 = status.partitions.iter().map(|partition| partition.parked).sum();
                    assert_eq!(parked, 0, "messages are parked");
                    return books;
                }
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn read(client: &Client) -> Self {
        let (mut accounts, mut transfers) = (BTreeMap::new(), BTreeMap::new());
        let mut listing = client.list_all::<Account>().await.expect("a list");
        while let Some(item) = listing.next().await.expect("the list goes on") {
            accounts.insert(item.key, item.state.expect("it can be read"));
        }
        let mut listing = client.list_all::<Transfer>().await.expect("a list");
        while let Some(item) = listing.next().await.expect("the list goes on") {
            let number = item.key.parse().expect("a number");
            transfers.insert(number, item.state.expect("it can be read").status);
        }
        Self { accounts, transfers }
    }

    fn is_at_rest(&self) -> bool {
        let holds = |account: &Account| account.held + account.expected > 0;
        let is_undecided = |status: &Status| matches!(status, Status::New | Status::UnderWay);
        !self.accounts.values().any(holds) && !self.transfers.values().any(is_undecided)
    }

    /// Checks that each account has what the transfers that are done have brought it, and no other money. How many are done, refused
    /// and expired.
    pub(crate) fn check(&self, plans: &[Plan]) -> [usize; 3] {
        let mut counts = [0; 3];
        let mut expected: BTreeMap<EntityKey, u64> =
            (0..ACCOUNTS).map(|number| (account(number), START_CENTS)).collect();
        // Money comes before it goes: which of two transfers was decided first is not told.
        for part in ["comes", "goes"] {
            for (&number, _) in self.transfers.iter().filter(|(_, status)| **status == Status::Done) {
                for share in &plans[number].shares {
                    let account = if part == "comes" { &share.to } else { &plans[number].from };
                    let cents = expected.get_mut(account).expect("what nobody has opened takes part in nothing");
                    *cents = if part == "comes" { *cents + share.amount } else { *cents - share.amount };
                }
            }
        }
        for status in self.transfers.values() {
            match status {
                Status::Done => counts[0] += 1,
                Status::Refused { account, why } => {
                    let expected = if account.as_str() == "nobody" { "no-account" } else { "overdrawn" };
                    assert_eq!(why.code, expected, "{account}: {}", why.text);
                    counts[1] += 1;
                }
                Status::Expired => counts[2] += 1,
                Status::New | Status::UnderWay => panic!("{status:?} at rest"),
            }
        }
        let found: BTreeMap<_, _> = self.accounts.iter().map(|(key, account)| (&**key, account.balance)).collect();
        let expected: BTreeMap<_, _> = expected.iter().map(|(key, cents)| (key.as_str(), *cents)).collect();
        assert_eq!(found, expected);
        assert_eq!(found.values().sum::<u64>(), ACCOUNTS * START_CENTS);
        counts
    }
}
