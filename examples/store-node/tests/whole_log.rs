//! The real log, all 541,909 lines of it: every total, and the same tables with 1, 2 and 7 partitions.
//!
//! Built only with the feature `whole-log`, as the file is not part of the project:
//! `ONLINE_RETAIL=FILE cargo test --release -p store-node --features whole-log --test whole_log`.

mod support;

use std::path::PathBuf;

use support::program;

/// The totals after the replay of every line: the published figures of the data set, and sums over its lines.
const EXPECTED: [(&str, i64); 20] = [
    ("/counts/lines", 541_909),
    ("/counts/sale_lines", 531_285),
    ("/counts/return_lines", 9_288),
    ("/counts/adjust_lines", 1_336),
    ("/counts/invoices", 25_900),
    ("/counts/plain_invoices", 22_061),
    ("/counts/cancelled_invoices", 3_836),
    ("/counts/stock_codes", 4_070),
    ("/counts/customers", 4_372),
    ("/counts/countries", 38),
    ("/units/units_sold", 5_660_981),
    ("/units/units_returned", 277_574),
    ("/units/units_adjusted", -206_957),
    ("/units/units_net", 5_176_450),
    ("/amounts_milli/gross_milli", 10_666_684_544),
    ("/amounts_milli/returned_milli", 896_812_490),
    ("/amounts_milli/adjust_milli", -22_124_120),
    ("/amounts_milli/net_milli", 9_747_747_934),
    ("/amounts_milli/missing_customer_net_milli", 1_447_682_120),
    ("/still_reserved", 0),
];

#[test]
fn the_real_log_comes_to_the_published_figures() {
    let file = std::env::var_os("ONLINE_RETAIL").map(PathBuf::from);
    let file = file.expect("set ONLINE_RETAIL to the file: the Online Retail log as CSV, plain or gzip");
    let dir = tempfile::tempdir().expect("a directory");
    let mut earlier = None;
    for partitions in ["1", "2", "7"] {
        let data = dir.path().join(partitions);
        for round in ["first", "second"] {
            let output = program::run(program::replay(&file, &data, &["--partitions", partitions]));
            let json = program::last_json(&output);
            for (name, expected) in EXPECTED {
                assert_eq!(json.pointer(name), Some(&expected.into()), "{name}, {partitions} partitions, {round} time");
            }
            println!("{partitions} partitions, {round} time: {}", json["run"]);
        }
        let tables = ["stock", "customer", "country", "invoice"].map(|kind| program::export(kind, &data));
        let earlier = earlier.get_or_insert_with(|| tables.clone());
        for (now, earlier) in tables.iter().zip(earlier) {
            assert!(now == earlier, "the tables of {partitions} partitions differ from those of 1");
        }
    }
}
