//! Messages that were given up on: list, show, retry, dismiss.

use std::sync::Arc;

use apostate_api::{ErrorCode, ParkedItem};
use apostate_core::{Address, EntityKey, KindId};
use apostate_partition::ParkedCommand;
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use crate::client::checkpoint::CheckpointRequest;
use crate::client::parked::{self, ParkedMessage};
use crate::http::blocking::blocking;
use crate::http::call_options::CallOptions;
use crate::http::edge::{Edge, HandlerRow};
use crate::http::fault::Fault;
use crate::http::ids;
use crate::http::json::guarded;
use crate::http::pages::{self, checkpoint_all};
use crate::http::reply::{Reply, json};
use crate::http::route::{Answer, NodeRequest};

/// `GET /parked`.
pub(crate) async fn list(NodeRequest { edge, parts, query, .. }: NodeRequest<'_>) -> Answer {
    let deadline = CallOptions::deadline(&parts.headers)?;
    // No cursor, or an empty one: from the beginning.
    let after = query.get("after").filter(|id| !id.is_empty()).map(|id| {
        let detail = "`after` is no place in this list; take it from `next` of the page before";
        read_id(id).ok_or_else(|| Fault::new(ErrorCode::BadCursor, detail))
    });
    let (after, limit) = (after.transpose()?, pages::limit(&query)?);
    let permit = edge.operator()?;
    if after.is_none() {
        checkpoint_all(edge, deadline).await?;
    }
    read(edge, permit, move |edge| page(edge, after, limit)).await
}

/// One page as JSON text.
fn page(edge: &Edge, after: Option<(Address, u64)>, limit: usize) -> Result<Vec<u8>, Fault> {
    let read_on = |after: Option<&_>, bytes_max| Ok(parked::read_on(&edge.shared, after, bytes_max)?);
    let place = |message: ParkedMessage| (message.address().clone(), message.number);
    pages::page(after, limit, read_on, |message| text_of(edge, message), place, |(to, number)| id_of(to, *number))
}

/// `GET /parked/{id}`.
pub(crate) async fn show(NodeRequest { edge, parts, name: id, .. }: NodeRequest<'_>) -> Answer {
    let deadline = CallOptions::deadline(&parts.headers)?;
    let (to, number) = read_id(&id).ok_or_else(|| missing(&id))?;
    let permit = edge.operator()?;
    pages::wait_for(edge, deadline, [CheckpointRequest::send(&edge.shared, edge.shared.place_of(&to))]).await?;
    read(edge, permit, move |edge| {
        let message = parked::find(&edge.shared, &to, number)?.ok_or_else(|| missing(&id))?;
        Ok(text_of(edge, &message))
    })
    .await
}

/// Reads where nobody else waits, and within the memory that there is for long answers.
pub(crate) async fn read(
    edge: &Arc<Edge>,
    permit: OwnedSemaphorePermit,
    read: impl FnOnce(&Edge) -> Result<Vec<u8>, Fault> + Send + 'static,
) -> Answer {
    let asked = Arc::clone(edge);
    let text = blocking(move || {
        let _permit = permit;
        read(&asked)
    })
    .await??;
    let reply = Reply::within(text, |bytes| edge.budget.take(bytes).ok_or_else(Fault::no_room))?;
    Ok(json(reply))
}

fn text_of(edge: &Edge, message: &ParkedMessage) -> Vec<u8> {
    let kind = edge.kinds.iter().find(|kind| kind.name == message.kind);
    let handler = kind.and_then(|kind| kind.handlers.iter().find(|handler| handler.name == message.handler));
    // Arguments of another build may fit no more; the message is listed all the same.
    let show = |handler: &HandlerRow| guarded(|| (handler.arguments.show)(&message.body)).ok()?.ok();
    let arguments = handler.and_then(show);
    let arguments = arguments.and_then(|text| RawValue::from_string(String::from_utf8(text).ok()?).ok());
    let item = ParkedItem::<Box<RawValue>> {
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
    };
    serde_json::to_vec(&item).expect("what we say is plain data")
}

/// `POST /parked/{id}/retry`.
pub(crate) async fn retry(NodeRequest { edge, parts, name: id, .. }: NodeRequest<'_>) -> Answer {
    command(edge, &id, true, &parts.headers).await
}

/// `DELETE /parked/{id}`.
pub(crate) async fn dismiss(NodeRequest { edge, parts, name: id, .. }: NodeRequest<'_>) -> Answer {
    command(edge, &id, false, &parts.headers).await
}

async fn command(edge: &Arc<Edge>, id: &str, retry: bool, headers: &HeaderMap) -> Answer {
    let deadline = CallOptions::deadline(headers)?;
    let (to, number) = read_id(id).ok_or_else(|| missing(id))?;
    let entity = edge.shared.name_of(&to);
    let promised = edge.shared.command(ParkedCommand { ticket: 0, to, number, retry });
    let answer = std::future::poll_fn(|context| promised.poll(context));
    let verdict = match deadline {
        None => answer.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
            .await
            .map_err(|_| Fault::unknown("its deadline came first", &|| entity.clone()))?,
    };
    parked::judge(verdict, entity, number)?;
    let mut response = Response::new(Reply::nothing());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn missing(id: &str) -> Fault {
    Fault::new(ErrorCode::ParkedMissing, format!("no message `{id}` is parked: it was retried or dismissed before"))
}

/// What a parked message is called in URLs: where it is parked, and its number.
pub(crate) fn id_of(to: &Address, number: u64) -> String {
    let bytes = [&to.kind().0.to_be_bytes()[..], &number.to_be_bytes(), to.key().as_bytes()].concat();
    ids::write(&bytes)
}

fn read_id(id: &str) -> Option<(Address, u64)> {
    let bytes = ids::read(id)?;
    let (kind, rest) = bytes.split_first_chunk()?;
    let (number, key) = rest.split_first_chunk()?;
    let to = Address::new(KindId(u32::from_be_bytes(*kind)), EntityKey::from_bytes(key).ok()?);
    Some((to, u64::from_be_bytes(*number)))
}

#[cfg(test)]
mod tests {
    use apostate_partition::{Answer as Outcome, Failure};

    use super::*;
    use crate::answers::verdict::Verdict;

    #[test]
    fn the_id_of_a_parked_message_says_where_it_is() {
        let to = Address::new(KindId::of("stock"), EntityKey::new("a/b £").expect("a key"));
        let (read, number) = read_id(&id_of(&to, 7)).expect("an id");
        assert_eq!((read, number), (to, 7));
        for number in [0, 7, u64::MAX] {
            // A kind whose hash begins with the bits of the letter that was `-`.
            let statement = Address::new(KindId::of("statement"), EntityKey::new("a").expect("a key"));
            let id = id_of(&statement, number);
            assert!(id.starts_with('.') && !id.contains('-'), "{id}");
            assert_eq!(read_id(&id), Some((statement, number)));
        }
        for other in ["", "!", "AAAA", "-41tFgAAAAAAAAAGZXZpbA"] {
            assert_eq!(read_id(other), None, "{other}");
        }
    }
    #[test]
    fn what_a_build_cannot_retry_is_a_certain_no_that_says_what_to_do() {
        for (failure, code) in [
            (Failure::UnknownKind, ErrorCode::KindMissing),
            (Failure::UnknownHandler, ErrorCode::HandlerMissing),
            (Failure::Blocked, ErrorCode::EntityBlocked),
        ] {
            let answered = Verdict::Answered(Outcome::Failed(failure));
            let error = parked::judge(answered, "box/tea".to_owned(), 7).expect_err("it is a no");
            let text = error.to_string();
            assert!(
                text.starts_with("the message of box/tea stays parked") && text.ends_with("or dismiss it"),
                "{text}"
            );
            assert!(Fault::from(error).is(code), "{text}");
        }
        let error = parked::judge(Verdict::Answered(Outcome::Failed(Failure::EndsOperation)), "box/tea".to_owned(), 7);
        let error = error.expect_err("it is never dismissed");
        assert!(error.to_string().contains("stays parked: the message ends a tentative operation"), "{error}");
        assert!(Fault::from(error).is(ErrorCode::EndsOperation));
    }
}
