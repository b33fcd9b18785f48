//! Silence for panics that a simulation expects: handlers that panic are part of it, and their panics are caught and counted.
//!
//! The hook is set once for the process. What it keeps silent is up to each thread.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

use apostate_partition::RunObserver;

thread_local! {
    static ARE_EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Sets the hook, if that has not been done: from now on expected panics are not printed.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !ARE_EXPECTED.get() {
                before(info);
            }
        }));
    });
}

/// Says whether panics of this thread are expected from now on.
pub fn expect(are_expected: bool) {
    ARE_EXPECTED.set(are_expected);
}

/// Runs `work`, in which panics are expected.
pub fn expected_in<T>(work: impl FnOnce() -> T) -> T {
    let before = ARE_EXPECTED.replace(true);
    let done = work();
    ARE_EXPECTED.set(before);
    done
}

/// Observer of a partition's runs: while a handler runs, panics are expected.
pub(crate) struct ExpectPanics;

impl RunObserver for ExpectPanics {
    fn enter(&mut self, _: u64, _: u32, _: u32) {
        expect(true);
    }
    fn leave(&mut self) {
        expect(false);
    }
}
