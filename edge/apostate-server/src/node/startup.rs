//! Startup: waits until every partition of a node serves, or until it is certain that none will.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use apostate_log::PartitionId;
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::executor::announcement::{Announcement, Progress};
use crate::node::error::OpenError;

/// Waits until all of so many partitions were read back, lets them serve, and waits until they do. One that cannot leaves
/// its neighbours to it, as one that stops later does; only if none can, or if the disk fails or has no room for longer than
/// `patience`, the node does not open.
pub(super) fn wait_until_all_serve(
    partitions: usize,
    announcements: &Receiver<Announcement>,
    patience: Duration,
    mut progress: impl FnMut(Progress),
    start: impl FnOnce(),
) -> Result<(), OpenError> {
    let (mut opened, mut start) = (0, Some(start));
    let (mut serving, mut failed) = (BTreeSet::new(), BTreeMap::new());
    let mut full: BTreeMap<PartitionId, Instant> = BTreeMap::new();
    while serving.len() + failed.len() < partitions {
        let first = full.iter().min_by_key(|(_, since)| **since).map(|(partition, since)| (*partition, *since));
        let announcement = match first {
            None => announcements.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some((_, since)) => announcements.recv_deadline(since + patience),
        };
        match (announcement, first) {
            (Ok(Announcement::Progress(at)), _) => progress(at),
            (Ok(Announcement::Opened), _) => opened += 1,
            (Ok(Announcement::Failed(partition, failure)), _) => {
                let is_io_error = failure.is_io_error();
                let error = OpenError::of(partition, failure);
                if is_io_error {
                    return Err(error);
                }
                failed.insert(partition, error);
            }
            (Ok(Announcement::Full(partition)), _) => {
                full.entry(partition).or_insert_with(Instant::now);
            }
            (Ok(Announcement::Serving(partition)), _) => {
                full.remove(&partition);
                serving.insert(partition);
            }
            (Ok(Announcement::Stopped(partition, reason)), _) => {
                full.remove(&partition);
                serving.remove(&partition);
                failed.insert(partition, OpenError::Stopped { partition, reason });
            }
            (Err(RecvTimeoutError::Timeout), Some((partition, _))) => {
                return Err(OpenError::NoRoom { partition, patience });
            }
            // Executors announce before they end; if all are gone without a word, one of them panicked.
            (Err(error), _) => {
                return Err(OpenError::System { what: "run the executors", source: io::Error::other(error) });
            }
        }
        if opened > 0
            && opened + failed.len() == partitions
            && let Some(start) = start.take()
        {
            start();
        }
    }
    match failed.pop_first() {
        Some((_, error)) if serving.is_empty() => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PartitionId = PartitionId(1);
    const TWO: PartitionId = PartitionId(2);

    /// Two partitions that announce these things open, and whether they were let serve.
    fn open(announced: Vec<Announcement>) -> (Result<(), OpenError>, bool) {
        let (announce, announcements) = crossbeam_channel::unbounded();
        announced.into_iter().for_each(|announcement| announce.send(announcement).expect("somebody listens"));
        let (patience, mut is_started) = (Duration::from_millis(20), false);
        let result = wait_until_all_serve(2, &announcements, patience, |_| {}, || is_started = true);
        drop(announce);
        (result, is_started)
    }

    #[test]
    fn a_node_does_not_wait_for_room_for_ever() {
        use Announcement::{Full, Opened, Serving};
        let (result, is_started) = open(vec![Opened, Opened, Full(TWO), Serving(ONE)]);
        assert!(is_started);
        let Err(error @ OpenError::NoRoom { partition: TWO, .. }) = result else { panic!("{result:?}") };
        assert!(error.to_string().contains("make room"), "{error}");
    }

    #[test]
    fn a_node_that_gets_room_in_time_opens() {
        use Announcement::{Full, Opened, Serving};
        let (result, is_started) = open(vec![Opened, Opened, Full(TWO), Serving(ONE), Serving(TWO)]);
        assert!(is_started && result.is_ok());
    }
}
