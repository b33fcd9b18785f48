//! Wake flag: how a log tells a partition host that it has results. Set a hundred times before the host reads it, it counts once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use apostate_log::PartitionId;

use crate::executor::mailbox::Mailbox;
use crate::sync::lock;

/// The flag of one partition host, set by the log's writer.
#[derive(Debug)]
pub(crate) struct WakeFlag {
    partition: PartitionId,
    is_set: AtomicBool,
    /// Of the executor that the host is at, or goes to.
    mailbox: Mutex<Arc<Mailbox>>,
}

impl WakeFlag {
    pub(crate) fn new(partition: PartitionId, mailbox: Arc<Mailbox>) -> Self {
        Self { partition, is_set: AtomicBool::new(false), mailbox: Mutex::new(mailbox) }
    }

    pub(crate) fn set(&self) {
        if !self.is_set.swap(true, Ordering::AcqRel) {
            // Not under the lock: a partition that moves has its mailboxes locked, and takes this one.
            let mailbox = Arc::clone(&lock(&self.mailbox));
            mailbox.wake_for_log(self.partition);
        }
    }

    /// Whether it was set since the last time.
    pub(crate) fn take(&self) -> bool {
        self.is_set.swap(false, Ordering::AcqRel)
    }

    /// Wakes another executor from now on. Whoever was woken last may be the one before: the host reads the flag where it arrives.
    pub(crate) fn wake_at(&self, mailbox: &Arc<Mailbox>) {
        *lock(&self.mailbox) = Arc::clone(mailbox);
    }
}
