//! Startup: waits until every partition of a node serves, has no room to, or will not.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crossbeam_channel::Receiver;
use tracing::warn;

use crate::executor::announcement::{Announcement, Progress};
use crate::node::error::OpenError;

/// Waits until all of so many partitions were read back, lets them serve, and waits until they do. One that cannot leaves
/// its neighbours to it, as one that stops later does; only if none can, or if the disk fails, the node does not open. One whose log has
/// no room serves when it has, as after a disk that fills up later: a node that is open can say what it waits for.
pub(super) fn wait_until_all_serve(
    partitions: usize,
    announcements: &Receiver<Announcement>,
    mut progress: impl FnMut(Progress),
    start: impl FnOnce(),
) -> Result<(), OpenError> {
    let (mut opened, mut start) = (0, Some(start));
    let (mut serving, mut failed) = (BTreeSet::new(), BTreeMap::new());
    let mut full = BTreeSet::new();
    while serving.len() + failed.len() + full.len() < partitions {
        // Executors announce before they end; if all are gone without a word, one of them panicked.
        let announcement = announcements
            .recv()
            .map_err(|error| OpenError::System { what: "run the executors", source: io::Error::other(error) })?;
        match announcement {
            Announcement::Progress(at) => progress(at),
            Announcement::Opened => opened += 1,
            Announcement::Failed(partition, failure) => {
                let is_io_error = failure.is_io_error();
                let error = OpenError::of(partition, failure);
                if is_io_error {
                    return Err(error);
                }
                failed.insert(partition, error);
            }
            Announcement::Full(partition) => {
                // One that serves has filled the disk since.
                if !serving.contains(&partition) {
                    full.insert(partition);
                }
            }
            Announcement::Serving(partition) => {
                full.remove(&partition);
                serving.insert(partition);
            }
            Announcement::Stopped(partition, reason) => {
                full.remove(&partition);
                serving.remove(&partition);
                failed.insert(partition, OpenError::Stopped { partition, reason });
            }
        }
        if opened > 0
            && opened + failed.len() == partitions
            && let Some(start) = start.take()
        {
            start();
        }
    }
    for partition in &full {
        warn!(
            partition = partition.0,
            "disk is full: the partition does not serve yet; make room, it goes on by itself"
        );
    }
    match failed.pop_first() {
        Some((_, error)) if serving.is_empty() && full.is_empty() => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use apostate_log::PartitionId;

    use super::*;

    const ONE: PartitionId = PartitionId(1);
    const TWO: PartitionId = PartitionId(2);

    /// The result of opening two partitions that announce these things, and whether they were let serve.
    fn open(announced: Vec<Announcement>) -> (Result<(), OpenError>, bool) {
        let (announce, announcements) = crossbeam_channel::unbounded();
        announced.into_iter().for_each(|announcement| announce.send(announcement).expect("somebody listens"));
        let mut is_started = false;
        drop(announce);
        (wait_until_all_serve(2, &announcements, |_| {}, || is_started = true), is_started)
    }

    #[test]
    fn a_node_opens_while_a_partition_waits_for_room() {
        use Announcement::{Full, Opened, Serving};
        for announced in [
            vec![Opened, Opened, Full(TWO), Serving(ONE)],
            vec![Opened, Opened, Full(TWO), Full(ONE)],
            vec![Opened, Opened, Serving(ONE), Full(ONE), Full(TWO)],
        ] {
            let (result, is_started) = open(announced);
            assert!(is_started && result.is_ok(), "{result:?}");
        }
        let (result, _) = open(vec![Opened, Opened, Serving(ONE), Full(ONE)]);
        assert!(matches!(result, Err(OpenError::System { .. })), "the second one has said nothing: {result:?}");
    }
}
