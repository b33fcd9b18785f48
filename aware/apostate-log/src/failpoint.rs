//! Places where a test may let the process die.
//!
//! The environment variable `APOSTATE_FAILPOINT=name:count` makes the process kill itself, as `kill -9` would,
//! when it passes the failpoint of that name for the `count`-th time. It works with the feature `failpoints`
//! only; without it [`failpoint`] is empty, and no variable can kill a process in production.

/// All failpoints of this crate, for tests that want to die in each.
pub const FAILPOINTS: &[&str] = &[
    "files.segment-created",
    "files.segment-allocated",
    "files.segment-named",
    "files.segment-durable",
    "files.gathered",
    "files.written",
    "files.synced",
    "files.reported",
    "files.trim-begun",
    "files.trimmed",
    "store.before-ingest",
    "store.ingested",
    "store.durable",
];

/// Dies here if the environment says so; see the module.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
pub fn failpoint(_name: &str) {}

/// Dies here if the environment says so; see the module.
#[cfg(feature = "failpoints")]
pub fn failpoint(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static CHOSEN: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let chosen = CHOSEN.get_or_init(|| {
        let text = std::env::var("APOSTATE_FAILPOINT").ok()?;
        let (name, count) = text.rsplit_once(':').unwrap_or((&text, "1"));
        Some((name.to_owned(), count.parse().unwrap_or(1)))
    });
    if let Some((chosen, count)) = chosen
        && chosen == name
        && PASSED.fetch_add(1, Ordering::Relaxed) + 1 == *count
    {
        // The signal that no handler sees, as when the system takes the process away.
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        std::process::abort();
    }
}
