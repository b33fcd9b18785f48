//! The escrow of one sale: the hub that buyer, seller, house and lender are spokes of.

use std::collections::BTreeSet;
use std::time::Duration;

use apostate::prelude::*;

use crate::{Deed, House, Lender, Loan, Person};

/// One sale, in the hands of the escrow company.
#[entity(name = "escrow")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escrow {
    /// The terms of the sale, once it is opened.
    pub terms: Option<Terms>,
    /// The time at which it is called off unless it is closed.
    pub deadline: Timestamp,
    /// Those that have signed.
    pub signed: BTreeSet<Party>,
    /// How far it is.
    pub status: Status,
}

/// Terms of a sale. All money is in whole pounds.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The house, by its address.
    pub house: EntityKey,
    /// The owner.
    pub seller: EntityKey,
    /// The person that wants it.
    pub buyer: EntityKey,
    /// The price, of which the buyer pays what the loan does not.
    pub price: u64,
    /// The lender.
    pub lender: EntityKey,
    /// The loan.
    pub loan: u64,
    /// How long there is to sign and to close.
    pub within_seconds: u64,
}

/// Those that have to sign.
#[data]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Party {
    /// The one that pays.
    Buyer,
    /// The one that has the house.
    Seller,
    /// The one that lends.
    Lender,
}

/// How far a sale is.
#[data]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// Not opened.
    #[default]
    New,
    /// Waiting for signatures. Nobody has promised anything.
    Open,
    /// All have signed, and are asked to do their parts. What they do may still be taken back.
    Closing,
    /// House and money have new owners, or are about to.
    Closed,
    /// House and money stay where they were.
    CalledOff {
        /// The reason.
        why: String,
    },
}

/// The name of the timer that calls the sale off.
const DEADLINE: &str = "deadline";

/// Most pounds of one sale: sums of them fit any purse.
const PRICE_MAX: u64 = 1_000_000_000;

#[handlers]
impl Escrow {
    /// Opens the escrow: from now on the parties can sign.
    #[open]
    pub fn open(&mut self, tx: &mut Tx, terms: Terms) -> Result<(), Refusal> {
        refuse!(self.status != Status::New, code = "opened-before", "{} was opened before", tx.key());
        let (price, loan) = (terms.price, terms.loan);
        refuse!(price > PRICE_MAX, code = "price", status = 422, "{price} is more than {PRICE_MAX}");
        refuse!(loan > price, code = "loan", status = 422, "a loan of {loan} for a house of {price}");
        let wait = Duration::from_secs(terms.within_seconds);
        let call_off = Self::at(tx.key()).call_off("not all have signed in time".to_owned());
        tx.timer(DEADLINE).send_after(wait, call_off);
        self.deadline = tx.now().after(wait);
        self.terms = Some(terms);
        self.status = Status::Open;
        Ok(())
    }

    /// One of the parties signs. When the last one does, the escrow closes: all do their parts, or none does.
    #[open]
    pub fn sign(&mut self, tx: &mut Tx, party: Party) -> Result<(), Refusal> {
        let Status::Open = self.status else { return Err(self.is_not_open()) };
        self.signed.insert(party);
        if let (3, Some(terms)) = (self.signed.len(), &self.terms) {
            let Terms { house, seller, buyer, lender, price, loan, .. } = terms.clone();
            let deed = Deed { from: seller.clone(), to: buyer.clone() };
            let lend = (loan > 0).then(|| Lender::at(lender).lend(Loan { house: house.clone(), amount: loan }));
            let closing = Agreement::within(self.deadline.since(tx.now()))
                .ask(House::at(house).promise(deed))
                .ask(Person::at(buyer).deposit(price - loan))
                .ask(Person::at(seller).expect(price))
                .ask_all(lend);
            tx.propose(closing.then(Self::DECIDED));
            tx.timer(DEADLINE).cancel();
            self.status = Status::Closing;
        }
        Ok(())
    }

    /// One of the parties has thought better of it.
    #[open]
    pub fn withdraw(&mut self, tx: &mut Tx, party: Party) -> Result<(), Refusal> {
        let Status::Open = self.status else { return Err(self.is_not_open()) };
        tx.timer(DEADLINE).cancel();
        self.call_off(format!("the {party:?} has withdrawn").to_lowercase());
        Ok(())
    }

    /// Ends the sale before anybody has promised anything.
    pub fn call_off(&mut self, why: String) {
        self.status = Status::CalledOff { why };
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.status = match outcome {
            Outcome::Agreed { .. } => Status::Closed,
            Outcome::Refused { by, why } => Status::CalledOff { why: format!("{} {}: {}", by.kind, by.key, why.text) },
            Outcome::Expired => Status::CalledOff { why: "not all have answered in time".to_owned() },
        };
    }

    fn is_not_open(&self) -> Refusal {
        Refusal::with_code("not-open", format!("this escrow takes no signatures: it is {:?}", self.status))
    }
}
