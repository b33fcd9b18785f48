//! One decoder, named by the variable `LAYOUT`, under libFuzzer.
#![no_main]

use std::sync::LazyLock;

use apostate_fuzz::Layout;
use libfuzzer_sys::fuzz_target;

static LAYOUT: LazyLock<&'static Layout> = LazyLock::new(|| {
    // libFuzzer ends the process at every panic, also at one that is caught; we end it at a finding.
    drop(std::panic::take_hook());
    std::panic::set_hook(Box::new(|_| {}));
    let name = std::env::var("LAYOUT").expect("LAYOUT=message, or another folder of the corpus");
    apostate_fuzz::layout(&name).unwrap_or_else(|| panic!("there is no layout `{name}`"))
});

fuzz_target!(|bytes: &[u8]| {
    // As it is, and with checksums put right: coverage alone does not find those.
    let mut amended = bytes.to_vec();
    (LAYOUT.amend)(&mut amended);
    for input in [bytes, &amended] {
        if let Err(found) = LAYOUT.try_on(input) {
            eprintln!("{found}");
            std::process::abort();
        }
    }
});
