//! An unchecked retry: the answer was lost, so the client asked again.
//!
//! A shop charges a card. The charge is one atomic step, nothing races with it and nothing crashes between its halves;
//! there are none. But an answer gets lost on its way, or a worker dies that should have passed it on, and the
//! client cannot tell a charge that was never made from one whose answer was lost. It asks again, and the card is
//! charged twice. Not asking again would lose charges instead.
//!
//! A call with a client key can be asked again until it is answered: the entity remembers, in the same commit as the
//! effect, what it answered, and answers that again.
//!
//! Paper: *Idempotence*.

use apostate::prelude::*;

use crate::gallery::{Damage, Outcome, Pitfall};
use crate::temp_node::{Failure, TempNode};
use crate::workers::{self, Faults, Step};

const CHARGES: u64 = 200;
const PENCE: u64 = 10;

pub(crate) const PITFALL: Pitfall = Pitfall {
    name: "an unchecked retry",
    counts: "charges of 200",
    faults: |seed| Faults { seed, crashes: 30, lost_answers: 70 },
    wrong,
    right,
};

fn charges() -> Vec<u64> {
    (1..=CHARGES).collect()
}

fn wrong(faults: Faults) -> Result<Outcome, Failure> {
    let mut charged = 0;
    let history = workers::run(faults, &charges(), |_, asked| match asked {
        None => {
            charged += PENCE;
            Ok::<_, Failure>(Step::Holding("charged"))
        }
        Some(_answer) => Ok(Step::Done),
    })?;
    Ok(Outcome { damage: Damage::of_counts(CHARGES, charged / PENCE), history })
}

/// One card.
#[entity(name = "card")]
#[derive(Default, Serialize, Deserialize)]
struct Card {
    charged: u64,
}

#[handlers]
impl Card {
    /// Charges it.
    #[open]
    pub fn charge(&mut self, pence: u64) {
        self.charged += pence;
    }

    /// All that was charged.
    #[open]
    pub fn charged(&self) -> u64 {
        self.charged
    }
}

fn right(faults: Faults) -> Result<Outcome, Failure> {
    let node = TempNode::open::<(Card,)>(2)?;
    let client = node.client();
    let history = workers::run(faults, &charges(), |charge, asked| match asked {
        None => {
            let call = client.call(Card::at("4929").charge(PENCE)).with_key(&format!("charge {charge}"));
            Ok::<_, Failure>(Step::Holding(call.start()))
        }
        Some(call) => {
            call.wait()?;
            Ok(Step::Done)
        }
    })?;
    let charged = client.read(Card::at("4929").charged()).wait()?;
    Ok(Outcome { damage: Damage::of_counts(CHARGES, charged / PENCE), history })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_charge_that_is_asked_for_again_is_made_again_unless_the_card_remembers() {
        super::PITFALL.check();
    }
}
