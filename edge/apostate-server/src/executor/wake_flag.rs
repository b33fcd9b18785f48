//! Wake flag: how a log tells a partition host that it has results. Set a hundred times before the host looks, it counts once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::executor::mailbox::Mailbox;

/// The flag of one partition host, set by the log's writer.
#[derive(Debug)]
pub(crate) struct WakeFlag {
    is_set: AtomicBool,
    mailbox: Arc<Mailbox>,
}

impl WakeFlag {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { is_set: AtomicBool::new(false), mailbox }
    }

    pub(crate) fn set(&self) {
        if !self.is_set.swap(true, Ordering::AcqRel) {
            self.mailbox.wake_for_log();
        }
    }

    /// Whether it was set since the last time.
    pub(crate) fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }
}
