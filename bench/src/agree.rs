//! `agree`: agreements of three partners, each proposed by an entity of its own, from the proposal until its proposer has heard of the decision.
//!
//! The caller is answered by the handler that is told the outcome, so a latency has all of it: the tries, the answers, the decision, and the
//! commits in between. The confirms are on their way then; nothing may be open once they have come.

use std::time::Duration;

use apostate::prelude::*;

use crate::arguments::CallsArguments;
use crate::callers::Callers;
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::orders::Rng;
use crate::report::{Report, merged};

/// Partners of one agreement.
const PARTNERS: usize = 3;

/// Entities that hold something.
const SHARES: u64 = 10_000;

/// An entity that proposes.
#[entity(name = "deal")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Deal {
    waits: Option<Later<bool>>,
}

#[handlers]
impl Deal {
    /// Proposes to three, and is answered when it is decided.
    #[open]
    pub fn agree(&mut self, tx: &mut Tx, partners: [u64; PARTNERS]) -> Later<bool> {
        let tries = partners.into_iter().map(|partner| Share::at(partner).hold(1));
        tx.propose(Agreement::within(Duration::from_secs(3600)).ask_all(tries).then(Self::DECIDED));
        let later = tx.later();
        self.waits = Some(later.clone());
        later
    }

    #[on]
    fn decided(&mut self, tx: &mut Tx, outcome: Outcome) {
        if let Some(later) = self.waits.take() {
            tx.answer(later, matches!(outcome, Outcome::Agreed { .. }));
        }
    }
}

/// An entity that holds, and never refuses.
#[entity(name = "share")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Share {
    held: u64,
    gone: u64,
}

#[handlers]
impl Share {
    /// Holds units.
    #[tentative(confirm = sell, cancel = put_back)]
    pub fn hold(&mut self, units: u64) -> Result<(), Refusal> {
        self.held += units;
        Ok(())
    }

    fn sell(&mut self, units: u64) {
        self.held -= units;
        self.gone += units;
    }

    fn put_back(&mut self, units: u64) {
        self.held -= units;
    }
}

/// Runs it.
pub(crate) fn run(arguments: &CallsArguments) -> Result<Report, Failure> {
    let CallsArguments { host, pace, outstanding } = arguments;
    let host = Host::open::<(Deal, Share)>(host)?;
    let mut parameters = merged(&host.parameters(), pace);
    parameters["outstanding"] = (*outstanding).into();
    let mut report = Report::new("agree", parameters);
    let (client, mut rng, mut callers) = (host.client().clone(), Rng::new(pace.seed), Callers::new(*outstanding));
    let start = |number: u64| {
        let partners = std::array::from_fn(|_| rng.below(SHARES));
        client.call(Deal::at(number).agree(partners)).with_key(&format!("agree-{number:012}")).start()
    };

    callers.measure(&host, (pace, "agreement"), start, &mut report)?;
    let open = host.open_at_end();
    report.set("open_at_end", open);
    check(open == 0, || format!("{open} agreements or operations are open in the end"))?;
    let (mut held, mut gone) = (0, 0);
    for share in host.client().list::<Share>() {
        let Share { held: of_it, gone: of_it_gone } = share?.entity;
        held += of_it;
        gone += of_it_gone;
    }
    let expected = callers.calls() * PARTNERS as u64;
    check((held, gone) == (0, expected), || format!("{held} units are held and {gone} gone, not {expected}"))?;
    drop(callers);
    host.stop()?;
    Ok(report)
}
