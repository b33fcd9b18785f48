//! Takes every model to exhaustion and demands a counterexample for every broken rule.
//!
//! ```text
//! cargo run --release -p apostate-models                      # all of them
//! cargo run --release -p apostate-models -- a sender splits   # those named so, with the ways to what is refuted
//! ```

use std::process::ExitCode;

use apostate_models::{Report, agreements, check, delivery, fencing};

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let filter = words.join(" ").to_lowercase();
    let is_meant = |name: &str| name.to_lowercase().contains(&filter);
    let mut all = Totals { tells_ways: !filter.is_empty(), ..Totals::default() };

    for scenario in delivery::cases::full().into_iter().filter(|scenario| is_meant(scenario.name)) {
        all.expect_to_hold(&check(scenario.name, delivery::Delivery::right(scenario)));
    }
    for model in fencing::cases::full().into_iter().filter(|model| is_meant(model.name)) {
        all.expect_to_hold(&check(model.name, model));
    }
    for scenario in agreements::cases::full().into_iter().filter(|scenario| is_meant(scenario.name)) {
        all.expect_to_hold(&check(scenario.name, agreements::Agreements::right(scenario)));
    }
    for (wrong, scenario) in delivery::cases::wrong() {
        let name = format!("{wrong:?}, {}", scenario.name);
        if is_meant(&name) {
            all.expect_to_fail(&check(&name, delivery::Delivery::wrong(scenario, wrong)));
        }
    }
    for (wrong, model) in fencing::cases::wrong() {
        let name = format!("{wrong:?}, {}", model.name);
        if is_meant(&name) {
            all.expect_to_fail(&check(&name, model));
        }
    }
    for (wrong, scenario) in agreements::cases::wrong() {
        let name = format!("{wrong:?}, {}", scenario.name);
        if is_meant(&name) {
            all.expect_to_fail(&check(&name, agreements::Agreements::wrong(scenario, wrong)));
        }
    }
    all.tell()
}

#[derive(Default)]
struct Totals {
    models: usize,
    states: usize,
    steps: usize,
    seconds: f64,
    refuted: usize,
    surprises: usize,
    tells_ways: bool,
}

impl Totals {
    fn expect_to_hold(&mut self, report: &Report) {
        println!("{report}");
        self.models += 1;
        self.states += report.states;
        self.steps += report.steps;
        self.seconds += report.time.as_secs_f64();
        if let Some((_, way)) = &report.refuted {
            print!("{way}");
            self.surprises += 1;
        }
    }

    fn expect_to_fail(&mut self, report: &Report) {
        println!("{report}");
        self.seconds += report.time.as_secs_f64();
        match &report.refuted {
            Some((_, way)) if self.tells_ways => print!("{way}"),
            Some(_) => {}
            None => {
                println!("    nobody noticed");
                self.surprises += 1;
            }
        }
        self.refuted += usize::from(report.refuted.is_some());
    }

    fn tell(self) -> ExitCode {
        let Self { models, states, steps, seconds, refuted, surprises, .. } = self;
        println!("{models} models, {states} states, {steps} steps; {refuted} broken rules refuted; {seconds:.0} s");
        if surprises == 0 {
            return ExitCode::SUCCESS;
        }
        println!("{surprises} came out otherwise than they should");
        ExitCode::FAILURE
    }
}
