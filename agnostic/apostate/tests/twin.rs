//! An entity written with the macros equals its twin written by hand: the same table, the same bytes, the same
//! outcomes. So the macros write nothing that their author could not have written.

#[path = "twin/by_hand.rs"]
mod by_hand;
#[path = "twin/by_macro.rs"]
mod by_macro;
#[path = "twin/run.rs"]
mod run;

use apostate::{Call, EntityKey, Lapsed, Offer, Outcome, Partner, Refusal, Try};
use apostate_core::{Effects, Entity, HandlerId, Handlers, Json, Kind, KindId, StepOutcome, confirm_body, encode};

use crate::run::Run;

/// A handler's description, in a form that compares.
fn table<E: Handlers>() -> Vec<String> {
    E::HANDLERS.iter().map(|handler| format!("{:?}", handler.info)).collect()
}

/// A message's content, in a form that compares.
fn parts<E, R, S, A>(call: Call<E, R, S, A>) -> (KindId, EntityKey, HandlerId, Vec<u8>) {
    let to = call.to.expect("a key");
    (to.kind(), to.key().clone(), call.handler, call.body)
}

/// A try's content, in a form that compares.
fn parts_of_try<E, R, C, L>(tried: Try<E, R, C, L>) -> (KindId, EntityKey, HandlerId, Vec<u8>) {
    let to = tried.to.expect("a key");
    (to.kind(), to.key().clone(), tried.handler, tried.body)
}

/// The same messages, made by both twins.
macro_rules! both {
    ($(|$stock:ident| $call:expr),+ $(,)?) => {
        [$({
            let by_hand = { let $stock = by_hand::Stock::at("tea"); parts($call) };
            let by_macro = { let $stock = by_macro::Stock::at("tea"); parts($call) };
            (stringify!($call), by_hand, by_macro)
        }),+]
    };
}

#[test]
fn the_twins_have_one_table() {
    assert_eq!(table::<by_hand::Stock>(), table::<by_macro::Stock>());
}

#[test]
fn the_twins_look_the_same_outside() {
    let (by_hand, by_macro) = (Kind::of::<by_hand::Stock>(), Kind::of::<by_macro::Stock>());
    assert_eq!(by_hand.doc, by_macro.doc);
    let schema = |kind: &Kind| format!("{:?}", Json::open::<()>().with_schema(kind.state_schema));
    assert_eq!(schema(&by_hand), schema(&by_macro));
    assert!(schema(&by_hand).contains(r#""required":["on_hand","refusals"]"#), "{}", schema(&by_hand));
    for (one, other) in by_hand.handlers.iter().zip(&by_macro.handlers) {
        for json in ["", "{}", r#"{"units":3,"note":"n"}"#, r#"{"level":-1}"#, "[1]", "7", "null"] {
            let read = |info: &apostate_core::HandlerInfo| (info.arguments.read)(json.as_bytes());
            assert_eq!(read(one).ok(), read(other).ok(), "{} of {json}", one.name);
            if let Ok(body) = read(one) {
                assert_eq!((one.arguments.show)(&body), (other.arguments.show)(&body), "{} of {json}", one.name);
            }
        }
        for reply in [encode(&7_u32), encode(&()), encode("text")] {
            assert_eq!((one.reply.show)(&reply), (other.reply.show)(&reply), "{}", one.name);
        }
    }
    let state = [&by_hand::Stock::VERSION.to_le_bytes()[..], &encode(&by_hand::Stock::default())].concat();
    assert_eq!((by_hand.show_state)(&state), Ok(br#"{"on_hand":0,"refusals":0}"#.to_vec()));
    assert_eq!((by_macro.show_state)(&state), (by_hand.show_state)(&state));
}

#[test]
fn the_twins_make_the_same_messages() {
    let messages = both![
        |stock| stock.receive(5),
        |stock| stock.take(5, "a note".to_owned()),
        |stock| stock.forget(),
        |stock| stock.available(),
        |stock| stock.level_at_least(7),
        |stock| stock.wait(7),
    ];
    for (message, by_hand, by_macro) in messages {
        assert_eq!(by_hand, by_macro, "{message}");
    }
    let by_hand = parts_of_try(by_hand::Stock::at("tea").reserve(5, "n".to_owned()));
    assert_eq!(by_hand, parts_of_try(by_macro::Stock::at("tea").reserve(5, "n".to_owned())));
    assert_eq!(by_hand::Stock::ON_REFUSED.id(), by_macro::Stock::TOLD.id());
}

#[test]
fn the_twins_do_the_same_and_end_in_the_same_state() {
    let (mut by_hand, mut by_macro) = (Run::of::<by_hand::Stock>(), Run::of::<by_macro::Stock>());
    let refused = encode(&apostate::Refused { handler: "take".to_owned(), why: Refusal::new("no") });
    let messages = both![
        |stock| stock.receive(5),
        |stock| stock.take(9, String::new()),
        |stock| stock.take(2, "for an order".to_owned()),
        |stock| stock.available(),
        |stock| stock.level_at_least(1),
        |stock| stock.level_at_least(100),
        |stock| stock.receive(13),
        |stock| stock.wait(1),
        |stock| stock.wait(100),
        |stock| stock.order(7),
        |stock| stock.forget(),
    ];
    let told = ("on_refused", HandlerId::of("on_refused"), refused);
    let unreadable = ("receive, unreadable", HandlerId::of("receive"), vec![0xC1]);
    let messages = messages.map(|(message, by_hand, _)| (message, by_hand.2, by_hand.3));
    let hold = by_hand::Stock::at("tea").reserve(2, "milk".to_owned()).body;
    let (by, why) =
        (Partner { kind: "stock".to_owned(), key: EntityKey::new("a").expect("a key") }, Refusal::new("no"));
    let offers = vec![Offer { leg: 1, partner: by.clone(), offer: 40_u32 }];
    let agreed = [
        ("reserve", hold.clone()),
        ("put_back", hold.clone()),
        ("reserve", hold.clone()),
        ("sell", confirm_body(&hold, Some(&encode(&1_u32)))),
        // A confirm that takes a value has one.
        ("sell", hold.clone()),
        ("put_back", confirm_body(&hold, Some(&encode(&1_u32)))),
        ("lend", encode(&Empty {})),
        ("end", encode(&Empty {})),
        ("decided", encode(&Outcome::Agreed { offers })),
        ("decided", encode(&Outcome::<u32>::Refused { by: by.clone(), why })),
        ("lapsed", encode(&Lapsed { leg: 3, partner: by })),
    ]
    .map(|(name, body)| (name, HandlerId::of(name), body));
    for (message, handler, body) in messages.into_iter().chain(agreed).chain([told, unreadable]) {
        let (one, other) = (by_hand.step(handler, &body), by_macro.step(handler, &body));
        assert_eq!(shown(&one), shown(&other), "{message}");
        assert_eq!(by_hand.state(), by_macro.state(), "{message}");
    }
}

/// The arguments of a handler that takes none.
#[derive(serde::Serialize)]
struct Empty {}

fn shown((outcome, effects): &(StepOutcome, Effects)) -> String {
    format!("{outcome:?} {effects:?}")
}
