//! A cache beside a database: two copies of one value, and nothing that keeps them equal.
//!
//! Readers ask the cache first, and on a miss fill it from the database. A writer of a price writes the
//! database, then throws the cached price out. Both rules are followed, always. But a reader can have the old price
//! in its hands while the change comes and goes; then it fills the cache with it, and there it stays: the change is lost
//! to every reader, until the next change or for ever.
//!
//! An entity is kept in memory where its only writer is: it is its own cache. A read sees what is durable, and
//! nothing older than the read.
//!
//! Paper: *Disjoint scopes of serializability*; *alternate indexes* (what is kept elsewhere is behind).

use std::collections::BTreeMap;

use apostate::prelude::*;
use apostate_server::Pending;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

const PRODUCTS: u32 = 50;

/// How often the price of each product changes.
const CHANGES: u32 = 3;

pub(crate) const PITFALL: Pitfall = Pitfall {
    name: "a cache beside a database",
    counts: "prices of 50 that are never read",
    faults: |seed| Faults { seed, crashes: 0, lost_answers: 0 },
    wrong,
    right,
};

/// A request to a worker.
#[derive(Clone, Copy)]
enum Job {
    /// The price of this product is now this.
    Change(u32, u32),
    /// Read the price of this product.
    Read(u32),
}

/// Changes of each product's price, among reads of it.
fn jobs() -> Vec<Job> {
    let prices = |product| (1..=CHANGES).flat_map(move |price| [Job::Read(product), Job::Change(product, price)]);
    (0..PRODUCTS).flat_map(|product| prices(product).chain([Job::Read(product)])).collect()
}

/// The state of a worker of the wrong program between two steps.
enum Held {
    Hit,
    Missed(u32),
    Changed,
}

fn wrong(faults: Faults) -> Result<Outcome, Failure> {
    let mut database: BTreeMap<u32, u32> = (0..PRODUCTS).map(|product| (product, 0)).collect();
    let mut cache = BTreeMap::new();
    let history = workers::run(faults, &jobs(), |&job, held| {
        match (job, held) {
            (Job::Read(product), None) => {
                let held = if cache.contains_key(&product) { Held::Hit } else { Held::Missed(database[&product]) };
                return Ok(Step::Holding(held));
            }
            (Job::Change(product, price), None) => {
                // A request that was delayed does not undo a later one: the database is a good one.
                database.entry(product).and_modify(|newest| *newest = price.max(*newest));
                return Ok(Step::Holding(Held::Changed));
            }
            (Job::Read(product), Some(Held::Missed(price))) => drop(cache.insert(product, price)),
            (Job::Change(product, _), Some(_)) => drop(cache.remove(&product)),
            (Job::Read(_), Some(_)) => {}
        }
        Ok::<_, Failure>(Step::Done)
    })?;
    let seen = |product: u32| cache.get(&product).copied().unwrap_or(database[&product]);
    let lost = (0..PRODUCTS).filter(|&product| seen(product) != CHANGES).count() as u64;
    Ok(Outcome { damage: Damage { lost, doubled: 0 }, history })
}

/// One product.
#[entity(name = "product")]
#[derive(Default, Serialize, Deserialize)]
struct Product {
    price: u32,
}

#[handlers]
impl Product {
    /// Sets the price, unless a later one was set.
    #[open]
    pub fn change(&mut self, price: u32) {
        self.price = price.max(self.price);
    }

    /// The price.
    #[open]
    pub fn price(&self) -> u32 {
        self.price
    }
}

/// The answer that a worker of the right program waits for.
enum Asked {
    Read(Pending<u32>),
    Change(Pending<()>),
}

fn right(faults: Faults) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Product,)>(2)?;
    let client = node.client();
    for product in 0..PRODUCTS {
        client.call(Product::at(product).change(0)).wait()?;
    }
    let history = workers::run(faults, &jobs(), |&job, asked| match (job, asked) {
        (Job::Read(product), None) => Ok(Step::Holding(Asked::Read(client.read(Product::at(product).price()).start()))),
        (Job::Change(product, price), None) => {
            let call = client.call(Product::at(product).change(price)).with_key(&format!("price {price}"));
            Ok(Step::Holding(Asked::Change(call.start())))
        }
        (_, Some(Asked::Read(call))) => call.wait().map(|_| Step::Done).map_err(Failure::from),
        (_, Some(Asked::Change(call))) => call.wait().map(|()| Step::Done).map_err(Failure::from),
    })?;
    let mut lost = 0;
    for product in 0..PRODUCTS {
        lost += u64::from(client.read(Product::at(product).price()).wait()? != CHANGES);
    }
    Ok(Outcome { damage: Damage { lost, doubled: 0 }, history })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_cache_keeps_old_prices_for_ever_and_an_entity_has_only_one() {
        super::PITFALL.check();
    }
}
