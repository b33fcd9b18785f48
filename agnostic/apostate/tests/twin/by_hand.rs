//! The twin written by hand, without a macro: what it does, and its messages.

#[path = "by_hand/table.rs"]
mod table;

use std::time::Duration;

use apostate::agreement::{ConfirmsWith, Lapses};
use apostate::schemars::{JsonSchema, Schema, SchemaGenerator};
use apostate::{
    Agreement, Call, Entity, EntityKey, Handler, InternalOnly, KeyError, Lapsed, Later, NotRefusable, Open, Outcome,
    ReadOnly, Refusable, Refusal, Refused, ToKey, Try, Tx, refuse,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
pub(crate) struct Stock {
    on_hand: u32,
    refusals: u32,
}

impl Entity for Stock {
    const NAME: &'static str = "stock";
    const DOC: &'static str = "One product in the warehouse.";

    fn state_schema(generator: &mut SchemaGenerator) -> Schema {
        Self::json_schema(generator)
    }
}

impl Stock {
    pub(crate) const ON_REFUSED: Handler<Self, Refused> = Handler::new("on_refused");
    const DECIDED: Handler<Self, Outcome<u32>> = Handler::new("decided");
    const LAPSED: Handler<Self, Lapsed> = Handler::new("lapsed");

    pub(crate) fn at(key: impl ToKey) -> StockRef {
        StockRef { key: key.to_key() }
    }

    fn receive(&mut self, units: u32) -> u32 {
        assert!(units != 13, "unlucky");
        self.on_hand += units;
        self.on_hand
    }

    fn take(&mut self, tx: &mut Tx<'_>, units: u32, _note: String) -> Result<(), Refusal> {
        self.on_hand = self.on_hand.wrapping_sub(units);
        refuse!(self.on_hand > 1000, code = "out-of-stock", "not {units} left");
        tx.send(Self::at("other").receive(units));
        tx.send(Self::at("other").take(units, String::new()).or_tell(Self::ON_REFUSED));
        Ok(())
    }

    fn forget(&mut self, tx: &mut Tx<'_>) {
        tx.delete();
    }

    fn available(&self) -> u32 {
        self.on_hand
    }

    fn level_at_least(&self, tx: &Tx<'_>, level: u32) -> Result<u32, Refusal> {
        refuse!(self.on_hand < level, "{} has less", tx.key());
        Ok(self.on_hand - level)
    }

    fn reserve(&mut self, tx: &mut Tx<'_>, units: u32, _note: String) -> Result<u32, Refusal> {
        refuse!(self.on_hand < units, "only {} left", self.on_hand);
        self.on_hand -= units;
        tx.propose(Agreement::under_this_try().ask(Self::at("other").lend()));
        Ok(self.on_hand)
    }

    fn sell(&mut self, tx: &mut Tx<'_>, units: u32, note: String, sold: u32) {
        self.on_hand += units - sold;
        tx.send(Self::at(note).receive(sold));
    }

    fn put_back(&mut self, units: u32, _note: String) {
        self.on_hand += units;
    }

    fn lend(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    fn end(&mut self) {
        self.refusals += 100;
    }

    fn order(&mut self, tx: &mut Tx<'_>, units: u32) {
        let sold = units / 2;
        let reserve = |key: &str| Self::at(key).reserve(units, "n".to_owned()).confirm_with(sold);
        let agreement =
            Agreement::within(Duration::from_secs(60)).ask(reserve("a")).ask(reserve("b")).at_least(1).eagerly();
        tx.propose(agreement.on_lapsed(Self::LAPSED).then(Self::DECIDED));
    }

    fn decided(&mut self, outcome: Outcome<u32>) {
        if let Outcome::Agreed { offers } = outcome {
            self.on_hand = offers.iter().map(|offer| offer.offer).sum();
        }
    }

    fn lapsed(&mut self, lapsed: Lapsed) {
        self.refusals += lapsed.leg;
    }

    fn on_refused(&mut self, refused: Refused) {
        assert_eq!(refused.handler, "take");
        self.refusals += 1;
    }

    fn wait(&mut self, tx: &mut Tx<'_>, units: u32) -> Result<Later<u32>, Refusal> {
        refuse!(self.on_hand >= units, "no need to wait");
        let later = tx.later();
        tx.answer(later.clone(), self.on_hand);
        Ok(later.within(Duration::from_secs(60)))
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Receive {
    units: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Take {
    units: u32,
    note: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Nothing {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct LevelAtLeast {
    level: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Reserve {
    units: u32,
    note: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Order {
    units: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(crate = "apostate::schemars")]
struct Wait {
    units: u32,
}

pub(crate) struct StockRef {
    key: Result<EntityKey, KeyError>,
}

impl StockRef {
    pub(crate) fn receive(self, units: u32) -> Call<Stock, u32, NotRefusable, Open> {
        Call::new(self.key, "receive", &Receive { units })
    }

    pub(crate) fn take(self, units: u32, note: String) -> Call<Stock, (), Refusable, Open> {
        Call::new(self.key, "take-away", &Take { units, note })
    }

    pub(crate) fn forget(self) -> Call<Stock, (), NotRefusable, InternalOnly> {
        Call::new(self.key, "forget", &Nothing {})
    }

    pub(crate) fn available(self) -> Call<Stock, u32, ReadOnly, Open> {
        Call::new(self.key, "available", &Nothing {})
    }

    pub(crate) fn level_at_least(self, level: u32) -> Call<Stock, u32, ReadOnly, InternalOnly> {
        Call::new(self.key, "level_at_least", &LevelAtLeast { level })
    }

    pub(crate) fn reserve(self, units: u32, note: String) -> Try<Stock, u32, ConfirmsWith<u32>, Lapses> {
        Try::new(self.key, "reserve", &Reserve { units, note })
    }

    pub(crate) fn lend(self) -> Try<Stock, ()> {
        Try::new(self.key, "lend", &Nothing {})
    }

    pub(crate) fn order(self, units: u32) -> Call<Stock, (), NotRefusable, InternalOnly> {
        Call::new(self.key, "order", &Order { units })
    }

    pub(crate) fn wait(self, units: u32) -> Call<Stock, u32, Refusable, Open> {
        Call::new(self.key, "wait", &Wait { units })
    }
}
