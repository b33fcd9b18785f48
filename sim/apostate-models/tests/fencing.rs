//! An acknowledged record is in the log of the later writer, and the model would notice if it were not.

use apostate_models::check;
use apostate_models::fencing::Fencing;
use apostate_models::fencing::cases::{full, wrong};

#[test]
fn writers_fence_each_other_in_every_order() {
    for model in full() {
        let report = check(model.name, Fencing { openings: 1, requests: 2, ..model });
        println!("{report}");
        assert!(report.refuted.is_none(), "{}: {:?}", model.name, report.refuted);
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    for (wrong, model) in wrong() {
        let report = check(model.name, model);
        println!("{wrong:?}: {report}");
        assert!(report.refuted.is_some(), "nobody noticed {wrong:?}");
    }
}
