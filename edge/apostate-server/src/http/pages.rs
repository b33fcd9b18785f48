//! Pages of all lists: how many items one has, and the checkpoints before the first one, so that a list has all that was durable
//! when it was asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_api::ErrorCode;

use crate::CallError;
use crate::client::checkpoint::{CheckpointError, CheckpointRequest};
use crate::client::listing::PAGE_BYTES;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::json::quoted;
use crate::http::query::Query;
use crate::http::status::check_speaks;

/// How many items a page has unless its reader says otherwise.
const LIMIT_DEFAULT: usize = 100;

/// Most items of one page.
const LIMIT_MAX: usize = 1000;

/// How long a list waits for its partitions' checkpoints.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(60);

/// How many items the reader wants.
pub(crate) fn limit(query: &Query) -> Result<usize, Fault> {
    let Some(limit) = query.get("limit") else { return Ok(LIMIT_DEFAULT) };
    limit
        .parse()
        .ok()
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| Fault::new(ErrorCode::BadQuery, format!("`limit` is 1 to {LIMIT_MAX}, not `{limit}`")))
}

/// One page as JSON text: items behind `after`, so many or so many bytes of them, at least one if there is one. `A` is a place in the
/// list.
pub(crate) fn page<T, A>(
    after: Option<A>,
    limit: usize,
    read_on: impl Fn(Option<&A>, usize) -> Result<Vec<T>, Fault>,
    item: impl Fn(&T) -> Vec<u8>,
    place: impl Fn(T) -> A,
    cursor: impl Fn(&A) -> String,
) -> Result<Vec<u8>, Fault> {
    let mut text = b"{\"items\":[".to_vec();
    let (mut at, mut count) = (after, 0);
    let is_whole = 'page: loop {
        let read = read_on(at.as_ref(), PAGE_BYTES - text.len())?;
        if read.is_empty() {
            break true;
        }
        for thing in read {
            if count > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&item(&thing));
            (at, count) = (Some(place(thing)), count + 1);
            if count == limit || text.len() >= PAGE_BYTES {
                break 'page false;
            }
        }
    };
    text.extend_from_slice(b"],\"next\":");
    match at.filter(|_| !is_whole) {
        None => text.extend_from_slice(b"null"),
        Some(last) => quoted(&mut text, &cursor(&last)),
    }
    text.push(b'}');
    Ok(text)
}

/// How often it is looked whether a checkpoint is made, at first and in the long run.
const POLL_MIN: Duration = Duration::from_micros(500);
const POLL_MAX: Duration = Duration::from_millis(50);

/// How long a checkpoint may take before it is asked whether its partition still speaks.
const SILENCE: Duration = Duration::from_secs(2);

/// Has every partition write what is durable to the store.
pub(crate) async fn checkpoint_all(edge: &Arc<Edge>, deadline: Option<Instant>) -> Result<(), Fault> {
    wait_for(edge, deadline, CheckpointRequest::send_to_all(&edge.shared)).await
}

/// Waits until these checkpoints are made, but not beyond the `deadline`. No thread waits with it: there are few that may wait
/// for a disk.
pub(crate) async fn wait_for(
    edge: &Arc<Edge>,
    deadline: Option<Instant>,
    requests: impl IntoIterator<Item = CheckpointRequest>,
) -> Result<(), Fault> {
    let until = Instant::now() + CHECKPOINT_PATIENCE;
    let until = deadline.map_or(until, |deadline| deadline.min(until));
    for request in requests {
        let made = match tokio::time::timeout_at((Instant::now() + SILENCE).min(until).into(), made(edge, &request))
            .await
        {
            Ok(made) => made,
            Err(_) if Instant::now() < until => {
                check_speaks(edge, request.partition).await?;
                tokio::time::timeout_at(until.into(), made(edge, &request)).await.unwrap_or(Err(CheckpointError::Late))
            }
            Err(_) => Err(CheckpointError::Late),
        };
        made.map_err(|unfulfilled| match unfulfilled {
            CheckpointError::Stopped(reason) => request.stopped(&edge.shared, reason).into(),
            CheckpointError::Closed => CallError::Closed.into(),
            CheckpointError::NoRoom => no_room(&request),
            CheckpointError::Late => late(&request, deadline),
        })?;
    }
    Ok(())
}

/// Waits until a checkpoint is made, or waits for room itself.
async fn made(edge: &Edge, request: &CheckpointRequest) -> Result<(), CheckpointError> {
    let mut pause = POLL_MIN;
    loop {
        if let Some(made) = request.poll(&edge.shared) {
            return made;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(POLL_MAX);
    }
}

/// Lists are read from checkpoints, so they are refused as new work is while there is no room for one.
fn no_room(request: &CheckpointRequest) -> Fault {
    let detail = format!(
        "partition {} has no room for the checkpoint that a list is read from; make room on the disk, and ask again",
        request.partition
    );
    Fault::busy(detail)
}

fn late(request: &CheckpointRequest, deadline: Option<Instant>) -> Fault {
    let partition = request.partition;
    if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
        let detail = format!("partition {partition} had not made its checkpoint when the deadline passed");
        return Fault::new(ErrorCode::DeadlineExceeded, detail);
    }
    let detail = format!("partition {partition} has not made its checkpoint yet; check the disk");
    Fault::new(ErrorCode::NotReady, detail)
}

#[cfg(test)]
mod tests {
    use apostate::prelude::*;

    use super::*;
    use crate::{HttpSettings, Node, Settings};

    /// Something to have a node for.
    #[entity(name = "shelf")]
    #[derive(Default, Serialize, Deserialize)]
    struct Shelf {}

    #[handlers]
    impl Shelf {}

    #[test]
    fn a_list_does_not_wait_for_room_on_a_full_disk() {
        let dir = tempfile::tempdir().expect("a directory");
        let node = Node::open::<(Shelf,)>(Settings::new(dir.path().join("data"))).expect("a node");
        let shared = Arc::clone(&node.client().node);
        let edge = Arc::new(Edge::new(Arc::clone(&shared), HttpSettings::default()));
        shared.with_disk(|disk| disk.set_store_full(true));
        let partition = shared.routes.table().places()[0].partition;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (request, _reply) = CheckpointRequest::unanswered(partition);
        let fault = runtime.block_on(wait_for(&edge, None, [request])).expect_err("there is no room");
        assert!(fault.is(ErrorCode::Busy), "{fault:?}");
        let (request, _reply) = CheckpointRequest::unanswered(partition);
        let error = request.wait(&shared).expect_err("nor for a list in the process");
        assert!(error.to_string().contains(&format!("partition {partition}")), "{error}");
    }
}
