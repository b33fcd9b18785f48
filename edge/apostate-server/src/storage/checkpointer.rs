//! Checkpointer: a thread that writes checkpoints to the store, one at a time, while executors go on.
//!
//! With every checkpoint goes the log engine's *mark*: how much of the log was durable by then. A log that ends before
//! the mark when it is opened has lost what was acknowledged.
//!
//! A full disk is waited for: the partition keeps what has changed in memory, takes new work up to its limit, and the log is not
//! trimmed. The checkpoint of another partition would find no room either.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use apostate_core::panic_text;
use apostate_log::{PartitionId, Position, StoreError, failpoint};
use apostate_partition::Checkpoint;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tracing::{debug, info, warn};

use crate::executor::messages::ExecutorMessage;
use crate::executor::routes::Routes;
use crate::storage::disk::Disk;

/// Time between two tries to write a checkpoint to a full disk.
const FULL_DELAY: Duration = Duration::from_secs(1);

/// Tries between two warnings.
const TRIES_PER_WARNING: u32 = 60;

/// The body of the checkpointer's thread: writes what it is given until all senders are gone. It waits for a full disk until `ending`
/// is dropped.
pub(crate) fn run(orders: &Receiver<Box<Checkpoint>>, disk: &Disk, routes: &Routes, ending: &Receiver<()>) {
    for checkpoint in orders {
        failpoint("checkpointer.taken");
        let partition = checkpoint.partition;
        let result = write(&checkpoint, disk, ending);
        failpoint("checkpointer.written");
        routes.post(ExecutorMessage::Checkpointed { partition, result });
        failpoint("checkpointer.told");
    }
}

fn write(checkpoint: &Checkpoint, disk: &Disk, ending: &Receiver<()>) -> Result<Position, String> {
    let (partition, position) = (checkpoint.partition, checkpoint.position);
    debug!(partition = partition.0, position = position.0, "checkpoint begins");
    let write = || checkpoint.write(disk.store(), &disk.host_rows());
    let pause = || {
        disk.set_store_full(true);
        ending.recv_timeout(FULL_DELAY) == Err(RecvTimeoutError::Timeout)
    };
    let written = until_there_is_room(partition, write, pause);
    disk.set_store_full(false);
    written?;
    debug!(partition = partition.0, position = position.0, "checkpoint is durable");
    Ok(position)
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
