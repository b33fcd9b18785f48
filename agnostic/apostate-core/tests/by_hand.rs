//! An entity written by hand, without macros: what the macros have to equal.

use apostate_core::{
    Access, Address, Call, Effects, Entity, EntityKey, HandlerDef, HandlerFn, HandlerId, HandlerInfo, HandlerResult,
    Handlers, Invocation, Json, Kind, Mode, NoAnswers, NoTimers, NotRefusable, ReadOnly, Refusable, Refusal,
    StepOutcome, Timestamp, ToKey, Tx, decode, refuse, step,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Stock {
    on_hand: u32,
}

impl Entity for Stock {
    const NAME: &'static str = "stock";
}

impl Stock {
    fn receive(&mut self, units: u32) -> u32 {
        assert!(units != 13, "unlucky");
        self.on_hand += units;
        self.on_hand
    }

    fn take(&mut self, tx: &mut Tx<'_>, units: u32) -> Result<(), Refusal> {
        refuse!(self.on_hand < units, code = "out-of-stock", "only {} left", self.on_hand);
        self.on_hand -= units;
        tx.send(StockRef { key: "other".to_key() }.receive(units));
        Ok(())
    }

    fn available(&self) -> u32 {
        self.on_hand
    }
}

#[derive(Serialize, Deserialize)]
struct Units {
    units: u32,
}

#[derive(Serialize, Deserialize)]
struct Nothing {}

struct StockRef {
    key: Result<EntityKey, apostate_core::KeyError>,
}

impl StockRef {
    fn receive(self, units: u32) -> Call<Stock, u32, NotRefusable> {
        Call::new(self.key, "receive", &Units { units })
    }

    fn take(self, units: u32) -> Call<Stock, (), Refusable> {
        Call::new(self.key, "take", &Units { units })
    }

    fn available(self) -> Call<Stock, u32, ReadOnly> {
        Call::new(self.key, "available", &Nothing {})
    }
}

const fn info(name: &'static str, mode: Mode, refusable: bool, arguments: Json, reply: Json) -> HandlerInfo {
    HandlerInfo {
        name,
        mode,
        refusable,
        answers_later: false,
        access: Access::Open,
        doc: "",
        arguments,
        reply,
        tentative: None,
    }
}

impl Handlers for Stock {
    const HANDLERS: &'static [HandlerDef<Self>] = &[
        HandlerDef {
            info: info("receive", Mode::Changes, false, Json::arguments::<Units>(), Json::of::<u32>()),
            run: HandlerFn::Change(|stock, tx, body| match decode::<Units>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Units { units }) => {
                    tx.reply(&stock.receive(units));
                    HandlerResult::Done
                }
            }),
        },
        HandlerDef {
            info: info("take", Mode::Changes, true, Json::arguments::<Units>(), Json::of::<()>()),
            run: HandlerFn::Change(|stock, tx, body| match decode::<Units>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Units { units }) => match stock.take(tx, units) {
                    Ok(reply) => {
                        tx.reply(&reply);
                        HandlerResult::Done
                    }
                    Err(refusal) => HandlerResult::Refused(refusal),
                },
            }),
        },
        HandlerDef {
            info: info("available", Mode::Reads, false, Json::arguments::<Nothing>(), Json::of::<u32>()),
            run: HandlerFn::Read(|stock, tx, body| match decode::<Nothing>(body) {
                Err(error) => HandlerResult::Unreadable(error),
                Ok(Nothing {}) => {
                    tx.reply(&stock.available());
                    HandlerResult::Done
                }
            }),
        },
    ];
}

fn run(live: &mut dyn apostate_core::Live, to: &Address, handler: HandlerId, body: &[u8]) -> (StepOutcome, Effects) {
    let mut effects = Effects::default();
    let number = Kind::of::<Stock>().find(handler).expect("a handler of the table");
    let invocation = Invocation {
        to,
        sender: None,
        handler,
        body,
        now: Timestamp(1),
        seed: 7,
        wants_reply: true,
        version: 1,
        timers: &NoTimers,
        owed: &NoAnswers,
        is_try: false,
        agreement: None,
    };
    let outcome = step(live, number, &invocation, &mut effects);
    (outcome, effects)
}

fn tea() -> StockRef {
    StockRef { key: "tea".to_key() }
}

#[test]
fn a_step_changes_replies_sends_refuses_and_survives_panics() {
    let kind = Kind::of::<Stock>();
    let mut live = kind.new_entity();

    let receive = tea().receive(5);
    let to = receive.to.expect("a key");
    let (outcome, effects) = run(live.as_mut(), &to, receive.handler, &receive.body);
    assert_eq!(outcome, StepOutcome::Done);
    assert_eq!(decode::<u32>(&effects.reply), Ok(5));

    let take = tea().take(9);
    let (outcome, _) = run(live.as_mut(), &to, take.handler, &take.body);
    assert!(matches!(outcome, StepOutcome::Refused(refusal) if refusal.code == "out-of-stock"));

    let take = tea().take(2);
    let (outcome, effects) = run(live.as_mut(), &to, take.handler, &take.body);
    assert_eq!(outcome, StepOutcome::Done);
    assert_eq!(effects.sent.len(), 1);
    assert_eq!(effects.sent[0].to.key().as_str(), "other");

    let unlucky = tea().receive(13);
    let (outcome, _) = run(live.as_mut(), &to, unlucky.handler, &unlucky.body);
    assert_eq!(outcome, StepOutcome::Panicked("unlucky".to_owned()));

    let available = tea().available();
    let (outcome, effects) = run(live.as_mut(), &to, available.handler, &available.body);
    assert_eq!((outcome, decode(&effects.reply)), (StepOutcome::Done, Ok(3_u32)));

    let (outcome, _) = run(live.as_mut(), &to, receive.handler, &[0xC1]);
    assert!(matches!(outcome, StepOutcome::Unreadable(_)));
}

#[test]
fn a_state_reads_back_from_its_encoding() {
    let kind = Kind::of::<Stock>();
    let mut live = kind.new_entity();
    let receive = tea().receive(5);
    let to = receive.to.expect("a key");
    run(live.as_mut(), &to, receive.handler, &receive.body);
    let mut bytes = Vec::new();
    live.encode(&mut bytes);
    let mut again = Vec::new();
    kind.decode(&bytes).expect("its own encoding").encode(&mut again);
    assert_eq!(bytes, again);
    assert!(kind.decode(&bytes[..2]).is_err());
}

#[test]
fn outside_everything_is_json() {
    let kind = Kind::of::<Stock>();
    let [receive, take, _] = &kind.handlers[..] else { panic!("three handlers") };
    let body = (receive.arguments.read)(br#"{"units":5}"#).expect("arguments");
    assert_eq!(body, tea().receive(5).body);
    assert_eq!((receive.arguments.show)(&body), Ok(br#"{"units":5}"#.to_vec()));
    let error = (receive.arguments.read)(br#"{"units":-5}"#).expect_err("no number of units");
    assert!(error.to_string().starts_with("units: "), "{error}");

    let mut live = kind.new_entity();
    let to = tea().receive(5).to.expect("a key");
    let (_, effects) = run(live.as_mut(), &to, receive.id(), &body);
    assert_eq!((receive.reply.show)(&effects.reply), Ok(b"5".to_vec()));
    assert_eq!((take.reply.show)(&[0xC0]), Ok(b"null".to_vec()));

    let mut state = Vec::new();
    live.encode(&mut state);
    assert_eq!((kind.show_state)(&state), Ok(br#"{"on_hand":5}"#.to_vec()));
    assert!((kind.show_state)(&state[..3]).is_err());
}
