//! What all lists have in common: how many items a page has, and that from the first one on all is there that was durable when it
//! was asked for.

use std::time::{Duration, Instant};

use apostate_api::ErrorCode;

use crate::CallError;
use crate::client::listing::PAGE_BYTES;
use crate::client::shared::Shared;
use crate::client::wish::{CheckpointWish, Unfulfilled};
use crate::http::calls::quoted;
use crate::http::fault::Fault;
use crate::http::query::Query;

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
/// list. An item that cannot be shown is a page's first one, so that nothing before it is lost.
pub(crate) fn page<T, A>(
    after: Option<A>,
    limit: usize,
    read_on: impl Fn(Option<&A>, usize) -> Result<Vec<T>, Fault>,
    item: impl Fn(&T) -> Result<Vec<u8>, Fault>,
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
            let item = match item(&thing) {
                Err(_) if count > 0 => break 'page false,
                item => item?,
            };
            if count > 0 {
                text.push(b',');
            }
            text.extend_from_slice(&item);
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

/// Has every partition write what is durable to the store.
pub(crate) async fn checkpoint_all(shared: &Shared) -> Result<(), Fault> {
    wait_for(shared, CheckpointWish::tell_all(shared)).await
}

/// Waits until these checkpoints are made. No thread waits with it: there are few that may wait for a disk.
pub(crate) async fn wait_for(shared: &Shared, wishes: impl IntoIterator<Item = CheckpointWish>) -> Result<(), Fault> {
    let until = Instant::now() + CHECKPOINT_PATIENCE;
    let mut pause = POLL_MIN;
    for wish in wishes {
        let made = loop {
            match wish.poll() {
                Some(made) => break made,
                None if Instant::now() >= until => break Err(Unfulfilled::Late),
                None => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(POLL_MAX);
        };
        made.map_err(|unfulfilled| match unfulfilled {
            Unfulfilled::Stopped(reason) => wish.stopped(shared, reason).into(),
            Unfulfilled::Closed => CallError::Closed.into(),
            Unfulfilled::Late => {
                let detail =
                    format!("partition {} is long in making its checkpoint; look after the disk", wish.partition);
                Fault::new(ErrorCode::NotReady, detail)
            }
        })?;
    }
    Ok(())
}

/// Runs what may wait for a disk where nobody else waits.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))
}
