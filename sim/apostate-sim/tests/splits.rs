//! Seeds in which partitions are split in memory and merged again, and end in others, while everything goes on.

use apostate_sim::{Campaign, Counts, Options};

#[test]
fn a_partition_that_is_split_and_merged_is_what_it_was() {
    let mut campaign = Campaign { options: Options { splits: true, ..Options::default() }, ..Campaign::default() };
    for seed in 1000..1020 {
        match campaign.run(seed) {
            Ok(()) => {}
            Err(broken) => panic!("{broken}\n  cargo run --release -p apostate-sim -- --seed {seed} --split --tell"),
        }
    }
    assert!(campaign.splits >= 20 * 10, "{} splits in memory", campaign.splits);
    let Counts { sealed, withdrawn, handed_over, read_back, forgotten } = campaign.repartitioned;
    assert!(sealed >= 20 * 3 && sealed == forgotten, "{sealed} have ended, {forgotten} are forgotten");
    assert!(withdrawn > 0 && handed_over > 20 && read_back > 20, "{withdrawn}, {handed_over}, {read_back}");
}
