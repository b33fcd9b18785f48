//! Takes every model to exhaustion.
use apostate_models::{check, delivery::{Delivery, cases}};

fn main() {
    let only = std::env::args().nth(1).unwrap_or_default();
    for scenario in cases::full() {
        if !scenario.name.contains(only.as_str()) { continue; }
        let model = Delivery::right(scenario.clone());
        println!("{}", check(scenario.name, model.clone()));
        println!("{:?}", model.coverage);
    }
    for (wrong, scenario) in cases::wrong() {
        if !format!("{wrong:?}").contains(only.as_str()) { continue; }
        let report = check(scenario.name, Delivery::wrong(scenario.clone(), wrong));
        println!("{wrong:?}: {}", report);
    }
}
