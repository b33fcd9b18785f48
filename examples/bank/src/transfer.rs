//! A transfer: an agreement of one account that pays and others that are paid.

use std::time::Duration;

use apostate::agreement::{Proposal, Untold};
use apostate::prelude::*;

use crate::Account;

/// The time that accounts have for their answers: milliseconds as a rule, and more only where a node is down.
const PATIENCE: Duration = Duration::from_secs(3600);

/// One transfer. Its key is chosen by whoever asks for it, so a transfer that is asked for twice is made once.
#[entity(name = "transfer")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// How far it is.
    pub status: Status,
}

/// How far a transfer is.
#[data]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not asked for.
    #[default]
    New,
    /// Undecided: what is held and expected may still be given back.
    UnderWay,
    /// The money has moved, or is about to.
    Done,
    /// One of the accounts has refused, so none has paid.
    Refused {
        /// The account.
        account: EntityKey,
        /// The reason.
        why: Refusal,
    },
    /// Not all have answered in time, so none has paid.
    Expired,
}

/// The part that one account gets.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The account.
    pub to: EntityKey,
    /// How much it gets, in cents.
    pub amount: u64,
}

#[handlers]
impl Transfer {
    /// Pays from one account to another.
    #[open]
    pub fn pay(&mut self, tx: &mut Tx, from: EntityKey, to: EntityKey, amount: u64) -> Result<(), Refusal> {
        self.begin(tx, &from, &[Share { to, amount }], PATIENCE)
    }

    /// Pays from one account to several: all of them, or none. It is given up unless all have agreed within so many milliseconds.
    #[open]
    pub fn share_out(
        &mut self,
        tx: &mut Tx,
        from: EntityKey,
        shares: Vec<Share>,
        within_milli: u64,
    ) -> Result<(), Refusal> {
        self.begin(tx, &from, &shares, Duration::from_millis(within_milli))
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.status = outcome.into();
    }

    fn begin(&mut self, tx: &mut Tx, from: &EntityKey, shares: &[Share], within: Duration) -> Result<(), Refusal> {
        refuse!(self.status != Status::New, code = "begun-before", "{} was begun before", tx.key());
        tx.propose(transfer(from, shares, within)?.then(Self::DECIDED));
        self.status = Status::UnderWay;
        Ok(())
    }
}

/// An agreement that moves money: the payer holds all of it, and each payee takes its share in.
pub(crate) fn transfer(from: &EntityKey, shares: &[Share], within: Duration) -> Result<Proposal<(), Untold>, Refusal> {
    let total = shares.iter().try_fold(0_u64, |sum, share| sum.checked_add(share.amount));
    let Some(total @ 1..) = total else {
        return Err(Refusal::with_code("no-amount", "nothing is to be moved, or more than there is").with_status(422));
    };
    let payees = shares.iter().map(|share| Account::at(&share.to).take_in(share.amount));
    Ok(Agreement::within(within).ask(Account::at(from).hold(total)).ask_all(payees))
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Agreed { .. } => Self::Done,
            Outcome::Refused { by, why } => Self::Refused { account: by.key, why },
            Outcome::Expired => Self::Expired,
        }
    }
}
