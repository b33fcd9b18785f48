//! Some thousand inputs for every decoder, from a seed: what the gate can afford.

use apostate_fuzz::campaign::Campaign;
use apostate_fuzz::layout;

/// Trials of one layout.
const TRIALS: u64 = 20_000;

fn check(name: &str) {
    check_with(name, TRIALS);
}

fn check_with(name: &str, trials: u64) {
    for seed in [1, 2] {
        let mut campaign = Campaign::new(layout(name).expect("a layout"), seed).expect("a corpus");
        for _ in 0..trials / 2 {
            if let Err(found) = campaign.step() {
                panic!("{found}");
            }
        }
        // A campaign in which everything is refused, or nothing, tries nothing.
        let figures = campaign.figures();
        let few = trials / 200;
        assert!(figures.read > few && figures.refused > few, "{figures:?}");
    }
}

#[test]
fn headers_of_segments_are_read_or_refused() {
    check("segment");
}

#[test]
fn groups_of_segments_are_read_or_refused() {
    check("group");
}

#[test]
fn records_and_their_bodies_are_read_or_refused() {
    check("record");
}

#[test]
fn keys_of_cells_are_read_or_refused() {
    check("cell");
}

#[test]
fn keys_of_own_rows_are_read_or_refused() {
    check("own-row");
}

#[test]
fn ends_and_beginnings_of_logs_are_read_or_refused() {
    check("lineage");
}

#[test]
fn messages_are_read_or_refused() {
    check("message");
}

#[test]
fn frames_are_read_or_refused() {
    check("frame");
}

#[test]
fn whatever_a_partition_hears_it_takes_or_drops_and_what_it_commits_reads_back() {
    // A trial is a partition that lives and dies.
    check_with("conversation", TRIALS / 20);
}

#[test]
fn whatever_a_store_or_a_log_holds_a_partition_opens_or_says_why_not() {
    check("stored");
}

#[test]
fn states_arguments_and_replies_are_read_or_refused() {
    check("value");
}

#[test]
fn json_of_strangers_is_read_or_refused() {
    check("json");
}
