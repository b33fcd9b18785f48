//! The twin written by hand, without a macro.

use apostate::schemars::{JsonSchema, Schema, SchemaGenerator};
use apostate::{
    Call, Entity, EntityKey, Handler, InternalOnly, KeyError, NotRefusable, Open, ReadOnly, Refusable, Refusal,
    Refused, ToKey, Tx, refuse,
};
use apostate_core::{Access, HandlerDef, HandlerFn, HandlerInfo, HandlerResult, Handlers, Json, Mode, decode};
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

    fn on_refused(&mut self, refused: Refused) {
        assert_eq!(refused.handler, "take");
        self.refusals += 1;
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
}

impl Handlers for Stock {
    const HANDLERS: &'static [HandlerDef<Self>] = &[
        HandlerDef {
            info: HandlerInfo {
                name: "receive",
                mode: Mode::Changes,
                refusable: false,
                access: Access::Open,
                doc: "Takes in delivered units\nand answers with the new level.",
                arguments: Json::arguments::<Receive>().with_schema(Receive::json_schema),
                reply: Json::of::<u32>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Receive>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Receive { units }) => {
                    tx.reply(&stock.receive(units));
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "take-away",
                mode: Mode::Changes,
                refusable: true,
                access: Access::Open,
                doc: "Takes units away, and orders as many from the other one.",
                arguments: Json::arguments::<Take>().with_schema(Take::json_schema),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Take>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Take { units, note }) => match stock.take(tx, units, note) {
                    Ok(()) => {
                        tx.reply(&());
                        HandlerResult::Done
                    }
                    Err(refusal) => HandlerResult::Refused(refusal),
                },
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "forget",
                mode: Mode::Changes,
                refusable: false,
                access: Access::Entities,
                doc: "",
                arguments: Json::arguments::<Nothing>().with_schema(Nothing::json_schema),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Nothing>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Nothing {}) => {
                    stock.forget(tx);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "available",
                mode: Mode::Reads,
                refusable: false,
                access: Access::Open,
                doc: "",
                arguments: Json::arguments::<Nothing>().with_schema(Nothing::json_schema),
                reply: Json::of::<u32>(),
                tentative: None,
            },
            run: HandlerFn::Read(|stock, tx, body| match decode::<Nothing>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Nothing {}) => {
                    tx.reply(&stock.available());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "level_at_least",
                mode: Mode::Reads,
                refusable: true,
                access: Access::Entities,
                doc: "",
                arguments: Json::arguments::<LevelAtLeast>().with_schema(LevelAtLeast::json_schema),
                reply: Json::of::<u32>(),
                tentative: None,
            },
            run: HandlerFn::Read(|stock, tx, body| match decode::<LevelAtLeast>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(LevelAtLeast { level }) => match stock.level_at_least(tx, level) {
                    Ok(reply) => {
                        tx.reply(&reply);
                        HandlerResult::Done
                    }
                    Err(refusal) => HandlerResult::Refused(refusal),
                },
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "on_refused",
                mode: Mode::Changes,
                refusable: false,
                access: Access::Own,
                doc: "",
                arguments: Json::of::<Refused>(),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Refused>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(refused) => {
                    stock.on_refused(refused);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
    ];
}
