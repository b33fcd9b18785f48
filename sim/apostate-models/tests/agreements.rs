//! Every tentative operation reaches exactly one ending, and the model would notice if it did not.

use std::collections::HashMap;
use std::sync::Arc;

use apostate_models::agreements::cases::{short, wrong};
use apostate_models::agreements::{Action, Agreements, Coverage};
use apostate_models::check;
use stateright::Model;

#[test]
fn every_scenario_holds_in_every_state() {
    let coverage = Arc::new(Coverage::default());
    for scenario in short() {
        let name = scenario.name;
        let mut model = Agreements::right(scenario);
        model.coverage = Arc::clone(&coverage);
        let report = check(name, model);
        println!("{report}");
        assert!(report.refuted.is_none(), "{name}: {:?}", report.refuted);
    }
    let Coverage { agreed, agreed_without_some, refused, expired, late_answers, late_deadlines, .. } = &*coverage;
    let Coverage { sold_out, cancels_without_try, parked_endings, parked_thens, kept, deleted, undone, .. } =
        &*coverage;
    let Coverage { lapsed, late_lapses, passed_down, withdrawn, .. } = &*coverage;
    let at_the_proposer = [agreed, agreed_without_some, refused, expired, late_answers, late_deadlines, parked_thens];
    let at_a_partner = [sold_out, cancels_without_try, parked_endings, kept, deleted, undone];
    let of_both = [lapsed, late_lapses, passed_down, withdrawn];
    for count in at_the_proposer.into_iter().chain(at_a_partner).chain(of_both) {
        assert!(count.get() > 0, "nothing was put to the test: {coverage:?}");
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for (wrong, scenario) in wrong() {
        let report = check(scenario.name, Agreements::wrong(scenario, wrong));
        println!("{wrong:?}: {report}");
        assert!(report.refuted.is_some(), "nobody noticed {wrong:?}");
    }
}

/// Everything arrives in the end only if nothing can go on for ever.
#[test]
fn no_step_but_an_undoing_leads_back() {
    for scenario in short().into_iter().filter(|scenario| scenario.places.len() < 4) {
        let name = scenario.name;
        assert!(!leads_back(&Agreements::right(scenario)), "{name} can go on for ever");
    }
}

/// Whether some state can be reached from itself without an undoing.
fn leads_back(model: &Agreements) -> bool {
    let mut states = model.init_states();
    let mut places: HashMap<_, _> = states.iter().cloned().map(|state| (state, 0)).collect();
    let mut steps: Vec<Vec<usize>> = Vec::new();
    while let Some(state) = states.get(steps.len()).cloned() {
        let mut actions = Vec::new();
        model.actions(&state, &mut actions);
        let mut targets = Vec::new();
        for action in actions {
            let is_undoing = matches!(action, Action::Undo(_));
            let Some(next) = model.next_state(&state, action) else { continue };
            let place = *places.entry(next).or_insert_with_key(|next| {
                states.push(next.clone());
                states.len() - 1
            });
            targets.extend(Some(place).filter(|_| !is_undoing));
        }
        steps.push(targets);
    }
    has_circle(&steps)
}

/// Whether the steps between states have no order in which each leads onward.
fn has_circle(steps: &[Vec<usize>]) -> bool {
    let mut arrivals = vec![0_usize; steps.len()];
    steps.iter().flatten().for_each(|target| arrivals[*target] += 1);
    let mut next: Vec<_> = (0..steps.len()).filter(|state| arrivals[*state] == 0).collect();
    let mut sorted = 0;
    while let Some(state) = next.pop() {
        sorted += 1;
        for target in &steps[state] {
            arrivals[*target] -= 1;
            if arrivals[*target] == 0 {
                next.push(*target);
            }
        }
    }
    sorted < steps.len()
}

#[test]
fn a_circle_of_steps_is_found() {
    assert!(!has_circle(&[vec![1, 2], vec![2], vec![]]));
    assert!(has_circle(&[vec![1], vec![2], vec![1]]));
}
