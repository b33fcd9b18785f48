//! Telling when nothing is on its way any more.
//!
//! One look at each partition is not enough: while the second is looked at, a message may go from it to the first. So all
//! are looked at twice; if each was quiet both times and made no record in between, then at every moment between the two
//! rounds all of them were quiet together.

use std::thread;
use std::time::{Duration, Instant};

use apostate_log::{PartitionId, Position};

use crate::CallError;
use crate::client::node_handle::NodeHandle;
use crate::executor::status::PartitionStatus;

const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// How long a partition may take to say how it is.
const LOOK_PATIENCE: Duration = Duration::from_secs(1);
const LOOK_PATIENCE_MIN: Duration = Duration::from_millis(10);

/// Waits until nothing is on its way, or until `patience` is at its end. Whether all is quiet.
pub(crate) fn wait(node: &NodeHandle, patience: Option<Duration>) -> Result<bool, CallError> {
    let begun = Instant::now();
    let mut pause = PAUSE_MIN;
    let mut before = None;
    loop {
        let left = patience.map(|patience| patience.saturating_sub(begun.elapsed()));
        let quiet = look(node, left.unwrap_or(LOOK_PATIENCE).clamp(LOOK_PATIENCE_MIN, LOOK_PATIENCE))?;
        if quiet.is_some() && quiet == before {
            return Ok(true);
        }
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        // A first quiet look is followed at once by the second.
        if quiet.is_none() {
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        before = quiet;
    }
}

/// Where every partition's log ends, if all are quiet. One that does not say how it is within `patience` is not.
fn look(node: &NodeHandle, patience: Duration) -> Result<Option<Vec<(PartitionId, Position)>>, CallError> {
    let (mut partitions, is_all) = node.reports(patience);
    if partitions.len() < node.routes.places().len() {
        return if is_all { Err(CallError::Closed) } else { Ok(None) };
    }
    partitions.sort_unstable_by_key(|partition| partition.range);
    let mut ends = Vec::with_capacity(partitions.len());
    for partition in &partitions {
        match quiet_end(partition)? {
            Some(end) => ends.push((partition.id, end)),
            None => return Ok(None),
        }
    }
    Ok(Some(ends))
}

fn quiet_end(partition: &PartitionStatus) -> Result<Option<Position>, CallError> {
    let status = partition.state.as_ref().map_err(|reason| CallError::Stopped {
        entity: format!("partition {}", partition.id),
        reason: reason.clone(),
    })?;
    let is_quiet = partition.requests == 0 && status.is_quiet;
    Ok(is_quiet.then_some(status.submitted))
}
