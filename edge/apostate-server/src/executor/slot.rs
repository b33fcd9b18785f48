//! Slot: the place of one partition host at its executor, and what waits there while the host is away.
//!
//! A host is away while a thread that was left behind runs a handler that does not end. Its neighbours go on meanwhile, and what
//! comes for it waits here in the order in which it came.

use crate::executor::host::PartitionHost;
use crate::executor::messages::ExecutorMessage;

/// The place of one partition host.
pub(crate) enum HostSlot {
    /// The host is here. In a box, so that it is taken out and put back quickly.
    Here(Box<PartitionHost>),
    /// A thread has taken the host along for its turn. What came for it since.
    Away(Vec<ExecutorMessage>),
}

impl HostSlot {
    /// Takes the host out for its turn.
    pub(crate) fn take(&mut self) -> Option<Box<PartitionHost>> {
        match std::mem::replace(self, Self::Away(Vec::new())) {
            Self::Here(host) => Some(host),
            away @ Self::Away(_) => {
                *self = away;
                None
            }
        }
    }

    /// Puts the host back, and gives what came for it since.
    pub(crate) fn put_back(&mut self, host: Box<PartitionHost>) -> Vec<ExecutorMessage> {
        match std::mem::replace(self, Self::Here(host)) {
            Self::Away(held) => held,
            Self::Here(_) => unreachable!("a host was put back beside itself"),
        }
    }

    /// The host, if it is here.
    pub(crate) fn host(&self) -> Option<&PartitionHost> {
        match self {
            Self::Here(host) => Some(host),
            Self::Away(_) => None,
        }
    }

    /// As [`host`](Self::host).
    pub(crate) fn host_mut(&mut self) -> Option<&mut PartitionHost> {
        match self {
            Self::Here(host) => Some(host),
            Self::Away(_) => None,
        }
    }
}
