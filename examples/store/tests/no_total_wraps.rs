//! A total that does not fit any more stops the line that would take it over the end. It never becomes a negative one, which would
//! still balance with all others that wrapped alike.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use store::{Country, Part, Stock, Takings};

fn panics(run: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(run)).is_err()
}

#[test]
fn a_total_over_the_end_panics() {
    let full = black_box(i64::MAX);
    let part = Part { first: false, lines: 1, units: 1, amount_milli: 1 };
    for stock in [
        Stock { amount_net_milli: full, ..Stock::default() },
        Stock { units_adjusted: full, ..Stock::default() },
        Stock { adjust_lines: black_box(u64::MAX), ..Stock::default() },
    ] {
        assert!(panics(|| stock.clone().adjust(part)), "{stock:?}");
    }
    let takings = Takings { lines: 1, units: 1, gross_milli: 1, returned_milli: 1, adjust_milli: 1 };
    for full in [Takings { gross_milli: full, ..takings }, Takings { returned_milli: full, ..takings }] {
        let mut country = Country { takings: full, ..Country::default() };
        assert!(panics(|| country.bill(false, takings)), "{full:?}");
    }
}

/// The test above runs in a debug build, which checks anyway.
#[test]
fn a_release_build_checks_the_sums_of_every_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).expect("the workspace");
    let (_, profile) = manifest.split_once("[profile.release.package]\n").expect("settings of packages");
    let profile = profile.split("\n[").next().unwrap_or(profile);
    for example in std::fs::read_dir(root.join("examples")).expect("the examples") {
        let manifest = example.expect("a folder").path().join("Cargo.toml");
        let Ok(text) = std::fs::read_to_string(&manifest) else { continue };
        let name = text.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).expect("a name");
        assert!(profile.contains(&format!("{name}.overflow-checks = true")), "{name}: see {}", manifest.display());
    }
}
