//! Telling over HTTP when nothing is on its way any more: all partitions were quiet twice, and made no record in between.

use std::time::{Duration, Instant};

use apostate_api::NodeStatus;
use apostate_api::client::Client;

use crate::failure::Failure;
use crate::progress::Progress;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until nothing is on its way; for `patience` at most while nothing moves.
pub(crate) async fn wait(client: &Client, patience: Duration, progress: &Progress) -> Result<(), Failure> {
    let (mut before, mut moved) = (None, Instant::now());
    for look in 1.. {
        let status = client.status().await?;
        progress.at(look);
        let seen = Some((ends(&status)?, status.partitions.iter().all(|partition| partition.is_quiet)));
        match &seen {
            _ if seen != before => moved = Instant::now(),
            Some((_, true)) => return Ok(()),
            _ if moved.elapsed() > patience => return Err(Failure::NotQuiet { patience }),
            _ => {}
        }
        before = seen;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Where the log of each partition ends: its epoch and its newest durable record.
fn ends(status: &NodeStatus) -> Result<Vec<(u64, u64)>, Failure> {
    let ends = status.partitions.iter().map(|partition| match &partition.stopped {
        Some(reason) => Err(Failure::PartitionStopped { partition: partition.id, reason: reason.clone() }),
        None => Ok((partition.epoch, partition.durable)),
    });
    ends.collect()
}
