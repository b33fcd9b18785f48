//! What operators see, and what programs that watch over the node see: parked messages, partitions, health, meters, and the
//! pages that explain it all. These are asked for now and then, so the router finds them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use apostate_api::{ErrorCode, Health, NodeStatus, ParkedItem, PartitionItem};
use apostate_core::{Address, EntityKey, KindId};
use apostate_partition::ParkedCommand;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::lists::blocking;
use crate::openapi::{About, openapi};
use crate::parked::{self, ParkedMessage};
use crate::{HttpSettings, PartitionStatus};

/// How long somebody who asks whether the node is ready waits for its partitions.
const READY_PATIENCE: Duration = Duration::from_secs(2);

type Shared = State<Arc<Edge>>;
type Answer = Result<Response, Fault>;

/// Through the router it travels beside an empty answer: the door takes it out, and answers with it as with any other.
impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("what we say is plain data");
    typed(status, "application/json", body)
}

fn typed(status: StatusCode, media_type: &'static str, body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// `/`: what this is, and where to look.
pub(crate) async fn welcome(State(edge): Shared) -> Response {
    let kinds: Vec<_> = edge.kinds.iter().map(|kind| format!("  /entities/{}\n", kind.name)).collect();
    let text = format!(
        "{} on apostate: entities that change atomically, and messages between them that are applied once.\n\n\
         Kinds:\n{}\nOf each kind, one entity: /entities/KIND/KEY; its handlers: /entities/KIND/KEY/HANDLER\n\n\
         /openapi.json   every handler, with arguments and replies\n\
         /messages       numbered messages, streamed both ways\n\
         /parked         messages that wait for an operator\n\
         /partitions     how the partitions are\n\
         /health /ready /metrics\n\
         /errors/CODE    what an error means, and what to do\n",
        edge.settings.title,
        kinds.concat(),
    );
    typed(StatusCode::OK, "text/plain; charset=utf-8", text)
}

/// `/openapi.json`.
pub(crate) async fn describe(State(edge): Shared) -> Answer {
    let asked = Arc::clone(&edge);
    let text = blocking(move || {
        let describe = || {
            let HttpSettings { title, version, description, token, .. } = &asked.settings;
            let about = About { title, version, description, needs_token: token.is_some() };
            let document = openapi(&asked.shared.registry, &about);
            serde_json::to_vec(&document).expect("a document is plain data").into()
        };
        asked.openapi.get_or_init(describe).clone()
    })
    .await?;
    Ok(typed(StatusCode::OK, "application/json", text))
}

/// `/errors/{code}`.
pub(crate) async fn explain(Path(code): Path<String>) -> Answer {
    let code: ErrorCode =
        code.parse().map_err(|_| Fault::new(ErrorCode::PathUnknown, format!("there is no error code `{code}`")))?;
    Ok(typed(StatusCode::OK, "text/markdown; charset=utf-8", code.page()))
}

/// `/health`: the process answers.
pub(crate) async fn health() -> Response {
    json(StatusCode::OK, &Health { status: "alive".to_owned() })
}

/// `/ready`: every partition serves, and nobody stops the node.
pub(crate) async fn ready(State(edge): Shared) -> Answer {
    let not_ready = |detail: String| Fault::new(ErrorCode::NotReady, detail);
    if edge.is_stopping() {
        return Err(not_ready("the node stops".to_owned()));
    }
    let status = tokio::time::timeout(READY_PATIENCE, status(&edge)).await;
    let status = status
        .map_err(|_| not_ready(format!("the partitions did not say within {READY_PATIENCE:?} how they are")))??;
    let places = edge.shared.routes.places().len();
    if let Some((partition, reason)) = status.stopped().next() {
        let detail = format!("partition {partition} has stopped: {reason}");
        return Err(Fault::new(ErrorCode::PartitionStopped, detail));
    }
    let is_full = |partition: &&PartitionStatus| partition.state.as_ref().is_ok_and(|status| status.is_full);
    if let Some(partition) = status.partitions.iter().find(is_full) {
        let detail = format!("partition {} has no room for its log; make room on the disk of the data", partition.id);
        return Err(not_ready(detail));
    }
    let serving =
        status.partitions.iter().filter(|partition| partition.state.as_ref().is_ok_and(|status| status.is_serving));
    let serving = serving.count();
    if serving < places {
        return Err(not_ready(format!("{serving} of {places} partitions serve")));
    }
    Ok(json(StatusCode::OK, &Health { status: "ready".to_owned() }))
}

/// How the partitions are. One at a time asks: the executors answer between two turns.
async fn status(edge: &Arc<Edge>) -> Result<crate::NodeStatus, Fault> {
    let asked = Arc::clone(edge);
    let reporting = Arc::clone(&edge.reporting).lock_owned().await;
    blocking(move || {
        let _reporting = reporting;
        asked.shared.status()
    })
    .await
}

/// `/partitions`.
pub(crate) async fn partitions(State(edge): Shared) -> Answer {
    let status = status(&edge).await?;
    let items = status.partitions.iter().map(partition_item).collect();
    let version = edge.settings.version.clone();
    Ok(json(StatusCode::OK, &NodeStatus { version, partitions: items, log_bytes: status.log_bytes }))
}

fn partition_item(partition: &PartitionStatus) -> PartitionItem {
    let item = PartitionItem {
        id: partition.id.0,
        first: format!("{:016x}", partition.range.first),
        last: format!("{:016x}", partition.range.last),
        stopped: None,
        is_serving: false,
        is_full: false,
        is_quiet: false,
        epoch: 0,
        durable: 0,
        entities: 0,
        entity_bytes: 0,
        dirty_bytes: 0,
        inbox: 0,
        outbox: 0,
        parked: 0,
        requests: partition.requests as u64,
    };
    match &partition.state {
        Err(reason) => PartitionItem { stopped: Some(reason.clone()), ..item },
        Ok(status) => PartitionItem {
            is_serving: status.is_serving,
            is_full: status.is_full,
            is_quiet: status.is_quiet && partition.requests == 0,
            epoch: status.epoch.0,
            durable: status.durable.0,
            entities: status.entities as u64,
            entity_bytes: status.entity_bytes as u64,
            dirty_bytes: status.dirty_bytes as u64,
            inbox: status.inbox as u64,
            outbox: status.outbox as u64,
            parked: status.parked as u64,
            ..item
        },
    }
}

/// `/metrics`.
pub(crate) async fn metrics(State(edge): Shared) -> Answer {
    let status = tokio::time::timeout(READY_PATIENCE, status(&edge)).await;
    // Without the partitions, when they are too busy to say how they are.
    let status = status.ok().transpose()?;
    let spans = edge.shared.traces.as_ref().map(|traces| traces.counts().as_ref());
    let text = edge.meters.text(edge.connections.load(Ordering::Relaxed), status.as_ref(), spans);
    Ok(typed(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", text))
}

/// `GET /parked`.
pub(crate) async fn list_parked(State(edge): Shared) -> Answer {
    let items = all_parked(&edge).await?;
    Ok(json(StatusCode::OK, &apostate_api::Page { items, next: None }))
}

/// `GET /parked/{id}`.
pub(crate) async fn show_parked(State(edge): Shared, Path(id): Path<String>) -> Answer {
    read_id(&id)?;
    let mut items = all_parked(&edge).await?.into_iter();
    let item = items.find(|item| item.id == id).ok_or_else(|| missing(&id))?;
    Ok(json(StatusCode::OK, &item))
}

async fn all_parked(edge: &Arc<Edge>) -> Result<Vec<ParkedItem<Box<RawValue>>>, Fault> {
    let permit = edge.operator()?;
    let asked = Arc::clone(edge);
    blocking(move || {
        let _permit = permit;
        let messages = parked::list(&asked.shared)?;
        Ok(messages.iter().map(|message| parked_item(&asked, message)).collect())
    })
    .await?
}

fn parked_item(edge: &Edge, message: &ParkedMessage) -> ParkedItem<Box<RawValue>> {
    let kind = edge.kinds.iter().find(|kind| kind.name == message.kind);
    let handler = kind.and_then(|kind| kind.handlers.iter().find(|handler| handler.name == message.handler));
    // Arguments of another build may fit no more; the message is listed all the same.
    let arguments = handler.and_then(|handler| (handler.arguments.show)(&message.body).ok());
    let arguments = arguments.and_then(|text| RawValue::from_string(String::from_utf8(text).ok()?).ok());
    ParkedItem {
        id: id_of(message.address(), message.number),
        kind: message.kind.clone(),
        key: message.key.as_str().to_owned(),
        handler: message.handler.clone(),
        from: message.from.clone(),
        number: message.number,
        reason: message.reason.clone(),
        since: message.since.0,
        trace_id: message.trace.map(|trace| trace.to_string()),
        arguments,
    }
}

/// `POST /parked/{id}/retry`.
pub(crate) async fn retry_parked(State(edge): Shared, Path(id): Path<String>) -> Answer {
    command(&edge, &id, true).await
}

/// `DELETE /parked/{id}`.
pub(crate) async fn dismiss_parked(State(edge): Shared, Path(id): Path<String>) -> Answer {
    command(&edge, &id, false).await
}

async fn command(edge: &Arc<Edge>, id: &str, retry: bool) -> Answer {
    let (to, number) = read_id(id)?;
    let entity = edge.shared.name_of(&to);
    let slot = edge.shared.command(ParkedCommand { ticket: 0, to, number, retry });
    let verdict = std::future::poll_fn(|context| slot.poll(context)).await;
    parked::judge(verdict, entity, number)?;
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn missing(id: &str) -> Fault {
    Fault::new(ErrorCode::ParkedMissing, format!("no message `{id}` is parked: it was retried or dismissed before"))
}

/// What a parked message is called in URLs: where it is parked, and its number.
fn id_of(to: &Address, number: u64) -> String {
    let bytes = [&to.kind().0.to_be_bytes()[..], &number.to_be_bytes(), to.key().as_bytes()].concat();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn read_id(id: &str) -> Result<(Address, u64), Fault> {
    let read = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(id).ok()?;
        let (kind, rest) = bytes.split_first_chunk()?;
        let (number, key) = rest.split_first_chunk()?;
        let to = Address::new(KindId(u32::from_be_bytes(*kind)), EntityKey::from_bytes(key).ok()?);
        Some((to, u64::from_be_bytes(*number)))
    };
    read().ok_or_else(|| missing(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_parked_message_says_where_it_is() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("a/b £").expect("a key"));
        let (read, number) = read_id(&id_of(&to, 7)).expect("an id");
        assert_eq!((read, number), (to, 7));
        for other in ["", "!", "AAAA"] {
            assert!(read_id(other).is_err(), "{other}");
        }
    }
}
