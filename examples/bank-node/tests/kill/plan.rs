//! The transfers that are to be made, from a seed.

use apostate::{Call, EntityKey, Open, Refusable};
use apostate_core::SplitMix64;
use bank::{Share, Transfer, TransferRef};

/// How many accounts there are.
pub(crate) const ACCOUNTS: u64 = 24;

/// The money of each in the beginning.
pub(crate) const START_CENTS: u64 = 1_000;

/// The time of a transfer that is not meant to expire.
const LONG_MILLI: u64 = 600_000;

/// One transfer: an account pays two others.
pub(crate) struct Plan {
    pub(crate) from: EntityKey,
    pub(crate) shares: Vec<Share>,
    pub(crate) within_milli: u64,
}

/// The key of account `number`.
pub(crate) fn account(number: u64) -> EntityKey {
    EntityKey::new(&format!("account-{number}")).expect("a key")
}

impl Plan {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let (is_to_nobody, is_in_a_hurry) = (rng.below(4) == 0, rng.below(4) == 0);
        let first = account(rng.below(ACCOUNTS));
        let second = if is_to_nobody { EntityKey::new("nobody").expect("a key") } else { account(rng.below(ACCOUNTS)) };
        Self {
            from: account(rng.below(ACCOUNTS)),
            shares: [first, second].map(|to| Share { to, amount: 1 + rng.below(120) }).into(),
            within_milli: if is_in_a_hurry { rng.below(2) } else { LONG_MILLI },
        }
    }

    /// The call that has it made.
    pub(crate) fn call(&self, transfer: TransferRef) -> Call<Transfer, (), Refusable, Open> {
        transfer.share_out(self.from.clone(), self.shares.clone(), self.within_milli)
    }
}

/// Random numbers from one seed.
pub(crate) struct Rng(SplitMix64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.below(end)
    }
}
