//! Announcements: what executors tell the node while it opens.

use apostate_log::{LogError, PartitionId, Position, StoreError};
use apostate_partition::Notice;
use crossbeam_channel::{Receiver, Sender};

use crate::answers::stop::PartitionStop;

/// The progress of opening one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The partition.
    pub partition: PartitionId,
    /// The record that was read last.
    pub position: Position,
    /// The last record that there is to read.
    pub last: Position,
}

/// News of one partition of a node that opens.
#[derive(Debug)]
pub(crate) enum Announcement {
    Progress(Progress),
    Opened,
    Failed(PartitionId, OpenFailure),
    /// The log has no room for the record that the partition opens with.
    Full(PartitionId),
    Serving(PartitionId),
    Stopped(PartitionId, PartitionStop),
}

/// Why a partition did not open.
#[derive(Debug)]
pub(crate) enum OpenFailure {
    /// The log or the store cannot be used.
    Refused(apostate_partition::OpenError),
    /// An assertion broke.
    Broken(String),
}

impl OpenFailure {
    /// Whether the disk failed, and not what is on it: then it fails all partitions, or may work the next time.
    pub(crate) fn is_io_error(&self) -> bool {
        use apostate_partition::OpenError;
        match self {
            Self::Refused(OpenError::Store(error)) => {
                !matches!(error, StoreError::Damaged { .. } | StoreError::Newer { .. })
            }
            Self::Refused(OpenError::Log(error)) => matches!(error, LogError::Io { .. }),
            Self::Refused(_) | Self::Broken(_) => false,
        }
    }
}

impl std::fmt::Display for OpenFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Broken(reason) => reason.fmt(f),
        }
    }
}

/// The way to a node that opens; afterwards nothing is received.
#[derive(Clone, Debug)]
pub(crate) struct Announcer(Sender<Announcement>);

impl Announcer {
    pub(crate) fn new() -> (Self, Receiver<Announcement>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self(sender), receiver)
    }

    pub(crate) fn notice(&self, partition: PartitionId, notice: &Notice) {
        match notice {
            Notice::Serving { .. } => self.tell(Announcement::Serving(partition)),
            Notice::LogFull => self.tell(Announcement::Full(partition)),
            _ => {}
        }
    }

    pub(crate) fn stopped(&self, partition: PartitionId, reason: PartitionStop) {
        self.tell(Announcement::Stopped(partition, reason));
    }

    pub(crate) fn tell(&self, announcement: Announcement) {
        // The node listens until it is open.
        let _ = self.0.send(announcement);
    }
}
