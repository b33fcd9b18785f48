//! The twin written with the macros.

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

    #[on]
    fn on_refused(&mut self, refused: Refused) {
        assert_eq!(refused.handler, "take");
        self.refusals += 1;
    }

    fn level(&self) -> u32 {
        self.on_hand
    }
}

impl Stock {
    /// The test stands outside of this module, where the constant cannot be seen.
    pub(crate) const TOLD: Handler<Self, Refused> = Self::ON_REFUSED;
}
