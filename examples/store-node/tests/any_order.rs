//! The store in a world without disks and threads, in which every pair of entities waits as long as it likes.
//!
//! Promise 4 of the platform is order per pair, and none across pairs. So the world below keeps one queue per pair
//! and lets a seed choose which queue moves next. Whatever the order, the tables are the same.

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use apostate::{Entities, EntityKey, Timestamp};
use apostate_core::{
    Address, Call, Effects, Entity, HandlerId, Invocation, KindId, Live, NoTimers, Registry, Sent, StepOutcome,
    decode_state, step,
};
use store::{Books, Country, Customer, Invoice, Line, Stock, Store, Table};
use support::expected::{self, Tables};
use support::made_up::{self, Rng, Row};

/// The name of an entity, in an order.
type Name = (KindId, EntityKey);

/// Source and destination of a message. The source is none for a client.
type Pair = (Option<Name>, Name);

/// All entities, and the messages between them.
struct World {
    registry: Arc<Registry>,
    entities: BTreeMap<Name, Box<dyn Live>>,
    queues: BTreeMap<Pair, VecDeque<(HandlerId, Vec<u8>)>>,
    rng: Rng,
}

impl World {
    fn new(seed: u64) -> Self {
        let registry = Arc::new(Store::registry().expect("names do not collide"));
        Self { registry, entities: BTreeMap::new(), queues: BTreeMap::new(), rng: Rng::new(seed) }
    }

    fn enqueue(&mut self, source: Option<Name>, to: &Address, handler: HandlerId, body: Vec<u8>) {
        let pair = (source, (to.kind(), to.key().clone()));
        self.queues.entry(pair).or_default().push_back((handler, body));
    }

    fn order(&mut self, row: &Row) {
        let Row { invoice, stock_code, units, time, price_milli, customer, country, .. } = row.clone();
        let line = Line { stock_code, units, price_milli, time, customer, country };
        let Call { to, handler, body, .. } = Invoice::at(invoice).line(line);
        self.enqueue(None, &to.expect("a key"), handler, body);
    }

    /// Delivers the oldest message of some pair; false when there is none.
    fn deliver_one(&mut self) -> bool {
        if self.queues.is_empty() {
            return false;
        }
        let at = self.rng.below(self.queues.len());
        let (pair, queue) = self.queues.iter_mut().nth(at).expect("there are so many queues");
        let pair = pair.clone();
        let (handler, body) = queue.pop_front().expect("empty queues are removed");
        if queue.is_empty() {
            self.queues.remove(&pair);
        }
        let (source, name) = pair;
        for Sent { to, handler, body, .. } in self.apply(source, &name, handler, &body) {
            self.enqueue(Some(name.clone()), &to, handler, body);
        }
        true
    }

    fn apply(&mut self, source: Option<Name>, name: &Name, handler: HandlerId, body: &[u8]) -> Vec<Sent> {
        let kind = &self.registry.kinds()[self.registry.find(name.0).expect("a kind of the store")];
        let live = self.entities.entry(name.clone()).or_insert_with(|| kind.new_entity());
        let (to, sender) = (address(name), source.as_ref().map(address));
        let (sender, now) = (sender.as_ref(), Timestamp(1));
        let invocation = Invocation {
            to: &to,
            sender,
            handler,
            body,
            now,
            seed: 7,
            wants_reply: false,
            version: 1,
            timers: &NoTimers,
            is_try: false,
            agreement: None,
        };
        let number = kind.find(handler).expect("a handler of the kind");
        let mut effects = Effects::default();
        let outcome = step(live.as_mut(), number, &invocation, &mut effects);
        assert_eq!(outcome, StepOutcome::Done, "{to:?}");
        effects.sent
    }

    /// Every entity of one kind, with its key.
    fn all<E: Entity>(&self) -> Vec<(String, E)> {
        let of_kind = self.entities.iter().filter(|(name, _)| name.0 == KindId::of(E::NAME));
        let decoded = of_kind.map(|(name, live)| {
            let mut bytes = Vec::new();
            live.encode(&mut bytes);
            (name.1.as_str().to_owned(), decode_state::<E>(&bytes).expect("its own encoding"))
        });
        decoded.collect()
    }

    fn table<E: Table>(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<_> = self.all::<E>().into_iter().map(|(key, entity)| entity.row(&key)).collect();
        rows.sort();
        [vec![E::COLUMNS.iter().map(|&column| column.to_owned()).collect()], rows].concat()
    }

    fn tables(&self) -> Tables {
        vec![
            (Stock::NAME, self.table::<Stock>()),
            (Customer::NAME, self.table::<Customer>()),
            (Country::NAME, self.table::<Country>()),
            (Invoice::NAME, self.table::<Invoice>()),
        ]
    }

    fn books(&self) -> Books {
        let mut books = Books::default();
        self.all().iter().for_each(|(key, invoice)| books.add_invoice(key, invoice));
        self.all().iter().for_each(|(_, stock)| books.add_stock(stock));
        self.all().iter().for_each(|(key, customer)| books.add_customer(key, customer));
        self.all().iter().for_each(|(_, country)| books.add_country(country));
        books
    }
}

fn address(name: &Name) -> Address {
    Address::new(name.0, name.1.clone())
}

/// Applies a made-up log in an order that `seed` chooses. `patience` is how many messages move per new line.
fn check(seed: u64, patience: usize) {
    let rows = made_up::rows(seed, 600);
    let mut world = World::new(seed);
    for row in &rows {
        world.order(row);
        for _ in 0..world.rng.below(patience + 1) {
            world.deliver_one();
        }
    }
    while world.deliver_one() {}
    assert_eq!(world.tables(), expected::tables(&rows), "seed {seed}, patience {patience}");
    let books = world.books();
    assert_eq!(books.balance(), Ok(()), "seed {seed}, patience {patience}");
    assert_eq!(books.totals().counts.lines, rows.len() as u64);
}

#[test]
fn the_tables_do_not_depend_on_the_order_across_pairs() {
    for seed in 1..=8 {
        for patience in [0, 3, 12, 100] {
            check(seed, patience);
        }
    }
}

#[test]
fn nothing_is_reserved_only_when_all_is_quiet() {
    let rows = made_up::rows(1, 100);
    let mut world = World::new(1);
    rows.iter().for_each(|row| world.order(row));
    for _ in 0..rows.len() {
        world.deliver_one();
    }
    assert!(world.books().balance().is_err(), "half of the messages are under way, and the books balance");
    while world.deliver_one() {}
    assert_eq!(world.books().balance(), Ok(()));
}
