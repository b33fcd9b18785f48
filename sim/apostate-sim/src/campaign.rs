//! Many seeds, one after the other, and what they came to.

use std::fmt;
use std::time::Duration;

use crate::fault::{Fault, Faults};
use crate::options::Options;
use crate::repartitioning::Counts;
use crate::run::{Report, run};
use crate::violation::Violation;

/// Totals of many runs.
#[derive(Clone, Debug, Default)]
pub struct Campaign {
    /// How seeds are run.
    pub options: Options,
    /// Runs.
    pub seeds: u64,
    /// Transactions on entities.
    pub transactions: u64,
    /// How often a partition was split in memory and merged again.
    pub splits: u64,
    /// Partitions that ended in others.
    pub repartitioned: Counts,
    /// Virtual time, in microseconds.
    pub simulated: u64,
    /// Faults that were injected, and how often.
    pub faults: Faults,
    /// Seeds that failed, with the first violation of each.
    pub violations: Vec<(u64, Violation)>,
}

/// From this many runs on, every fault has to have happened in some of them.
pub const SEEDS_FOR_COVERAGE: u64 = 100;

impl Campaign {
    /// Runs one more seed.
    pub fn run(&mut self, seed: u64) -> Result<(), Violation> {
        self.seeds += 1;
        match run(seed, self.options) {
            Ok(Report { transactions, simulated, faults, splits, repartitioned, trace: _ }) => {
                self.splits += splits;
                self.repartitioned.add(&repartitioned);
                self.transactions += transactions;
                self.simulated += simulated;
                self.faults.add(&faults);
                Ok(())
            }
            Err(violation) => {
                self.violations.push((seed, violation.clone()));
                Err(violation)
            }
        }
    }

    /// Faults that have never happened, although there were runs enough.
    #[must_use]
    pub fn missing(&self) -> Vec<Fault> {
        let is_enough = self.seeds >= SEEDS_FOR_COVERAGE;
        Fault::ALL.iter().copied().filter(|fault| is_enough && self.faults.count(*fault) == 0).collect()
    }

    /// The totals in words, with the time that they took.
    #[must_use]
    pub fn summary(&self, took: Duration) -> impl fmt::Display + '_ {
        Summary { campaign: self, took }
    }
}

struct Summary<'a> {
    campaign: &'a Campaign,
    took: Duration,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { campaign, took } = self;
        let seconds = took.as_secs_f64().max(0.001);
        writeln!(f, "{}", campaign.faults)?;
        let hours = campaign.simulated as f64 / 3.6e9;
        writeln!(f, "{} seeds, {:.1} a second", campaign.seeds, campaign.seeds as f64 / seconds)?;
        if campaign.options.splits {
            writeln!(f, "{} splits in memory", campaign.splits)?;
            let Counts { sealed, withdrawn, handed_over, read_back, forgotten } = &campaign.repartitioned;
            writeln!(
                f,
                "{sealed} partitions have ended in others: {handed_over} handed over, {read_back} children read back, {forgotten} \
                 forgotten; {withdrawn} splits withdrawn"
            )?;
        }
        let rate = campaign.transactions as f64 / seconds;
        writeln!(f, "{} transactions, {rate:.0} a second", campaign.transactions)?;
        writeln!(f, "{hours:.1} hours of simulated time in {seconds:.0} seconds")?;
        write!(f, "{} seeds failed", campaign.violations.len())
    }
}
