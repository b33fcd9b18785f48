//! Places where a test may let the process die, beside those of the log and the store.

/// The failpoints of this crate, for tests that want to die in each; see [`apostate_log::FAILPOINTS`] for more.
pub const FAILPOINTS: &[&str] = &[
    "directory.manifest-written",
    "directory.disk-created",
    "directory.ready",
    "node.opened",
    "checkpointer.taken",
    "checkpointer.written",
    "checkpointer.told",
];
