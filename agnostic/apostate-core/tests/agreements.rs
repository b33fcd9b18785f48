//! Agreements, proposed by an entity that is written by hand: what becomes effects of a run, and what a run is too large for.

use std::time::Duration;

use apostate_core::limits::{
    AGREEMENT_OVERHEAD_BYTES, AGREEMENT_PARTNERS_MAX, LEG_OVERHEAD_BYTES, SENT_OVERHEAD_BYTES, TX_BYTES_MAX,
};
use apostate_core::{
    Access, Address, Agreement, ConfirmsWith, Effects, Entity, EntityKey, Handler, HandlerDef, HandlerFn, HandlerId,
    HandlerInfo, HandlerResult, Handlers, Invocation, Json, KeyError, Kind, KindId, Lapsed, Lapses, LapsesHeard, Mode,
    NoAnswers, NoTimers, OnRefused, Outcome, OutcomeTaken, Policy, Proposal, Proposed, SentAs, StepOutcome, Timestamp,
    ToKey, Try, TryOf, Tx, step,
};
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Order {}

impl Entity for Order {
    const NAME: &'static str = "order";
}

/// Runs what a test wants to be run: a handler's own functions are all that its table has.
type Script = fn(&mut Tx<'_>);

thread_local! {
    static SCRIPT: std::cell::Cell<Script> = const { std::cell::Cell::new(|_| ()) };
}

impl Handlers for Order {
    const HANDLERS: &'static [HandlerDef<Self>] = &[HandlerDef {
        info: HandlerInfo {
            name: "place",
            mode: Mode::Changes,
            refusable: false,
            answers_later: false,
            access: Access::Open,
            doc: "",
            arguments: Json::arguments::<()>(),
            reply: Json::of::<()>(),
            tentative: None,
        },
        run: HandlerFn::Change(|_, tx, _| {
            (SCRIPT.get())(tx);
            HandlerResult::Done
        }),
    }];
}

const DECIDED: Handler<Order, Outcome> = Handler::new("decided");
const PRICED: Handler<Order, Outcome<u64>> = Handler::new("priced");
const LAPSED: Handler<Order, Lapsed> = Handler::new("lapsed");

/// A partner that is never run here.
#[derive(Default, Serialize, Deserialize)]
struct Stock {}

impl Entity for Stock {
    const NAME: &'static str = "stock";
}

#[derive(Serialize)]
struct Hold {
    units: u32,
}

fn reserve(key: impl ToKey) -> Try<Stock, ()> {
    Try::new(key.to_key(), "reserve", &Hold { units: 3 })
}

fn price(key: impl ToKey) -> Try<Stock, u64, ConfirmsWith<u32>> {
    Try::new(key.to_key(), "price", &Hold { units: 3 })
}

fn borrow(key: impl ToKey) -> Try<Stock, (), (), Lapses> {
    Try::new(key.to_key(), "borrow", &Hold { units: 3 })
}

const MINUTE: Duration = Duration::from_secs(60);

fn run_as(is_try: bool, script: Script) -> (StepOutcome, Effects) {
    SCRIPT.set(script);
    let (mut effects, to) = (Effects::default(), address::<Order>("o"));
    let invocation = Invocation {
        to: &to,
        sender: None,
        handler: HandlerId::of("place"),
        body: &[],
        now: Timestamp(1),
        seed: 7,
        wants_reply: true,
        version: 1,
        timers: &NoTimers,
        owed: &NoAnswers,
        is_try,
        agreement: None,
    };
    (step(Kind::of::<Order>().new_entity().as_mut(), 0, &invocation, &mut effects), effects)
}

fn done(script: Script) -> Effects {
    let (outcome, effects) = run_as(false, script);
    assert_eq!(outcome, StepOutcome::Done);
    effects
}

fn panics(is_try: bool, script: Script) -> String {
    match run_as(is_try, script).0 {
        StepOutcome::Panicked(text) => text,
        other => panic!("it ends as {other:?}"),
    }
}

fn address<E: Entity>(key: &str) -> Address {
    Address::new(KindId::of(E::NAME), EntityKey::new(key).expect("a key"))
}

fn tries(effects: &Effects) -> Vec<&TryOf> {
    let of_one = |sent: &'_ apostate_core::Sent| matches!(sent.sent_as, SentAs::Try(_));
    effects
        .sent
        .iter()
        .filter(|sent| of_one(sent))
        .map(|sent| match &sent.sent_as {
            SentAs::Try(tried) => tried,
            _ => unreachable!("only tries are left"),
        })
        .collect()
}

#[test]
fn an_agreement_becomes_a_proposal_and_a_try_for_each_leg() {
    let effects = done(|tx| {
        let stocks = ["tea", "milk"].map(reserve);
        tx.propose(Agreement::within(MINUTE).ask_all(stocks).ask(reserve("tea")).then(DECIDED));
    });
    let policy = Policy { needed: 3, is_eager: false };
    let then = Some(DECIDED.id());
    let proposed = Proposed {
        id: effects.proposals[0].id,
        legs: 3,
        policy,
        wait: Some(MINUTE),
        then,
        lapsed: None,
        is_under_try: false,
    };
    assert_eq!(effects.proposals, [proposed]);
    let keys: Vec<_> = effects.sent.iter().map(|sent| sent.to.key().as_str()).collect();
    assert_eq!(keys, ["tea", "milk", "tea"]);
    let first = &effects.sent[0];
    assert_eq!((first.to.kind(), first.handler), (KindId::of("stock"), HandlerId::of("reserve")));
    assert_eq!((first.on_refused, &first.body), (OnRefused::Never, &reserve("tea").body));
    let leg = |leg| TryOf { proposal: 0, leg, confirm_with: None, is_offer_read: true, can_lapse: false };
    assert_eq!(tries(&effects), [&leg(0), &leg(1), &leg(2)]);
}

#[test]
fn a_policy_is_a_number_of_partners() {
    let policies = |script: Script| {
        let effects = done(script);
        effects.proposals.iter().map(|proposed| (proposed.policy.needed, proposed.policy.is_eager)).collect::<Vec<_>>()
    };
    let all = policies(|tx| {
        let begun = || Agreement::within(MINUTE).ask_all(["a", "b", "c"].map(reserve)).then(DECIDED);
        tx.propose(begun());
        tx.propose(begun().at_least(2));
        tx.propose(begun().at_least(3).eagerly());
        tx.propose(begun().take_what_is_offered());
        tx.propose(Agreement::within(MINUTE).then(DECIDED));
    });
    assert_eq!(all, [(3, false), (2, false), (3, true), (0, false), (0, false)]);
}

#[test]
fn a_leg_says_what_its_confirm_is_told_and_whether_its_offer_is_read() {
    let effects = done(|tx| {
        let stock = reserve("o");
        let prices = [price("a").confirm_with(2), price("b").confirm_with(3)];
        tx.propose(Agreement::within(MINUTE).ask_all(prices).then(PRICED));
        let mixed = price("c").confirm_with(4).ignoring_the_offer();
        tx.propose(Agreement::within(MINUTE).ask(stock).ask(mixed).then(DECIDED));
    });
    let said: Vec<_> = tries(&effects)
        .into_iter()
        .map(|tried| (tried.proposal, tried.leg, tried.confirm_with.as_deref(), tried.is_offer_read))
        .collect();
    let expected: [(u32, u32, Option<&[u8]>, bool); 4] =
        [(0, 0, Some(&[2]), true), (0, 1, Some(&[3]), true), (1, 0, None, true), (1, 1, Some(&[4]), false)];
    assert_eq!(said, expected);
}

#[test]
fn a_lapse_is_heard_of_by_a_handler_whenever_it_is_said() {
    let effects = done(|tx| {
        tx.propose(Agreement::within(MINUTE).ask(borrow("a")).ask(reserve("b")).on_lapsed(LAPSED).then(DECIDED));
        tx.propose(Agreement::within(MINUTE).then(DECIDED).on_lapsed(LAPSED).ask(reserve("b")).ask(borrow("a")));
    });
    assert_eq!(effects.proposals.iter().map(|proposed| proposed.lapsed).collect::<Vec<_>>(), [Some(LAPSED.id()); 2]);
    let can_lapse: Vec<_> = tries(&effects).iter().map(|tried| tried.can_lapse).collect();
    assert_eq!(can_lapse, [true, false, false, true]);
}

#[test]
fn tries_and_messages_stand_in_the_order_in_which_a_run_has_sent_them() {
    let effects = done(|tx| {
        let message = || apostate_core::Call::<Stock, ()>::new("tea".to_key(), "receive", &Hold { units: 1 });
        tx.send(message());
        tx.propose(Agreement::within(MINUTE).ask(reserve("tea")).then(DECIDED));
        tx.send(message());
    });
    let is_try: Vec<_> = effects.sent.iter().map(|sent| matches!(sent.sent_as, SentAs::Try(_))).collect();
    assert_eq!(is_try, [false, true, false]);
}

#[test]
fn an_agreement_under_a_try_has_no_outcome_and_nobody_reads_its_offers() {
    let (outcome, effects) = run_as(true, |tx| {
        tx.propose(Agreement::under_this_try().ask(price("a").confirm_with(1)));
        tx.propose(Agreement::within(MINUTE).ask(reserve("b")).then(DECIDED));
    });
    assert_eq!(outcome, StepOutcome::Done);
    let policy = Policy { needed: 1, is_eager: false };
    let under = Proposed {
        id: effects.proposals[0].id,
        legs: 1,
        policy,
        wait: None,
        then: None,
        lapsed: None,
        is_under_try: true,
    };
    assert_eq!(effects.proposals[0], under);
    assert!(!effects.proposals[1].is_under_try);
    assert_eq!(tries(&effects).iter().map(|tried| tried.is_offer_read).collect::<Vec<_>>(), [false, true]);

    let (_, effects) = run_as(true, |tx| {
        tx.propose(Agreement::under_this_try::<()>().but_within(MINUTE));
    });
    assert_eq!(effects.proposals[0].wait, Some(MINUTE));
}

#[test]
fn a_proposal_that_makes_no_sense_is_a_panic_that_says_so() {
    const FOREIGN: Handler<Stock, Outcome> = Handler::new("decided");
    const FOREIGN_LAPSED: Handler<Stock, Lapsed> = Handler::new("lapsed");
    let cases: [(bool, Script, &str); 6] = [
        (
            false,
            |tx| {
                tx.propose(Agreement::within(MINUTE).then(FOREIGN));
            },
            "`then` names a handler of another kind",
        ),
        (
            false,
            |tx| {
                tx.propose(Agreement::within(MINUTE).on_lapsed(FOREIGN_LAPSED).then(DECIDED));
            },
            "`on_lapsed` names a handler of another kind",
        ),
        (
            false,
            |tx| {
                tx.propose(Agreement::under_this_try::<()>());
            },
            "does not run for a try",
        ),
        (
            true,
            |tx| {
                (0..2).for_each(|_| {
                    tx.propose(Agreement::under_this_try::<()>());
                })
            },
            "a try waits for one agreement under it",
        ),
        (
            false,
            |tx| {
                tx.propose(Agreement::within(MINUTE).ask(reserve("a")).at_least(2).then(DECIDED));
            },
            "at_least(2) can never be agreed, as 1 are asked",
        ),
        (
            false,
            |tx| {
                tx.propose(Agreement::within(MINUTE).ask(reserve("")).then(DECIDED));
            },
            "a try was sent to no entity: an entity key has at least one byte",
        ),
    ];
    for (is_try, script, expected) in cases {
        let text = panics(is_try, script);
        assert!(text.contains(expected), "{text}");
    }
}

/// A list in lists, so many of them.
fn deep(levels: usize) -> serde_json::Value {
    (0..levels).fold(serde_json::Value::Null, |inner, _| serde_json::Value::Array(vec![inner]))
}

#[test]
fn a_value_for_a_confirm_is_as_deep_as_the_confirm_can_read_beside_its_hold() {
    let told = |levels| {
        let attempt = Try::<Stock, (), ConfirmsWith<serde_json::Value>>::new("a".to_key(), "price", &Hold { units: 3 });
        attempt.confirm_with(deep(levels))
    };
    drop(told(127));
    assert!(std::panic::catch_unwind(|| told(128)).is_err());
}

#[test]
fn a_run_pays_for_an_agreement_its_tries_and_its_legs() {
    let bytes = |script: Script| done(script).bytes();
    let none = bytes(|tx| {
        tx.propose(Agreement::within(MINUTE).then(DECIDED));
    });
    assert_eq!(none, AGREEMENT_OVERHEAD_BYTES + 4);
    let one = bytes(|tx| {
        tx.propose(Agreement::within(MINUTE).ask(reserve("tea")).then(DECIDED));
    });
    let (keys, body) = ("o".len() + "tea".len(), reserve("tea").body.len());
    assert_eq!(one - none, SENT_OVERHEAD_BYTES + body + 2 * keys + LEG_OVERHEAD_BYTES + keys);
    let with_a_value = bytes(|tx| {
        let attempt = Try::<Stock, (), ConfirmsWith<String>>::new("tea".to_key(), "reserve", &Hold { units: 3 });
        tx.propose(Agreement::within(MINUTE).ask(attempt.confirm_with("x".repeat(30))).then(DECIDED));
    });
    assert_eq!(with_a_value - one, 31);
}

#[test]
fn an_agreement_with_as_many_partners_as_there_may_be_fits_one_run_and_no_further_one_does() {
    fn propose(tx: &mut Tx<'_>, partners: usize) {
        tx.propose(Agreement::within(MINUTE).ask_all((0..partners).map(|number| reserve(number as u64))).then(DECIDED));
    }
    let effects = done(|tx| propose(tx, AGREEMENT_PARTNERS_MAX));
    assert_eq!((effects.sent.len(), effects.proposals.len()), (AGREEMENT_PARTNERS_MAX, 1));
    assert_eq!(run_as(false, |tx| propose(tx, AGREEMENT_PARTNERS_MAX + 1)).0, StepOutcome::TooLarge);
}

#[test]
fn a_run_is_too_large_for_an_agreement_that_one_transaction_could_not_decide() {
    const VALUE_BYTES: usize = TX_BYTES_MAX / 2 - 1000;
    fn propose(tx: &mut Tx<'_>, values: [usize; 2]) {
        let legs = values.map(|length| {
            let attempt = Try::<Stock, (), ConfirmsWith<String>>::new("tea".to_key(), "reserve", &Hold { units: 3 });
            attempt.confirm_with("x".repeat(length))
        });
        tx.propose(Agreement::within(MINUTE).ask_all(legs).then(DECIDED));
    }
    assert_eq!(run_as(false, |tx| propose(tx, [VALUE_BYTES; 2])).0, StepOutcome::Done);
    assert_eq!(run_as(false, |tx| propose(tx, [VALUE_BYTES + 1000; 2])).0, StepOutcome::TooLarge);
}

#[test]
fn effects_are_empty_again_when_they_are_cleared() {
    let mut effects = done(|tx| {
        tx.propose(Agreement::within(MINUTE).ask(reserve("tea")).then(DECIDED));
    });
    effects.clear();
    assert_eq!((effects.proposals.len(), effects.sent.len(), effects.bytes()), (0, 0, 0));
    let (outcome, mut effects) = run_as(false, |tx| {
        let partners = 0..=AGREEMENT_PARTNERS_MAX as u64;
        tx.propose(Agreement::within(MINUTE).ask_all(partners.map(reserve)).then(DECIDED));
    });
    assert_eq!((outcome, effects.is_over_limit()), (StepOutcome::TooLarge, true));
    effects.clear();
    assert!(!effects.is_over_limit());
}

/// Functions of an author's own that put agreements together can name what they take.
#[test]
fn a_proposal_can_be_put_together_in_parts() {
    fn propose<T: OutcomeTaken, L: LapsesHeard>(
        tx: &mut Tx<'_>,
        proposal: Proposal<(), T, apostate_core::AllOrNothing, L>,
    ) {
        tx.propose(proposal);
    }
    fn asked(keys: &[&str]) -> Result<Proposal, KeyError> {
        let mut proposal = Agreement::within(MINUTE);
        for key in keys {
            key.to_key()?;
            proposal = proposal.ask(reserve(*key));
        }
        Ok(proposal)
    }
    let effects = done(|tx| propose(tx, asked(&["a", "b"]).expect("keys").then(DECIDED)));
    assert_eq!(effects.proposals[0].legs, 2);
}
