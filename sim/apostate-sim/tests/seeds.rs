//! A short campaign, for every change. The long ones are `cargo xtask sim --seeds N` and `--hours H`.

use apostate_sim::{Campaign, Fault, Options, run};

#[test]
fn a_few_seeds_break_nothing() {
    let mut campaign = Campaign::default();
    for seed in 0..20 {
        if let Err(broken) = campaign.run(seed) {
            panic!("{broken}\n  cargo run --release -p apostate-sim -- --seed {seed} --tell");
        }
    }
    assert!(campaign.transactions >= 20 * 2000, "{} transactions", campaign.transactions);
    assert!(campaign.faults.count(Fault::Crash) >= 20 * 3, "{} crashes", campaign.faults.count(Fault::Crash));
    assert!(campaign.faults.total() >= 20 * 20, "{} faults", campaign.faults.total());
}

#[test]
fn the_same_seed_takes_the_same_course() {
    for seed in [3, 11] {
        let course = || run(seed, Options::default()).expect("a seed that breaks nothing");
        assert_eq!(course(), course(), "seed {seed}");
    }
}

#[test]
fn different_seeds_take_different_courses() {
    let trace = |seed| run(seed, Options::default()).expect("a seed that breaks nothing").trace;
    assert_ne!(trace(3), trace(11));
}
