//! Keeps panics that are part of the play from being printed.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn set_quiet(is_quiet: bool) {
    IS_QUIET.set(is_quiet);
}

/// From now on, panics of handlers are not printed.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                before(info);
            }
        }));
    });
}
