//! The report of a workload: names and figures, for people or as one line of JSON.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::machine;

/// The report of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Report(Map<String, Value>);

impl Report {
    /// The report of a workload of ours, run with these parameters. Begin it before the work: it notes how busy the machine is.
    pub(crate) fn new(workload: &str, parameters: Value) -> Self {
        Self::of("apostate", env!("CARGO_PKG_VERSION"), workload, parameters)
    }

    /// The report of a workload of `system`.
    pub(crate) fn of(system: &str, version: &str, workload: &str, parameters: Value) -> Self {
        let mut report = Self(Map::new());
        report.set("workload", workload);
        report.set("system", system);
        report.set("version", version);
        report.set("parameters", parameters);
        report.set("load_average_before", machine::load_average());
        report
    }

    /// No figures yet, of a part of a workload.
    pub(crate) fn empty() -> Self {
        Self(Map::new())
    }

    /// Takes all figures of another report.
    pub(crate) fn take(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a figure.
    pub(crate) fn set(&mut self, name: &str, value: impl Serialize) {
        self.0.insert(name.to_owned(), json!(value));
    }

    /// Adds a figure with as many digits as mean something.
    pub(crate) fn set_rounded(&mut self, name: &str, value: f64) {
        self.set(name, rounded(value));
    }

    /// Prints it: as one line of JSON, or for people.
    pub(crate) fn print(&self, as_json: bool) {
        if as_json {
            println!("{}", Value::Object(self.0.clone()));
            return;
        }
        let width = self.0.keys().map(String::len).max().unwrap_or(0);
        for (name, value) in &self.0 {
            println!("{name:width$}  {value}");
        }
    }
}

impl From<Report> for Value {
    fn from(report: Report) -> Self {
        Self::Object(report.0)
    }
}

/// The parameters of the node, and those of the workload.
pub(crate) fn merged(host: &Value, workload: impl Serialize) -> Value {
    let mut all = host.as_object().cloned().unwrap_or_default();
    all.extend(json!(workload).as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// A number with four digits that mean something, or as a whole.
pub(crate) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let digits = (3 - value.abs().log10().floor() as i32).clamp(0, 9);
    let unit = 10_f64.powi(digits);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits_and_all_before_the_point() {
        for (value, expected) in [(123_456.7, 123_457.0), (12.345_67, 12.35), (0.001_234_56, 0.001_235), (0.0, 0.0)] {
            assert!((rounded(value) - expected).abs() < 1e-12, "{value}");
        }
    }
}
