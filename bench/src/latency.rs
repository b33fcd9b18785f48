//! How long answers took: percentiles to three digits.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::Report;

/// The longest time that is told apart: longer ones count as an hour.
const LONGEST_NANOSECONDS: u64 = 3_600_000_000_000;

/// How long answers took.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_NANOSECONDS, 3).expect("bounds and digits that fit each other"))
    }

    /// One answer took so long.
    pub(crate) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The time that this share of them took at most, in milliseconds.
    pub(crate) fn millis_at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }

    /// Adds the percentiles to a report.
    pub(crate) fn report(&self, report: &mut Report) {
        for (name, quantile) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999)] {
            report.set_rounded(name, self.0.value_at_quantile(quantile) as f64 / 1e6);
        }
        report.set_rounded("max_ms", self.0.max() as f64 / 1e6);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let mut latency = Latency::new();
        (1..=1000).for_each(|milliseconds| latency.record(Duration::from_millis(milliseconds)));
        let near = |quantile, expected: f64| {
            let milliseconds = latency.0.value_at_quantile(quantile) as f64 / 1e6;
            assert!((milliseconds - expected).abs() <= expected / 500.0, "{milliseconds} is not {expected}");
        };
        near(0.5, 500.0);
        near(0.99, 990.0);
        near(0.999, 999.0);
    }
}
