//! A standing order: a transfer that is made again and again, by a timer.

use std::time::Duration;

use apostate::prelude::*;

use crate::transfer::{Share, Status, transfer};

/// One standing order.
#[entity(name = "standing-order")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingOrder {
    /// The terms; none before it is set, and after it was stopped.
    pub terms: Option<Terms>,
    /// How often it has paid.
    pub paid: u64,
    /// How often it could not pay.
    pub missed: u64,
    /// How far its latest payment is.
    pub latest: Status,
}

/// Terms of a standing order.
#[data]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The account that pays.
    pub from: EntityKey,
    /// The account that is paid.
    pub to: EntityKey,
    /// How much at a time, in cents.
    pub amount: u64,
    /// How long from one payment to the next. The first one is so long from now.
    pub every_seconds: u64,
}

/// The name of the timer, of which an entity has one.
const TIMER: &str = "payment";

#[handlers]
impl StandingOrder {
    /// Sets the order, or sets it anew.
    #[open]
    pub fn set(&mut self, tx: &mut Tx, terms: Terms) -> Result<(), Refusal> {
        let Terms { amount, every_seconds, .. } = terms;
        refuse!(
            amount == 0 || every_seconds == 0,
            code = "no-terms",
            status = 422,
            "it pays something every now and then"
        );
        terms.wait(tx);
        self.terms = Some(terms);
        Ok(())
    }

    /// Ends the order. A payment that is under way goes on.
    #[open]
    pub fn stop(&mut self, tx: &mut Tx) {
        tx.timer(TIMER).cancel();
        self.terms = None;
    }

    /// Pays once, and waits for the next time.
    pub fn pay(&mut self, tx: &mut Tx) -> Result<(), Refusal> {
        let Some(terms) = &self.terms else { return Ok(()) };
        let share = Share { to: terms.to.clone(), amount: terms.amount };
        tx.propose(transfer(&terms.from, &[share], terms.pause())?.then(Self::DECIDED));
        terms.wait(tx);
        self.latest = Status::UnderWay;
        Ok(())
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.latest = outcome.into();
        match self.latest {
            Status::Done => self.paid += 1,
            _ => self.missed += 1,
        }
    }
}

impl Terms {
    fn pause(&self) -> Duration {
        Duration::from_secs(self.every_seconds)
    }

    /// Sets the timer for the next payment. It is never refused: [`StandingOrder::set`] has checked the terms.
    fn wait(&self, tx: &mut Tx) {
        let pay = StandingOrder::at(tx.key()).pay().or_ignore();
        tx.timer(TIMER).send_after(self.pause(), pay);
    }
}
