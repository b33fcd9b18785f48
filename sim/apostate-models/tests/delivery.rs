//! Delivery keeps its promises in every order of events, and the model would notice if it did not.

use std::sync::Arc;

use apostate_models::check;
use apostate_models::delivery::cases::{short, wrong};
use apostate_models::delivery::{Coverage, Delivery, Scenario};

#[test]
fn every_scenario_holds_in_every_state() {
    let coverage = Arc::new(Coverage::default());
    for scenario in short() {
        let name = scenario.name;
        let mut model = Delivery::right(scenario);
        model.coverage = Arc::clone(&coverage);
        let report = check(name, model);
        println!("{report}");
        assert!(report.refuted.is_none(), "{name}: {:?}", report.refuted);
    }
    let Coverage { duplicates, refused, closed, forgotten, inside, inside_duplicates } = &*coverage;
    for count in [duplicates, refused, closed, forgotten, inside, inside_duplicates] {
        assert!(count.get() > 0, "nothing was put to the test: {coverage:?}");
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for (wrong, scenario) in wrong() {
        let report = check(scenario.name, Delivery::wrong(scenario, wrong));
        println!("{wrong:?}: {report}");
        assert!(report.refuted.is_some(), "nobody noticed {wrong:?}");
    }
}

/// A model may leave out for the sake of its size only parts in which it would have found nothing.
#[test]
fn frames_that_are_taken_away_were_dead() {
    let may_be_large = |scenario: &Scenario| scenario.plan.is_empty() && scenario.doubles == 0;
    for scenario in short().into_iter().filter(may_be_large) {
        let lean = check("lean", Delivery::right(scenario.clone()));
        let mut model = Delivery::right(scenario);
        model.keeps_dead_frames = true;
        let whole = check("whole", model);
        println!("{lean}\n{whole}");
        assert!(lean.refuted.is_none() && whole.refuted.is_none());
        assert!(lean.states < whole.states);
    }
}
