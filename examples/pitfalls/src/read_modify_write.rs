//! Read, modify, write: a count kept by stateless workers.
//!
//! A page counts its visits. The count is in a shared store that every worker can reach, and no worker keeps
//! anything: it reads the count, adds one, and writes it back. The store is faultless, every read and every write of it is
//! atomic, and still: two workers that read the same count write the same count, and one visit is gone. More workers, more
//! loss; a second computer only adds time between the read and the write.
//!
//! The entity *is* the count and its arithmetic. What travels is "one more visit", not a number that was true a moment ago,
//! and one entity runs one handler at a time.
//!
//! Paper: *Entities*.

use std::collections::BTreeMap;

use apostate::prelude::*;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

pub(crate) const PITFALL: Pitfall = Pitfall {
    name: "read, modify, write",
    counts: "visits of 200",
    faults: |seed| Faults { seed, crashes: 0, lost_answers: 0 },
    wrong,
    right,
};

fn visits() -> Vec<u64> {
    (1..=200).collect()
}

fn wrong(faults: Faults) -> Result<Outcome, Failure> {
    let mut store = BTreeMap::from([("home", 0)]);
    let history = workers::run(faults, &visits(), |_, read| match read {
        None => Ok::<_, Failure>(Step::Holding(store["home"])),
        Some(count) => {
            store.insert("home", count + 1);
            Ok(Step::Done)
        }
    })?;
    Ok(Outcome { damage: Damage::of_counts(visits().len() as u64, store["home"]), history })
}

/// One page of the site.
#[entity(name = "page")]
#[derive(Default, Serialize, Deserialize)]
struct Page {
    visits: u64,
}

#[handlers]
impl Page {
    /// Counts one more visit.
    #[open]
    pub fn visit(&mut self) {
        self.visits += 1;
    }

    /// How many there were.
    #[open]
    pub fn visits(&self) -> u64 {
        self.visits
    }
}

fn right(faults: Faults) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Page,)>(2)?;
    let client = node.client();
    let history = workers::run(faults, &visits(), |visit, asked| match asked {
        None => {
            let call = client.call(Page::at("home").visit()).with_key(&format!("visit {visit}"));
            Ok::<_, Failure>(Step::Holding(call.start()))
        }
        Some(call) => {
            call.wait()?;
            Ok(Step::Done)
        }
    })?;
    let counted = client.read(Page::at("home").visits()).wait()?;
    Ok(Outcome { damage: Damage::of_counts(visits().len() as u64, counted), history })
}

#[cfg(test)]
mod tests {
    #[test]
    fn visits_are_lost_between_read_and_write_and_never_in_an_entity() {
        super::PITFALL.check();
    }
}
