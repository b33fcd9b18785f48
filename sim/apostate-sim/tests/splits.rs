//! Seeds in which partitions are split in memory and merged again while everything goes on.

use apostate_sim::{Options, run};

#[test]
fn a_partition_that_is_split_and_merged_is_what_it_was() {
    let mut splits = 0;
    for seed in 1000..1020 {
        match run(seed, Options { splits: true, ..Options::default() }) {
            Ok(report) => splits += report.splits,
            Err(broken) => panic!("{broken}\n  cargo run --release -p apostate-sim -- --seed {seed} --split --tell"),
        }
    }
    assert!(splits >= 20 * 10, "{splits} splits");
}
