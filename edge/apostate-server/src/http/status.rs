//! The status of the partitions, asked of their executors between two turns: one request at a time asks.

use std::sync::Arc;
use std::time::Duration;

use apostate_api::ErrorCode;
use apostate_log::PartitionId;

use crate::NodeStatus;
use crate::http::blocking::blocking;
use crate::http::edge::Edge;
use crate::http::fault::Fault;

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

/// Checks that `partition` answers. A silent one would otherwise hold up a request that waits for several.
pub(crate) async fn check_speaks(edge: &Arc<Edge>, partition: PartitionId) -> Result<(), Fault> {
    match status(edge).await?.silent.contains(&partition) {
        true => Err(silent(partition)),
        false => Ok(()),
    }
}

/// A partition that does not answer.
pub(crate) fn silent(partition: PartitionId) -> Fault {
    let detail = format!("partition {partition} does not say how it is: a handler runs for long; the log names it");
    Fault::new(ErrorCode::NotReady, detail)
}
