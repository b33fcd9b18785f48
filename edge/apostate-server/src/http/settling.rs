//! Settling by hand: an operator ends what a partner holds, or drops what is kept of that.
//!
//! The order goes to the partition as a request with a client key, so it is done once. Whether the ending is parked is read from the store
//! before: what is parked under a number never changes.

use std::sync::Arc;

use apostate_api::{AgreementEnding, ErrorCode, SettleOrder};
use apostate_core::HandlerId;
use apostate_partition::limits::REASON_BYTES_MAX;
use apostate_partition::{
    Answer as Outcome, Failure, ParkedEnding, Request, RequestKind, Settle, SettleVerdict, Unfinished, operation_at,
    unfinished_at,
};
use hyper::{Response, StatusCode};
use xxhash_rust::xxh3::xxh3_64;

use crate::answers::verdict::Verdict;
use crate::client::checkpoint::CheckpointRequest;
use crate::http::agreements::{missing, read_id, unlisted};
use crate::http::blocking::blocking;
use crate::http::body;
use crate::http::call_options::CallOptions;
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::pages;
use crate::http::reply::{IDEMPOTENCY_REPLAYED, Reply};
use crate::http::route::{Answer, NodeRequest};
use crate::random;

/// `POST /agreements/{id}/settle`.
pub(crate) async fn settle(NodeRequest { edge, parts, body, name: id, .. }: NodeRequest<'_>) -> Answer {
    let options = CallOptions::of(&parts.headers, std::time::Instant::now())?;
    body::check_type(&parts.headers)?;
    let (text, _share) = match body {
        Some(body) => body::read(body, edge).await?,
        None => Default::default(),
    };
    let SettleOrder { ending, reason, without_handler } = serde_json::from_slice(&text)
        .map_err(|error| Fault::new(ErrorCode::BadJson, format!("the body is no order: {error}")))?;
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        let detail = format!("`reason` has 1 to {REASON_BYTES_MAX} bytes, not {}", reason.len());
        return Err(Fault::new(ErrorCode::BadJson, detail));
    }
    let verdict =
        SettleVerdict::End { is_confirmed: ending == AgreementEnding::Confirm, is_without_handler: without_handler };
    order(edge, &id, options, verdict, reason).await
}

/// `DELETE /agreements/{id}`.
pub(crate) async fn forget(NodeRequest { edge, parts, name: id, .. }: NodeRequest<'_>) -> Answer {
    let options = CallOptions::of(&parts.headers, std::time::Instant::now())?;
    order(edge, &id, options, SettleVerdict::Forget, String::new()).await
}

async fn order(edge: &Arc<Edge>, id: &str, options: CallOptions, verdict: SettleVerdict, reason: String) -> Answer {
    let CallOptions { client_key, is_async: _, deadline } = options;
    let (cell, _) = read_id(id).ok_or_else(|| missing(id))?;
    let Some((partner, proposer, number)) = operation_at(&cell) else {
        let detail = "it is an agreement at its proposer; settle what its partners hold, each by itself";
        return Err(Fault::new(ErrorCode::CannotSettle, detail));
    };
    let permit = edge.operator()?;
    pages::wait_for(edge, deadline, [CheckpointRequest::send(&edge.shared, edge.shared.place_of(&partner))]).await?;
    let digest = xxh3_64(format!("{id} {verdict:?} {reason}").as_bytes());
    let parked = parked_ending(edge, cell).await?;
    drop(permit);
    let key = client_key.unwrap_or_else(random::client_key);
    let settle = Settle { key, proposer, number, verdict, parked, reason };
    let entity = edge.shared.name_of(&partner);
    let request = Request::new(partner, HandlerId(0), Vec::new(), RequestKind::Settle(Box::new(settle)));
    let promised = edge.shared.call(Request { digest: Some(digest), ..request });
    let answer = std::future::poll_fn(|context| promised.poll(context));
    let answered = match deadline {
        None => answer.await,
        Some(deadline) => tokio::time::timeout_at(deadline.into(), answer)
            .await
            .map_err(|_| Fault::unknown("its deadline came first", &|| entity.clone()))?,
    };
    let (answered, is_repeated) = match answered {
        Verdict::Answered(answer) => {
            let (answer, is_repeated) = answer.original();
            (Verdict::Answered(answer), is_repeated)
        }
        other => (other, false),
    };
    match answered {
        Verdict::Answered(Outcome::Done { .. }) => Ok(done(is_repeated)),
        Verdict::Answered(Outcome::Failed(Failure::Missing)) => Err(missing(id)),
        other => Err(Fault::of_verdict(other, &|| entity.clone())),
    }
}

/// The ending of the operation in this cell, if it is parked.
async fn parked_ending(edge: &Arc<Edge>, cell: Vec<u8>) -> Result<Option<ParkedEnding>, Fault> {
    let asked = Arc::clone(edge);
    let read = blocking(move || asked.shared.with_store(|store| unfinished_at(store, &cell))).await??;
    Ok(match read.map_err(|error| unlisted(&error))? {
        Some(Unfinished::Operation(stored)) => stored.parked,
        Some(Unfinished::Agreement(_) | Unfinished::Settlement(_)) | None => None,
    })
}

fn done(is_repeated: bool) -> Response<Reply> {
    let mut response = Response::new(Reply::nothing());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if is_repeated {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, hyper::header::HeaderValue::from_static("true"));
    }
    response
}
