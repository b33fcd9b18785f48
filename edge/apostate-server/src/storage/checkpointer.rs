//! Checkpointer: a thread that writes checkpoints to the store, while executors go on. Small ones that wait are written together: to ask a
//! thousand idle partitions for a checkpoint costs about as much as to ask one.
//!
//! With every checkpoint goes the log engine's *mark*: how much of the log was durable by then. A log that ends before
//! the mark when it is opened has lost what was acknowledged.
//!
//! A full disk is waited for: the partition keeps what has changed in memory, takes new work up to its limit, and the log is not
//! trimmed. The checkpoint of another partition would find no room either.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use apostate_core::panic_text;
use apostate_log::{PartitionId, StoreError, failpoint};
use apostate_partition::Checkpoint;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tracing::{debug, info, warn};

use crate::executor::messages::ExecutorMessage;
use crate::executor::routes::Routes;
use crate::storage::disk::Disk;

/// Time between two tries to write a checkpoint to a full disk.
const FULL_DELAY: Duration = Duration::from_secs(1);

/// Most cells of checkpoints that are written together: each waits for all of them.
const GROUP_CELLS_MAX: usize = 16_384;

/// Tries between two warnings.
const TRIES_PER_WARNING: u32 = 60;

/// The body of the checkpointer's thread: writes what it is given until all senders are gone. It waits for a full disk until `ending`
/// is dropped.
pub(crate) fn run(orders: &Receiver<Box<Checkpoint>>, disk: &Disk, routes: &Routes, ending: &Receiver<()>) {
    let mut held = None;
    #[expect(clippy::borrowed_box, reason = "it is what comes, and what is held")]
    let of = |checkpoint: &Box<Checkpoint>| (checkpoint.partition, checkpoint.length());
    while let Some(checkpoints) = next_group(orders, &mut held, of) {
        failpoint("checkpointer.taken");
        let result = write(&checkpoints, disk, ending);
        failpoint("checkpointer.written");
        for checkpoint in checkpoints {
            let (partition, position) = (checkpoint.partition, checkpoint.position);
            let result = result.clone().map(|()| position);
            routes.post(ExecutorMessage::Checkpointed { partition, result });
        }
        failpoint("checkpointer.told");
    }
}

/// What is written next: one checkpoint of any size, or as many small ones as wait, each of another partition. `held` is one that was
/// taken and did not fit; `of` gives the partition of one and the number of its cells. None: all senders are gone.
fn next_group<T>(
    orders: &Receiver<T>,
    held: &mut Option<T>,
    of: impl Fn(&T) -> (PartitionId, usize),
) -> Option<Vec<T>> {
    let first = held.take().map_or_else(|| orders.recv().ok(), Some)?;
    let (partition, mut cells) = of(&first);
    let (mut group, mut partitions) = (vec![first], BTreeSet::from([partition]));
    while cells < GROUP_CELLS_MAX {
        let Ok(next) = orders.try_recv() else { break };
        let (partition, more) = of(&next);
        cells += more;
        if cells > GROUP_CELLS_MAX || !partitions.insert(partition) {
            *held = Some(next);
            break;
        }
        group.push(next);
    }
    Some(group)
}

fn write(checkpoints: &[Box<Checkpoint>], disk: &Disk, ending: &Receiver<()>) -> Result<(), String> {
    let all: Vec<_> = checkpoints.iter().map(Box::as_ref).collect();
    let partition = all[0].partition;
    debug!(partition = partition.0, position = all[0].position.0, checkpoints = all.len(), "checkpoint begins");
    let write = || Checkpoint::write_together(&all, disk.store(), &disk.host_rows());
    let pause = || {
        disk.set_store_full(true);
        ending.recv_timeout(FULL_DELAY) == Err(RecvTimeoutError::Timeout)
    };
    let written = until_there_is_room(partition, write, pause);
    disk.set_store_full(false);
    written?;
    debug!(partition = partition.0, checkpoints = all.len(), "checkpoint is durable");
    Ok(())
}

/// Writes again and again as long as the disk is full; `pause` waits in between, and says whether to go on.
fn until_there_is_room(
    partition: PartitionId,
    mut write: impl FnMut() -> Result<(), StoreError>,
    mut pause: impl FnMut() -> bool,
) -> Result<(), String> {
    for tries in 0_u32.. {
        let error = match catch_unwind(AssertUnwindSafe(&mut write)) {
            Ok(Ok(())) => {
                if tries > 0 {
                    info!(partition = partition.0, "disk has room again; checkpoint is written");
                }
                return Ok(());
            }
            Ok(Err(error @ StoreError::Full { .. })) => error,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(payload) => return Err(format!("the store panicked: {}", panic_text(payload.as_ref()))),
        };
        if tries.is_multiple_of(TRIES_PER_WARNING) {
            warn!(partition = partition.0, %error, "disk is full: cannot write a checkpoint; make room, it is retried every second");
        }
        if !pause() {
            return Err(format!("node closed while the disk was full, checkpoint not written: {error}"));
        }
    }
    unreachable!("it is tried again for ever")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_checkpoints_that_wait_are_written_together_and_a_large_one_alone() {
        let (send, orders) = crossbeam_channel::unbounded();
        let (small, large) = (GROUP_CELLS_MAX / 4, GROUP_CELLS_MAX * 3);
        let sizes = [(1, small), (2, small), (3, large), (4, small), (5, small), (4, small), (6, 0)];
        sizes.into_iter().for_each(|(id, cells)| send.send((PartitionId(id), cells)).expect("received"));
        drop(send);
        let (mut held, mut groups) = (None, Vec::new());
        while let Some(group) = next_group(&orders, &mut held, |order| *order) {
            groups.push(group.into_iter().map(|(PartitionId(id), _)| id).collect::<Vec<_>>());
        }
        assert_eq!(groups, [vec![1, 2], vec![3], vec![4, 5], vec![4, 6]], "in order, and no partition twice at once");
    }

    fn full() -> StoreError {
        StoreError::Full { detail: "a test says so".to_owned() }
    }

    #[test]
    fn a_checkpoint_that_finds_no_room_is_written_when_there_is() {
        let mut results = vec![Ok(()), Err(full()), Err(full())];
        let written = until_there_is_room(PartitionId(1), || results.pop().expect("no more tries"), || true);
        assert_eq!(written, Ok(()));
        assert!(results.is_empty());
    }

    #[test]
    fn a_node_that_is_closed_does_not_wait_for_room() {
        let result = until_there_is_room(PartitionId(1), || Err(full()), || false);
        assert!(result.is_err_and(|reason| reason.contains("disk was full")));
    }

    #[test]
    fn any_other_failure_is_told_at_once() {
        let failed = || Err(StoreError::Io { detail: "gone".to_owned() });
        let result = until_there_is_room(PartitionId(1), failed, || panic!("it waits"));
        assert_eq!(result, Err("store: gone".to_owned()));
    }
}
