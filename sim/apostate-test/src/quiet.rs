//! Keeps panics of handlers from being printed: the kit catches them, and tells of them by itself.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`; what panics in it is not printed.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let before = IS_QUIET.replace(true);
    let done = work();
    IS_QUIET.set(before);
    done
}

/// Until this is called with false, panics of this thread are not printed.
pub(crate) fn set_quiet(is_quiet: bool) {
    IS_QUIET.set(is_quiet);
}

/// Makes it so, once for all threads of the process.
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
