//! The status of the partitions, asked of their executors between two turns: one request at a time asks.

use std::sync::Arc;
use std::time::Duration;

use apostate_api::ErrorCode;
use apostate_log::PartitionId;

use crate::http::blocking::blocking;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::{NodeStatus, PartitionStatus};

/// How long a request about the node's health waits for its partitions.
pub(crate) const STATUS_PATIENCE: Duration = Duration::from_secs(2);

/// The status of every partition.
pub(crate) async fn status(edge: &Arc<Edge>) -> Result<NodeStatus, Fault> {
    let asked = Arc::clone(edge);
    let reporting = Arc::clone(&edge.reporting).lock_owned().await;
    blocking(move || {
        let _reporting = reporting;
        asked.shared.status()
    })
    .await
}

/// Checks that `partition` answers, and has room for its log. It would otherwise hold up a request that waits for several.
pub(crate) async fn check_speaks(edge: &Arc<Edge>, partition: PartitionId) -> Result<(), Fault> {
    let status = status(edge).await?;
    if status.silent.contains(&partition) {
        return Err(silent(partition));
    }
    let is_full = |status: &PartitionStatus| status.state.as_ref().is_ok_and(|status| status.is_full);
    if status.partitions.iter().any(|status| status.id == partition && is_full(status)) {
        return Err(Fault::busy(no_room(partition)));
    }
    Ok(())
}

/// What is said of a partition whose log has no room.
pub(crate) fn no_room(partition: PartitionId) -> String {
    format!("partition {partition} has no room for its log; make room on the disk of the data")
}

/// A partition that does not answer.
pub(crate) fn silent(partition: PartitionId) -> Fault {
    let detail = format!("partition {partition} does not say how it is: a handler runs for long; the log names it");
    Fault::new(ErrorCode::NotReady, detail)
}
