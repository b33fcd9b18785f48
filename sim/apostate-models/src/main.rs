//! Takes every model to exhaustion.
use apostate_models::{check, delivery::{Delivery, Scenario, Pair, Change}};

fn pair(source: u64, target: u64, messages: u8) -> Pair { Pair { source, target, messages } }

fn main() {
    let base = Scenario::named;
    let list = vec![
        Scenario { tiles: vec![0, 1, 2], pairs: vec![pair(0, 2, 3), pair(1, 2, 1)], crashes: 1, ..base("still") },
        Scenario { tiles: vec![0, 1], pairs: vec![pair(0, 1, 3)], doubles: 1, crashes: 1, ..base("doubles") },
        Scenario { tiles: vec![0, 1], pairs: vec![pair(0, 1, 3)], pipeline: true, crashes: 1, ..base("pipeline") },
        Scenario { tiles: vec![0, 2], pairs: vec![pair(0, 1, 2), pair(0, 2, 1)], plan: vec![Change::Split { parent: 2, last: 1, children: (3, 4) }], ..base("receiver splits") },
        Scenario { tiles: vec![0, 1, 2], pairs: vec![pair(0, 1, 2), pair(0, 2, 1)], plan: vec![Change::Merge { parents: (2, 3), child: 4 }], ..base("receivers merge") },
        Scenario { tiles: vec![1, 2], pairs: vec![pair(0, 2, 2), pair(1, 2, 1)], plan: vec![Change::Split { parent: 1, last: 0, children: (3, 4) }], ..base("sender splits") },
        Scenario { tiles: vec![0, 1, 2], pairs: vec![pair(0, 2, 2), pair(1, 2, 1)], plan: vec![Change::Merge { parents: (1, 2), child: 4 }], ..base("senders merge") },
        Scenario { tiles: vec![0, 1, 2], pairs: vec![pair(0, 1, 2), pair(2, 1, 1)], plan: vec![Change::Merge { parents: (1, 2), child: 4 }], ..base("both merge") },
    ];
    let only = std::env::args().nth(1);
    for scenario in list {
        if only.as_ref().is_some_and(|only| !scenario.name.contains(only.as_str())) { continue; }
        let model = Delivery::right(scenario.clone());
        println!("{}", check(scenario.name, model.clone()));
        println!("{:?}", model.coverage);
    }
}
