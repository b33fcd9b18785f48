//! How long answers took: percentiles to three digits.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::Report;

/// How long answers took.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Histogram::new(3).expect("three digits are few enough"))
    }

    /// One answer took so long.
    pub(crate) fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds the percentiles to a report.
    pub(crate) fn report(&self, report: &mut Report) {
        for (name, quantile) in [("p50_ms", 0.5), ("p99_ms", 0.99), ("p999_ms", 0.999)] {
            report.set_rounded(name, self.0.value_at_quantile(quantile) as f64 / 1e6);
        }
        report.set_rounded("max_ms", self.0.max() as f64 / 1e6);
    }
}
