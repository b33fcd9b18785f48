//! Panic hook: a handler's panic is an expected event. It is caught, logged and answered, so nothing of it goes to stderr.
//!
//! A panic anywhere else is a bug, and goes on to the hook that was there before.

use std::cell::Cell;
use std::panic;
use std::sync::Once;

thread_local! {
    static IS_IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

/// This thread enters or leaves a handler.
pub(crate) fn set_in_handler(is_in_handler: bool) {
    IS_IN_HANDLER.set(is_in_handler);
}

/// Silences panics inside handlers, for the whole process, once.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_IN_HANDLER.get() {
                before(info);
            }
        }));
    });
}
