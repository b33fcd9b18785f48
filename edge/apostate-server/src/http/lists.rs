//! Lists of a kind: page by page with a cursor, or all of it as a stream.
//!
//! A list is read from checkpoints. Its first page has every partition make one, so from then on the store holds everything
//! that was durable when the list began; later pages only read on, also after a restart. Pages are in the order of
//! the ring, then of the keys, and the cursor is a place in that order: it means the same however the ring is cut.
//!
//! A page is bounded by bytes and has one entity at least, so that a list is complete whatever is in it; an entity that cannot be
//! shown is there with the reason.

use std::sync::Arc;
use std::time::Instant;

use apostate_api::{EntityItem, ErrorCode, NDJSON_TYPE};
use apostate_core::{Address, EntityKey, KindId};
use apostate_log::StoreError;
use apostate_partition::{StoredEntity, list};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::Response;
use hyper::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;

use crate::client::listing::PAGE_BYTES;
use crate::client::node_handle::NodeHandle;
use crate::http::accept::{Form, form};
use crate::http::activity::ActiveRequest;
use crate::http::blocking::blocking;
use crate::http::call_options::CallOptions;
use crate::http::edge::{Edge, KindRow};
use crate::http::fault::Fault;
use crate::http::json::write_entity;
use crate::http::pages::{self, checkpoint_all};
use crate::http::query::Query;
use crate::http::reply::{Reply, json, typed};
use crate::http::stream::{Pieces, stream};

/// `/entities/{kind}`.
pub(crate) async fn list_kind(
    edge: &Arc<Edge>,
    parts: &Parts,
    kind: &str,
    query: &Query,
    active: ActiveRequest,
) -> Result<Response<Reply>, Fault> {
    let kind = edge.kind_index(kind)?;
    let form = form(&parts.headers)?;
    let deadline = CallOptions::deadline(&parts.headers)?;
    if form == Form::Lines {
        // Lines are all of the list, whatever the limit.
        query.check_known(&["after"])?;
    }
    // No cursor, or an empty one: from the beginning.
    let after = query.get("after").filter(|cursor| !cursor.is_empty());
    let after = after.map(|cursor| read_cursor(edge.kinds[kind].id, cursor)).transpose()?;
    let permit = edge.list()?;
    if form == Form::Lines {
        let (pieces, body) = stream();
        tokio::spawn(write_all(Arc::clone(edge), kind, (after, deadline), pieces, permit));
        return Ok(typed(NDJSON_TYPE, Reply::Streamed(body, active)));
    }
    let limit = pages::limit(query)?;
    if after.is_none() {
        checkpoint_all(edge, deadline).await?;
    }
    let text = {
        let edge = Arc::clone(edge);
        blocking(move || {
            let _permit = permit;
            page(&edge.shared, &edge.kinds[kind], after, limit)
        })
        .await??
    };
    Ok(json(Reply::within(text, |bytes| edge.budget.take(bytes).ok_or_else(Fault::no_room))?))
}

/// One page as JSON text.
fn page(shared: &NodeHandle, kind: &KindRow, after: Option<Address>, limit: usize) -> Result<Vec<u8>, Fault> {
    let read_on = |after: Option<&Address>, bytes_max| read_on(shared, kind.id, after, bytes_max);
    pages::page(after, limit, read_on, |entity| item(kind, entity), |entity| entity.address, cursor)
}

/// One entity. A state that cannot be shown hides no other: in its place is the problem that reading it alone is answered with.
fn item(kind: &KindRow, entity: &StoredEntity) -> Vec<u8> {
    let StoredEntity { address, version, state } = entity;
    let key = address.key().as_str();
    let mut text = b"{".to_vec();
    if let Err(fault) = write_entity(&mut text, kind.name, kind.show_state, key, *version, state) {
        let problem = Err(Box::new(fault.problem().clone()));
        let item = EntityItem::<()> { key: key.to_owned(), version: *version, state: problem };
        return serde_json::to_vec(&item).expect("a problem is plain data");
    }
    text
}

/// Writes all entities behind `after`, one a line. If that breaks off, the last line is a problem.
async fn write_all(
    edge: Arc<Edge>,
    kind: usize,
    (mut after, deadline): (Option<Address>, Option<Instant>),
    pieces: Pieces,
    permit: OwnedSemaphorePermit,
) {
    let _permit = permit;
    if after.is_none()
        && let Err(fault) = checkpoint_all(&edge, deadline).await
    {
        return break_off(&edge, pieces, fault.into_line()).await;
    }
    loop {
        let read = {
            let edge = Arc::clone(&edge);
            let after = after.clone();
            move || lines(&edge.shared, &edge.kinds[kind], after)
        };
        let (piece, last) = match blocking(read).await.and_then(|read| read) {
            Ok((_, None)) => return pieces.end().await,
            Ok(_) if edge.is_stopping() => {
                let fault = Fault::new(ErrorCode::NotReady, "the node stops; list again after the next start");
                return break_off(&edge, pieces, fault.into_line()).await;
            }
            Ok((text, Some(last))) => (text, last),
            Err(fault) => return break_off(&edge, pieces, fault.into_line()).await,
        };
        // What others do not read takes its share too; whoever read this may have gone meanwhile.
        let is_wanted = || !pieces.is_closed() && !edge.is_stopping();
        let Some(share) = edge.budget.wait(piece.len(), is_wanted).await else { return };
        if pieces.send(share.of(piece)).await.is_err() {
            return;
        }
        after = Some(last);
    }
}

/// The last lines of a list that does not come to its end, whatever memory there is.
async fn break_off(edge: &Edge, pieces: Pieces, last: Vec<u8>) {
    let share = edge.budget.overdraw(last.len());
    if pieces.send(share.of(last)).await.is_ok() {
        pieces.end().await;
    }
}

/// The next entities, one a line, and the last of them; none at the end.
fn lines(shared: &NodeHandle, kind: &KindRow, after: Option<Address>) -> Result<(Vec<u8>, Option<Address>), Fault> {
    let entities = read_on(shared, kind.id, after.as_ref(), PAGE_BYTES)?;
    let mut text = Vec::new();
    for entity in &entities {
        text.extend_from_slice(&item(kind, entity));
        text.push(b'\n');
    }
    Ok((text, entities.last().map(|last| last.address.clone())))
}

/// The entities behind `after`, from the range of one partition; none at the end of the ring. A place in a list is a hash and a key, which
/// say nothing of partitions.
fn read_on(
    shared: &NodeHandle,
    kind: KindId,
    after: Option<&Address>,
    bytes_max: usize,
) -> Result<Vec<StoredEntity>, Fault> {
    let table = shared.routes.snapshot();
    let first = after.map_or(0, |after| table.index_of_hash(after.hash()));
    for (index, place) in table.places().iter().enumerate().skip(first) {
        let after = after.filter(|_| index == first);
        let read = shared.with_store(|store| list(store, place.range, kind, after, bytes_max))?;
        let entities = read.map_err(|error| match error {
            StoreError::Newer { .. } => Fault::new(ErrorCode::NewerFormat, format!("the list cannot be read: {error}")),
            error => {
                Fault::new(ErrorCode::StoreUnreadable, format!("the list cannot be read: {error}; check the disk"))
            }
        })?;
        if !entities.is_empty() {
            return Ok(entities);
        }
    }
    Ok(Vec::new())
}

/// A place in a list: the hash, then the key.
fn cursor(at: &Address) -> String {
    let bytes = [&at.hash().to_be_bytes(), at.key().as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(kind: KindId, cursor: &str) -> Result<Address, Fault> {
    let read = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (hash, key) = bytes.split_first_chunk()?;
        Address::with_hash(kind, u64::from_be_bytes(*hash), EntityKey::from_bytes(key).ok()?)
    };
    read().ok_or_else(|| {
        Fault::new(ErrorCode::BadCursor, "`after` is no place in this list; take it from `next` of the page before")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_a_place_in_the_list_of_one_kind() {
        let (stock, order) = (KindId::of("stock"), KindId::of("order"));
        let at = Address::new(stock, EntityKey::new("a/b £").expect("a key"));
        let text = cursor(&at);
        assert_eq!(read_cursor(stock, &text).ok(), Some(at));
        for other in ["", "AAAA", "!", &text[1..]] {
            assert!(read_cursor(stock, other).is_err(), "{other}");
        }
        assert!(read_cursor(order, &text).is_err());
    }
}
