//! Writes the data directory of this build that later ones have to open: `cargo xtask fixtures NAME`.
//!
//! What is in it, and what a later build has to find there, is told in `tests/fixtures/mod.rs`.

use std::path::Path;

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

fn main() {
    let name = std::env::args().nth(1).expect("the name of the fixture, as `layout-2`");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name);
    assert!(!dir.exists(), "{} is there: a fixture stays as it is", dir.display());
    fixtures::write(&dir);
    println!("{}", dir.display());
}
