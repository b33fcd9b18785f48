//! Activities: what an entity remembers about a partner, in a step and in a test of its author's.

use apostate_core::{
    Access, Activities, ActivityChange, Address, AnyActivities, Effects, Entity, EntityKey, HandlerDef, HandlerFn,
    HandlerInfo, HandlerResult, Handlers, Invocation, Json, Kind, KindId, Live, LoadedActivities, Mode, NoAnswers,
    NoTimers, PartnerKey, Registry, StartError, StepOutcome, Timestamp, decode, encode, step, step_with,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Order {
    total: u32,
    #[serde(default)]
    items: Activities<Item>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    units: u32,
}

impl Entity for Order {
    const NAME: &'static str = "order";

    fn activities(&mut self) -> Option<&mut dyn AnyActivities> {
        Some(&mut self.items)
    }
}

fn stock(key: &str) -> Address {
    Address::new(KindId::of("stock"), EntityKey::new(key).expect("a key"))
}

/// Moves a unit from `tea` to `milk`, and starts anew where the body says so.
fn swap(order: &mut Order, is_new: bool) {
    if is_new {
        *order = Order::default();
    }
    order.items.with(stock("tea")).units -= 1;
    order.items.with(stock("milk")).units += 1;
    order.total = order.items.of(stock("tea")).units + order.items.of(stock("milk")).units;
}

const INFO: HandlerInfo = HandlerInfo {
    name: "swap",
    mode: Mode::Changes,
    refusable: false,
    answers_later: false,
    access: Access::Open,
    doc: "",
    arguments: Json::arguments::<bool>(),
    reply: Json::of::<u32>(),
    tentative: None,
};

impl Handlers for Order {
    const HANDLERS: &'static [HandlerDef<Self>] = &[
        HandlerDef {
            info: INFO,
            run: HandlerFn::Change(|order, tx, body| {
                swap(order, decode(body).expect("a body"));
                tx.reply(&order.total);
                HandlerResult::Done
            }),
        },
        HandlerDef {
            info: HandlerInfo { name: "hide", ..INFO },
            run: HandlerFn::Change(|order, _, _| {
                let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| swap(order, false)));
                order.total = u32::from(caught.is_ok());
                HandlerResult::Done
            }),
        },
        HandlerDef {
            info: HandlerInfo { name: "all", ..INFO },
            run: HandlerFn::Change(|order, _, _| {
                for number in 0..=1000 {
                    order.items.with(stock(&number.to_string())).units = 1;
                }
                HandlerResult::Done
            }),
        },
    ];
}

fn run(live: &mut dyn Live, handler: usize, loaded: &mut LoadedActivities) -> (StepOutcome, Effects) {
    let mut effects = Effects::default();
    let handlers = [Order::HANDLERS[0].info, Order::HANDLERS[1].info, Order::HANDLERS[2].info];
    let (to, body) = (Address::new(KindId::of("order"), EntityKey::new("1").expect("a key")), encode(&true));
    let invocation = Invocation {
        to: &to,
        sender: None,
        handler: handlers[handler].id(),
        body: &body,
        now: Timestamp(1),
        seed: 7,
        wants_reply: true,
        version: 1,
        timers: &NoTimers,
        owed: &NoAnswers,
        is_try: false,
        agreement: None,
    };
    let outcome = step_with(live, handler, &invocation, Some(loaded), &mut effects);
    (outcome, effects)
}

fn activity(key: &str, units: u32) -> ActivityChange {
    let value = (units > 0).then(|| encode(&Item { units }).into());
    ActivityChange { partner: PartnerKey::of(&stock(key)), value }
}

#[test]
fn a_run_changes_the_activities_that_it_touches_and_the_state_has_none_of_them() {
    let mut live = Kind::of::<Order>().new_entity();
    let mut loaded = LoadedActivities::default();
    loaded.set(activity("tea", 1));
    loaded.set(activity("salt", 9));
    let (outcome, effects) = run(live.as_mut(), 0, &mut loaded);
    assert_eq!(outcome, StepOutcome::Done);
    assert_eq!(effects.activities, [activity("milk", 1), activity("tea", 0)]);
    assert_eq!(decode(&effects.reply), Ok(1_u32));
    let mut bytes = Vec::new();
    live.encode(&mut bytes);
    assert_eq!(bytes[4..], encode(&Order { total: 1, items: Activities::default() })[..]);
    assert_eq!(
        loaded.get(&PartnerKey::of(&stock("tea"))),
        Some(activity("tea", 1).value.as_ref()),
        "not taken over yet"
    );
}

#[test]
fn a_run_stops_at_an_activity_that_is_not_loaded_also_if_the_handler_catches_panics() {
    for handler in [0, 1] {
        let mut live = Kind::of::<Order>().new_entity();
        let mut loaded = LoadedActivities::partial();
        for (key, units) in [("tea", 1), ("milk", 0)] {
            let (outcome, _) = run(live.as_mut(), handler, &mut loaded);
            assert_eq!(outcome, StepOutcome::NeedsActivity(PartnerKey::of(&stock(key))));
            loaded.set(activity(key, units));
            live = Kind::of::<Order>().new_entity();
        }
        let (outcome, effects) = run(live.as_mut(), handler, &mut loaded);
        assert_eq!((outcome, effects.activities.len()), (StepOutcome::Done, 2));
    }
}

#[test]
fn a_run_that_asks_for_more_activities_than_one_may_is_too_large() {
    let mut live = Kind::of::<Order>().new_entity();
    assert_eq!(run(live.as_mut(), 2, &mut LoadedActivities::default()).0, StepOutcome::TooLarge);
}

#[test]
fn an_author_tests_a_value_of_his_own() {
    let mut order = Order::default();
    order.items.with(stock("tea")).units = 3;
    swap(&mut order, false);
    assert_eq!((order.items.of(stock("tea")).units, order.total), (2, 3));
}

#[test]
fn a_state_that_is_older_than_the_field_reads() {
    #[derive(Serialize)]
    struct Older {
        total: u32,
    }
    #[derive(Deserialize)]
    struct Newer {
        total: u32,
        items: Activities<Item>,
    }
    let Newer { total, items } = decode(&encode(&Older { total: 5 })).expect("a state");
    assert!(total == 5 && items == Activities::default());
}

#[test]
fn a_field_that_the_entity_does_not_name_is_noticed_at_its_first_use() {
    #[derive(Default, Serialize, Deserialize)]
    struct Forgetful {
        items: Activities<Item>,
    }
    impl Entity for Forgetful {
        const NAME: &'static str = "forgetful";
    }
    impl Handlers for Forgetful {
        const HANDLERS: &'static [HandlerDef<Self>] = &[HandlerDef {
            info: INFO,
            run: HandlerFn::Change(|forgetful, _, _| {
                forgetful.items.with(stock("tea")).units = 1;
                HandlerResult::Done
            }),
        }];
    }
    let to = stock("tea");
    let invocation = Invocation {
        to: &to,
        sender: None,
        handler: INFO.id(),
        body: &[],
        now: Timestamp(1),
        seed: 7,
        wants_reply: true,
        version: 1,
        timers: &NoTimers,
        owed: &NoAnswers,
        is_try: false,
        agreement: None,
    };
    let outcome = step(Kind::of::<Forgetful>().new_entity().as_mut(), 0, &invocation, &mut Effects::default());
    assert!(
        matches!(&outcome, StepOutcome::Panicked(text) if text.contains("write the type of the field")),
        "{outcome:?}"
    );
}

/// An entity with a handler called as the list of its activities is.
#[derive(Default, Serialize, Deserialize)]
struct Clash<const READS: bool>;

impl<const READS: bool> Entity for Clash<READS> {
    const NAME: &'static str = "clash";
}

impl<const READS: bool> Handlers for Clash<READS> {
    const HANDLERS: &'static [HandlerDef<Self>] = &[HandlerDef {
        info: HandlerInfo { name: "activities", mode: if READS { Mode::Reads } else { Mode::Changes }, ..INFO },
        run: HandlerFn::Read(|_, _, _| HandlerResult::Done),
    }];
}

#[test]
fn no_read_handler_has_the_name_by_which_activities_are_listed() {
    let error = Registry::default().with::<Clash<true>>().err().expect("the names collide");
    assert_eq!(error, StartError::ReservedName { kind: "clash", handler: "activities" });
    assert!(error.to_string().ends_with("rename the handler"), "{error}");
    assert!(Registry::default().with::<Clash<false>>().is_ok(), "it is asked for by another method");
}
