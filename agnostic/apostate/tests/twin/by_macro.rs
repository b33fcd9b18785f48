//! The twin written with the macros.

use std::time::Duration;

use apostate::prelude::*;

/// One product in the warehouse.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Stock {
    on_hand: u32,
    refusals: u32,
}

#[handlers]
impl Stock {
    /// Takes in delivered units
    /// and answers with the new level.
    #[open]
    pub fn receive(&mut self, units: u32) -> u32 {
        assert!(units != 13, "unlucky");
        self.on_hand += units;
        self.level()
    }

    /// Takes units away, and orders as many from the other one.
    #[open(name = "take-away")]
    pub fn take(&mut self, tx: &mut Tx, units: u32, _note: String) -> Result<(), Refusal> {
        self.on_hand = self.on_hand.wrapping_sub(units);
        refuse!(self.on_hand > 1000, code = "out-of-stock", "not {units} left");
        tx.send(Self::at("other").receive(units));
        tx.send(Self::at("other").take(units, String::new()).or_tell(Self::ON_REFUSED));
        Ok(())
    }

    pub fn forget(&mut self, tx: &mut Tx<'_>) {
        tx.delete();
    }

    #[open]
    pub fn available(&self) -> u32 {
        self.level()
    }

    pub fn level_at_least(&self, tx: &Tx, level: u32) -> Result<u32, Refusal> {
        refuse!(self.on_hand < level, "{} has less", tx.key());
        Ok(self.on_hand - level)
    }

    /// Holds units for an order, and offers as many as are left.
    #[tentative(confirm = sell, cancel = put_back, self_expire = Duration::from_secs(900))]
    pub fn reserve(&mut self, tx: &mut Tx, units: u32, _note: String) -> Result<u32, Refusal> {
        refuse!(self.on_hand < units, "only {} left", self.on_hand);
        self.on_hand -= units;
        tx.propose(Agreement::under_this_try().ask(Self::at("other").lend()));
        Ok(self.on_hand)
    }

    /// Says how many were sold at last.
    fn sell(&mut self, tx: &mut Tx, units: u32, note: String, sold: u32) {
        self.on_hand += units - sold;
        tx.send(Self::at(note).receive(sold));
    }

    fn put_back(&mut self, units: u32, _note: String) {
        self.on_hand += units;
    }

    #[tentative(confirm = end, cancel = end)]
    pub fn lend(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    fn end(&mut self) {
        self.refusals += 100;
    }

    pub fn order(&mut self, tx: &mut Tx, units: u32) {
        let sold = units / 2;
        let reserve = |key: &str| Self::at(key).reserve(units, "n".to_owned()).confirm_with(sold);
        let agreement =
            Agreement::within(Duration::from_secs(60)).ask(reserve("a")).ask(reserve("b")).at_least(1).eagerly();
        tx.propose(agreement.on_lapsed(Self::LAPSED).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, outcome: Outcome<u32>) {
        if let Outcome::Agreed { offers } = outcome {
            self.on_hand = offers.iter().map(|offer| offer.offer).sum();
        }
    }

    #[on]
    fn lapsed(&mut self, lapsed: Lapsed) {
        self.refusals += lapsed.leg;
    }

    #[on]
    fn on_refused(&mut self, refused: Refused) {
        assert_eq!(refused.handler, "take");
        self.refusals += 1;
    }

    /// Waits for a delivery, and is answered with what is there then.
    #[open]
    pub fn wait(&mut self, tx: &mut Tx, units: u32) -> Result<Later<u32>, Refusal> {
        refuse!(self.on_hand >= units, "no need to wait");
        let later = tx.later();
        tx.answer(later.clone(), self.on_hand);
        Ok(later.within(Duration::from_secs(60)))
    }

    fn level(&self) -> u32 {
        self.on_hand
    }
}

impl Stock {
    /// The test stands outside of this module, where the constant cannot be seen.
    pub(crate) const TOLD: Handler<Self, Refused> = Self::ON_REFUSED;
}
