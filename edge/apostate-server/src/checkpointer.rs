//! The checkpointer: a thread that writes checkpoints to the store, one at a time, while executors go on.
//!
//! With every checkpoint goes the log engine's *mark*: how much of the log was durable by then. A log that ends before
//! the mark when it is opened has lost what was acknowledged.

use std::panic::{AssertUnwindSafe, catch_unwind};

use apostate_log::{Position, failpoint};
use crossbeam_channel::Receiver;
use tracing::debug;

use crate::disk::Disk;
use crate::mail::Mail;
use crate::outgoing::CheckpointOrder;
use crate::quiet_panics::panic_text;
use crate::routes::Routes;

/// The body of the checkpointer's thread: writes what it is given until nobody can give any more.
pub(crate) fn run(orders: &Receiver<CheckpointOrder>, disk: &Disk, routes: &Routes) {
    for order in orders {
        failpoint("checkpointer.taken");
        let (executor, seat) = (order.executor, order.seat);
        let result = write(order, disk);
        failpoint("checkpointer.written");
        routes.mailboxes()[executor].post(Mail::Checkpointed { seat, result });
        failpoint("checkpointer.told");
    }
}

fn write(order: CheckpointOrder, disk: &Disk) -> Result<Position, String> {
    let CheckpointOrder { executor: _, seat: _, checkpoint } = order;
    let (partition, position) = (checkpoint.partition, checkpoint.position);
    debug!(partition = partition.0, position = position.0, "checkpoint begins");
    let write = AssertUnwindSafe(|| checkpoint.write(disk.store(), &disk.host_rows()));
    match catch_unwind(write) {
        Ok(Ok(())) => {
            debug!(partition = partition.0, position = position.0, "checkpoint is durable");
            Ok(position)
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(payload) => Err(format!("the store panicked: {}", panic_text(payload.as_ref()))),
    }
}
