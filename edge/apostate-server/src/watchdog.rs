//! The watchdog: names handlers that take too long, and partitions that hold back the log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::Registry;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tracing::warn;

use crate::disk::Disk;
use crate::mail::Mail;
use crate::routes::Routes;
use crate::running::{Running, RunningNow};

/// A handler that runs longer is named.
const HANDLER_TIME_MAX: Duration = Duration::from_millis(100);

/// How often it looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// How many looks lie between two at the log.
const LOOKS_PER_PIN_CHECK: u32 = 20;

pub(crate) struct Watchdog {
    pub(crate) routes: Arc<Routes>,
    pub(crate) running: Arc<Running>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) disk: Arc<Disk>,
    /// A partition may hold back this much of the log.
    pub(crate) pinned_bytes_max: u64,
}

/// One partition's handler as of an earlier look.
#[derive(Clone, Copy)]
struct Seen {
    running: RunningNow,
    since: Instant,
    is_named: bool,
}

impl Watchdog {
    /// The body of the watchdog's thread: watches until `stop` is dropped.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let mut seen = vec![None; self.routes.places().len()];
        for look in 1_u32.. {
            if stop.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            for (partition, seen) in seen.iter_mut().enumerate() {
                self.look_at_handler(partition, seen);
            }
            if look.is_multiple_of(LOOKS_PER_PIN_CHECK) {
                self.look_at_log();
            }
        }
    }

    fn look_at_handler(&self, partition: usize, seen: &mut Option<Seen>) {
        let Some(running) = self.running.now(partition) else {
            *seen = None;
            return;
        };
        match seen {
            Some(seen) if seen.running.sequence == running.sequence => {
                let time = seen.since.elapsed();
                if time >= HANDLER_TIME_MAX && !seen.is_named {
                    seen.is_named = true;
                    let (kind, handler) = self.names(running);
                    let milliseconds = time.as_millis() as u64;
                    warn!(kind, handler, milliseconds, "a handler takes long; its partition waits for it");
                }
            }
            _ => *seen = Some(Seen { running, since: Instant::now(), is_named: false }),
        }
    }

    fn names(&self, running: RunningNow) -> (&'static str, &'static str) {
        let kind = self.registry.kinds().iter().find(|kind| kind.id.0 == running.kind);
        let handler = kind.and_then(|kind| kind.handlers.iter().find(|info| info.id().0 == running.handler));
        (kind.map_or("unknown", |kind| kind.name), handler.map_or("unknown", |info| info.name))
    }

    /// An idle partition's last records hold back segments that are otherwise done with: a checkpoint lets go of them.
    fn look_at_log(&self) {
        for (partition, bytes) in self.disk.pins() {
            if bytes <= self.pinned_bytes_max {
                return;
            }
            if let Some(place) = self.routes.place_of(partition) {
                // Nobody waits: the wish is what counts.
                let (tell, _) = crossbeam_channel::bounded(1);
                self.routes.mailbox(place).post(Mail::Wish { seat: place.seat, tell });
            }
        }
    }
}
