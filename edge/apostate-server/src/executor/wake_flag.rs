//! How the log tells a host that it has results: a hundred rings before the host looks are one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::executor::mailbox::Mailbox;

/// Rung by the log's writer for one host.
#[derive(Debug)]
pub(crate) struct WakeFlag {
    is_rung: AtomicBool,
    mailbox: Arc<Mailbox>,
}

impl WakeFlag {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { is_rung: AtomicBool::new(false), mailbox }
    }

    pub(crate) fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            self.mailbox.ring();
        }
    }

    /// Whether it was rung since the last time.
    pub(crate) fn answer(&self) -> bool {
        self.is_rung.swap(false, Ordering::AcqRel)
    }
}
