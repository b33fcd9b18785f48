//! The table of the twin that is written by hand.

use std::time::Duration;

use apostate::schemars::JsonSchema;
use apostate::{Lapsed, Outcome, Refused};
use apostate_core::{
    Access, HandlerDef, HandlerFn, HandlerInfo, HandlerResult, Handlers, Json, Mode, Tentative, decode,
};

use super::{LevelAtLeast, Nothing, Order, Receive, Reserve, Stock, Take, Wait};

impl Handlers for Stock {
    const HANDLERS: &'static [HandlerDef<Self>] = &[
        HandlerDef {
            info: HandlerInfo {
                name: "receive",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
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
                answers_later: false,
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
                answers_later: false,
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
                answers_later: false,
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
                answers_later: false,
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
                name: "reserve",
                mode: Mode::Changes,
                refusable: true,
                answers_later: false,
                access: Access::Tentative,
                doc: "Holds units for an order, and offers as many as are left.",
                arguments: Json::arguments::<Reserve>().with_schema(Reserve::json_schema),
                reply: Json::of::<u32>(),
                tentative: Some(Tentative {
                    confirm: "sell",
                    cancel: "put_back",
                    takes_confirm_value: true,
                    self_expire: Some(Duration::from_secs(900)),
                }),
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Reserve>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Reserve { units, note }) => match stock.reserve(tx, units, note) {
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
                name: "sell",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Own,
                doc: "Says how many were sold at last.",
                arguments: Json::open::<(Reserve, u32)>(),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<(Reserve, u32)>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok((Reserve { units, note }, sold)) => {
                    stock.sell(tx, units, note, sold);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "put_back",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Own,
                doc: "",
                arguments: Json::arguments::<Reserve>().with_schema(Reserve::json_schema),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Reserve>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Reserve { units, note }) => {
                    stock.put_back(units, note);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "lend",
                mode: Mode::Changes,
                refusable: true,
                answers_later: false,
                access: Access::Tentative,
                doc: "",
                arguments: Json::arguments::<Nothing>().with_schema(Nothing::json_schema),
                reply: Json::of::<()>(),
                tentative: Some(Tentative {
                    confirm: "end",
                    cancel: "end",
                    takes_confirm_value: false,
                    self_expire: None,
                }),
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Nothing>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Nothing {}) => match stock.lend() {
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
                name: "end",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Own,
                doc: "",
                arguments: Json::arguments::<Nothing>().with_schema(Nothing::json_schema),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Nothing>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Nothing {}) => {
                    stock.end();
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "order",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Entities,
                doc: "",
                arguments: Json::arguments::<Order>().with_schema(Order::json_schema),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Order>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Order { units }) => {
                    stock.order(tx, units);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "decided",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Own,
                doc: "",
                arguments: Json::of::<Outcome<u32>>(),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Outcome<u32>>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(outcome) => {
                    stock.decided(outcome);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "lapsed",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
                access: Access::Own,
                doc: "",
                arguments: Json::of::<Lapsed>(),
                reply: Json::of::<()>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Lapsed>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(lapsed) => {
                    stock.lapsed(lapsed);
                    tx.reply(&());
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: HandlerInfo {
                name: "on_refused",
                mode: Mode::Changes,
                refusable: false,
                answers_later: false,
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
        HandlerDef {
            info: HandlerInfo {
                name: "wait",
                mode: Mode::Changes,
                refusable: true,
                answers_later: true,
                access: Access::Open,
                doc: "Waits for a delivery, and is answered with what is there then.",
                arguments: Json::arguments::<Wait>().with_schema(Wait::json_schema),
                reply: Json::of::<u32>(),
                tentative: None,
            },
            run: HandlerFn::Change(|stock, tx, body| match decode::<Wait>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Wait { units }) => match stock.wait(tx, units) {
                    Ok(later) => {
                        tx.answer_later(&later);
                        HandlerResult::Done
                    }
                    Err(refusal) => HandlerResult::Refused(refusal),
                },
            }),
        },
    ];
}
