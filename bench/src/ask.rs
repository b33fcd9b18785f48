//! `ask`: entities that ask another one, from the call until the asker's handler has the answer.
//!
//! The caller is answered by the handler that takes the answer, so a latency has all of it: the ask, the answer, and the commits in between.

use std::time::Duration;

use apostate::prelude::*;

use crate::arguments::CallsArguments;
use crate::callers::Callers;
use crate::failure::{Failure, check};
use crate::host::Host;
use crate::orders::Rng;
use crate::report::{Report, merged};

/// Entities that are asked.
const SOURCES: u64 = 10_000;

/// An entity that asks.
#[entity(name = "question")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Question {
    waits: Option<Later<bool>>,
}

#[handlers]
impl Question {
    /// Asks, and is answered when the answer is there.
    #[open]
    pub fn ask(&mut self, tx: &mut Tx, source: u64) -> Later<bool> {
        tx.ask(Source::at(source).take(1)).within(Duration::from_secs(3600)).then(Self::ON_TAKEN);
        let later = tx.later();
        self.waits = Some(later.clone());
        later
    }

    #[on]
    fn on_taken(&mut self, tx: &mut Tx, answer: Answer<u64>) {
        if let Some(later) = self.waits.take() {
            tx.answer(later, matches!(answer, Answer::Answered(_)));
        }
    }
}

/// An entity that is asked.
#[entity(name = "source")]
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Source {
    taken: u64,
}

#[handlers]
impl Source {
    /// Gives units.
    pub fn take(&mut self, units: u64) -> u64 {
        self.taken += units;
        self.taken
    }
}

/// Runs it.
pub(crate) fn run(arguments: &CallsArguments) -> Result<Report, Failure> {
    let CallsArguments { host, pace, outstanding } = arguments;
    let host = Host::open::<(Question, Source)>(host)?;
    let mut parameters = merged(&host.parameters(), pace);
    parameters["outstanding"] = (*outstanding).into();
    let mut report = Report::new("ask", parameters);
    let (client, mut rng, mut callers) = (host.client().clone(), Rng::new(pace.seed), Callers::new(*outstanding));
    let start = |number: u64| {
        let source = rng.below(SOURCES);
        client.call(Question::at(number).ask(source)).with_key(&format!("ask-{number:012}")).start()
    };

    callers.measure(&host, (pace, "ask"), start, &mut report)?;
    let mut taken = 0;
    for source in host.client().list::<Source>() {
        taken += source?.entity.taken;
    }
    check(taken == callers.calls(), || format!("{taken} units were taken by {} asks", callers.calls()))?;
    drop(callers);
    host.stop()?;
    Ok(report)
}
