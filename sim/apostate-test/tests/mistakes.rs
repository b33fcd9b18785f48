//! The kit on trial: what authors get wrong is caught, within a few seeds, and called by its name.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use apostate::prelude::*;
use apostate_test::{Failure, Finding, World};

/// Seeds that a mistake may need to show.
const SEEDS: std::ops::Range<u64> = 0..10;

/// The failure when a few messages go to entities of these kinds.
fn found<T: Entities>(test: impl Fn(&mut World)) -> Failure {
    *World::seeds(SEEDS).entities::<T>().try_run(test).expect_err("the mistake is caught")
}

/// Remembers in a field that is not part of its encoding.
#[entity(name = "forgetful")]
#[derive(Default, Serialize, Deserialize)]
pub struct Forgetful {
    sum: u64,
    #[serde(skip)]
    factor: u64,
}

#[handlers]
impl Forgetful {
    /// Counts more each time.
    #[open]
    pub fn add(&mut self) -> u64 {
        self.factor += 1;
        self.sum += self.factor;
        self.sum
    }
}

#[test]
fn a_field_that_is_not_encoded_is_named() {
    let failure = found::<(Forgetful,)>(|world| {
        for _ in 0..4 {
            world.call(Forgetful::at("me").add());
        }
    });
    let Finding::StateLost { entity, handler, how } = &failure.finding else { panic!("{failure}") };
    assert_eq!((entity.as_str(), handler.as_str()), ("forgetful/me", "add"));
    assert!(how.starts_with("it answers "), "{how}");
    let text = failure.to_string();
    let paste =
        format!("APOSTATE_SEED={} cargo test -p apostate-test a_field_that_is_not_encoded_is_named", failure.seed);
    assert!(text.ends_with(&paste), "{text}");
    assert!(text.contains("test → forgetful/me add: done"), "{text}");
}

/// Keeps a map without an order.
#[entity(name = "disordered")]
#[derive(Default, Serialize, Deserialize)]
pub struct Disordered {
    counts: HashMap<u64, u64>,
}

#[handlers]
impl Disordered {
    /// Counts one of them.
    #[open]
    pub fn count(&mut self, which: u64) {
        *self.counts.entry(which).or_default() += 1;
    }
}

#[test]
fn a_state_without_an_order_is_named() {
    let failure = found::<(Disordered,)>(|world| (0..8).for_each(|n| world.send(Disordered::at("me").count(n))));
    let (Finding::StateUnsteady { entity, handler, .. } | Finding::HandlerDiffers { entity, handler, .. }) =
        &failure.finding
    else {
        panic!("{failure}")
    };
    assert_eq!((entity.as_str(), handler.as_str()), ("disordered/me", "count"));
}

/// Sends in the order of a hash map.
#[entity(name = "fan")]
#[derive(Default, Serialize, Deserialize)]
pub struct Fan {
    heard: u64,
}

#[handlers]
impl Fan {
    /// Sends one message to each.
    #[open]
    pub fn out(&mut self, tx: &mut Tx, to: BTreeMap<String, u64>) {
        let hashed: HashMap<_, _> = to.into_iter().collect();
        #[expect(clippy::iter_over_hash_type, reason = "the mistake that is to be caught")]
        for (key, number) in hashed {
            tx.send(Fan::at(key).hear(number));
        }
    }

    /// Hears one.
    pub fn hear(&mut self, number: u64) {
        self.heard += number;
    }
}

#[test]
fn a_handler_that_follows_the_order_of_a_hash_map_is_named() {
    let to: BTreeMap<_, _> = (0..6).map(|n| (format!("fan {n}"), n)).collect();
    let failure = found::<(Fan,)>(|world| world.call(Fan::at("me").out(to.clone())));
    let Finding::HandlerDiffers { entity, handler, how } = &failure.finding else { panic!("{failure}") };
    assert_eq!((entity.as_str(), handler.as_str()), ("fan/me", "out"));
    assert!(how.starts_with("it sends [fan/fan "), "{how}");
}

/// Has a static variable.
#[entity(name = "counter")]
#[derive(Default, Serialize, Deserialize)]
pub struct Counter {
    number: u64,
}

#[handlers]
impl Counter {
    /// Takes the next number, as it seems.
    #[open]
    pub fn next(&mut self) {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.number = LAST.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_static_variable_is_named() {
    let failure = found::<(Counter,)>(|world| world.call(Counter::at("me").next()));
    let Finding::HandlerDiffers { entity, handler, how } = &failure.finding else { panic!("{failure}") };
    assert_eq!((entity.as_str(), handler.as_str()), ("counter/me", "next"));
    assert!(how.starts_with("it leaves {\"number\":"), "{how}");
}

thread_local! {
    /// Changes rarely, as a date does.
    static DAY: Cell<u64> = const { Cell::new(0) };
}

/// Asks a clock of its own.
#[entity(name = "calendar")]
#[derive(Default, Serialize, Deserialize)]
pub struct Calendar {
    day: u64,
}

#[handlers]
impl Calendar {
    /// Writes down what day it is.
    #[open]
    pub fn note(&mut self) {
        self.day = DAY.get();
    }
}

#[test]
fn what_changes_only_between_two_runs_of_a_seed_is_named() {
    let failure = found::<(Calendar,)>(|world| {
        DAY.set(DAY.get() + 1);
        world.call(Calendar::at("me").note());
    });
    let Finding::HandlerDiffers { entity, handler, how } = &failure.finding else { panic!("{failure}") };
    assert_eq!((entity.as_str(), handler.as_str()), ("calendar/me", "note"));
    assert!(how.contains("second run"), "{how}");
    assert_eq!(failure.world, "the second run of the isolated world");
}

/// Changes in a read handler.
#[entity(name = "meter")]
#[derive(Default, Serialize, Deserialize)]
pub struct Meter {
    reads: Cell<u64>,
}

#[handlers]
impl Meter {
    /// Puts the meter up.
    #[open]
    pub fn put_up(&mut self) {}

    /// How often it was read.
    #[open]
    pub fn reads(&self) -> u64 {
        self.reads.set(self.reads.get() + 1);
        self.reads.get()
    }
}

#[test]
fn a_read_handler_that_changes_is_named() {
    let failure = found::<(Meter,)>(|world| {
        world.call(Meter::at("me").put_up());
        world.read(Meter::at("me").reads());
    });
    let expected = Finding::ReadChanges { entity: "meter/me".to_owned(), handler: "reads".to_owned() };
    assert_eq!(failure.finding, expected, "{failure}");
}

/// Asks how much there is, and takes it in a second message: somebody else may have, in between.
#[entity(name = "shelf")]
#[derive(Default, Serialize, Deserialize)]
pub struct Shelf {
    units: i64,
}

/// Checks, and then acts.
#[entity(name = "buyer")]
#[derive(Default, Serialize, Deserialize)]
pub struct Buyer {
    bought: u64,
}

#[handlers]
impl Shelf {
    /// Takes units in.
    #[open]
    pub fn receive(&mut self, units: i64) {
        self.units += units;
    }

    /// Tells the buyer how many there are.
    pub fn ask(&mut self, tx: &mut Tx, buyer: String) {
        tx.send(Buyer::at(buyer).told(self.units));
    }

    /// Takes one, as if it were there.
    pub fn take(&mut self) {
        self.units -= 1;
    }
}

#[handlers]
impl Buyer {
    /// Wants one.
    #[open]
    pub fn want(&mut self, tx: &mut Tx) {
        tx.send(Shelf::at("tea").ask(tx.key().to_string()));
    }

    /// Buys one, if there were any.
    pub fn told(&mut self, tx: &mut Tx, units: i64) {
        if units > 0 {
            self.bought += 1;
            tx.send(Shelf::at("tea").take());
        }
    }
}

#[test]
fn a_protocol_that_oversells_is_caught_by_the_test_that_says_so() {
    let failure = found::<(Shelf, Buyer)>(|world| {
        world.call(Shelf::at("tea").receive(3));
        (0..6).for_each(|n| world.send(Buyer::at(n).want()));
        world.settle();
        let bought: u64 = world.all::<Buyer>().map(|buyer| buyer.bought).sum();
        assert!(bought <= 3, "{bought} were sold, of 3");
    });
    let Finding::Assertion(text) = &failure.finding else { panic!("{failure}") };
    assert!(text.ends_with("were sold, of 3"), "{text}");
    assert!(failure.trace.contains("buyer/0 → shelf/tea ask {\"buyer\":\"0\"}  (sent in #"), "{failure}");
}

/// Panics when it hears a word, once or always.
#[entity(name = "nervous")]
#[derive(Default, Serialize, Deserialize)]
pub struct Nervous {
    heard: Vec<u64>,
}

#[handlers]
impl Nervous {
    /// Passes numbers on to another one.
    #[open]
    pub fn pass(&mut self, tx: &mut Tx, numbers: Vec<u64>) {
        numbers.into_iter().for_each(|number| tx.send(Nervous::at("other").hear(number)));
    }

    /// Hears a number, and does not stand 13.
    pub fn hear(&mut self, number: u64) {
        assert!(number != 13, "not that one");
        self.heard.push(number);
    }

    /// Does not stand anything.
    #[open]
    pub fn fail(&mut self) {
        panic!("not at all");
    }
}

#[test]
fn a_message_that_panics_is_parked_and_named_when_the_world_settles() {
    let failure = found::<(Nervous,)>(|world| {
        world.call(Nervous::at("me").pass(vec![1, 13, 2]));
        world.settle();
    });
    let Finding::Parked(messages) = &failure.finding else { panic!("{failure}") };
    let [message] = &messages[..] else { panic!("{failure}") };
    assert!(message.starts_with("nervous/me → nervous/other hear {\"number\":13}: it panicked "), "{message}");
    assert!(message.ends_with("times: not that one"), "{message}");
}

#[test]
fn what_stood_behind_a_parked_message_goes_on() {
    World::seeds(SEEDS).entities::<(Nervous,)>().run(|world| {
        world.allow_parked();
        world.call(Nervous::at("me").pass(vec![1, 13, 2]));
        world.settle();
        assert_eq!(world.parked().len(), 1);
        assert_eq!(world.get::<Nervous>("other").map(|other| other.heard.clone()), Some(vec![1, 2]));
    });
}

#[test]
fn a_call_that_fails_is_named() {
    let failure = found::<(Nervous,)>(|world| world.call(Nervous::at("me").fail()));
    let expected = Finding::CallFailed {
        message: "test → nervous/me fail".to_owned(),
        why: "the handler panicked: not at all".to_owned(),
    };
    assert_eq!(failure.finding, expected);
    let failure = found::<(Nervous,)>(|world| world.send(Nervous::at("me").fail()));
    assert!(matches!(failure.finding, Finding::Parked(_)), "{failure}");
}

#[test]
fn a_kind_that_was_forgotten_is_named() {
    let failure = found::<(Buyer,)>(|world| world.send(Buyer::at(1).want()));
    let Finding::Unknown(text) = &failure.finding else { panic!("{failure}") };
    assert!(text.contains("\"tea\"") && text.contains(".entities::<"), "{text}");
}

/// Two that never stop.
#[entity(name = "echo")]
#[derive(Default, Serialize, Deserialize)]
pub struct Echo {}

#[handlers]
impl Echo {
    /// Calls back.
    #[open]
    pub fn call(&mut self, tx: &mut Tx) {
        let other = if tx.key().as_str() == "one" { "two" } else { "one" };
        tx.send(Echo::at(other).call());
    }
}

#[test]
fn a_world_that_never_rests_is_named() {
    let trial = World::seeds(0..1).entities::<(Echo,)>();
    let failure = trial.try_run(|world| world.send(Echo::at("one").call())).expect_err("it never rests");
    assert!(matches!(failure.finding, Finding::Unsettled { .. }), "{failure}");
}

#[test]
fn a_test_that_differs_is_told_so() {
    let runs = Cell::new(0_u64);
    let failure = found::<(Calendar,)>(|world| {
        runs.set(runs.get() + 1);
        world.call(Calendar::at(runs.get()).note());
    });
    assert!(matches!(failure.finding, Finding::TestDiffers(_)), "{failure}");
}
