//! Request bodies, read whole: within a length, a time and a budget.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use apostate_api::ErrorCode;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use crate::http::budget::{Budget, SHORT_BYTES, Share};
use crate::http::edge::Edge;
use crate::http::fault::Fault;

/// How much of an unwanted body is drained, and for how long.
const UNWANTED_BYTES_MAX: usize = 4 << 20;
const UNWANTED_PATIENCE: Duration = Duration::from_millis(500);

/// Reads all of `body`, unless it is too long, takes too long, or the node stops meanwhile. The share lives as long as what was
/// read.
pub(crate) async fn read<B>(mut body: B, edge: &Edge) -> Result<(Bytes, Option<Share>), Fault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let mut read = pin!(whole(&mut body, edge.settings.body_bytes_max, &edge.budget));
    // Nearly every body is there: no timer for it.
    if let Poll::Ready(read) = poll_fn(|context| Poll::Ready(read.as_mut().poll(context))).await {
        return read;
    }
    let patience = edge.settings.body_timeout;
    let mut late = pin!(tokio::time::sleep(patience));
    let mut stopping = pin!(edge.stopping());
    poll_fn(|context| {
        if let Poll::Ready(read) = read.as_mut().poll(context) {
            return Poll::Ready(read);
        }
        if stopping.as_mut().poll(context).is_ready() {
            let detail = "the node stops, and the body is not whole; nothing was done";
            return Poll::Ready(Err(Fault::new(ErrorCode::NotReady, detail).closing()));
        }
        late.as_mut().poll(context).map(|()| {
            let detail = format!("the body did not arrive within {patience:?}; nothing was done");
            Err(Fault::new(ErrorCode::RequestTimeout, detail).closing())
        })
    })
    .await
}

async fn whole<B>(body: &mut B, bytes_max: usize, budget: &Budget) -> Result<(Bytes, Option<Share>), Fault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let too_long =
        || Fault::new(ErrorCode::BodyTooLarge, format!("the body has more than {bytes_max} bytes")).closing();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        return Err(too_long());
    }
    // Nearly every body is there in one piece.
    let first = piece(body).await?.unwrap_or_default();
    if body.is_end_stream() && first.len() <= SHORT_BYTES {
        return Ok((first, None));
    }
    // Memory is taken for what has come, and not for what was announced; and for what is short not at all.
    let mut share: Option<Share> = None;
    let mut cover = |bytes: usize| match &mut share {
        _ if bytes <= SHORT_BYTES => true,
        Some(share) => share.grow(bytes),
        none => {
            *none = budget.take(bytes);
            none.is_some()
        }
    };
    if !cover(first.len()) {
        return Err(Fault::no_room().closing());
    }
    let mut whole = BytesMut::with_capacity(first.len().max(announced.min(SHORT_BYTES)));
    whole.extend_from_slice(&first);
    while let Some(piece) = piece(body).await? {
        let length = whole.len() + piece.len();
        if length > bytes_max {
            return Err(too_long());
        }
        if length > whole.capacity() {
            // It grows in few steps, and no further than was announced.
            let room = if announced < length { 2 * length } else { announced.min(2 * length) };
            if !cover(room) {
                return Err(Fault::no_room().closing());
            }
            whole.reserve(room - whole.len());
        }
        whole.extend_from_slice(&piece);
    }
    Ok((whole.freeze(), share))
}

async fn piece<B>(body: &mut B) -> Result<Option<Bytes>, Fault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&format!("{error}; nothing was done")))?;
        // Trailers mean nothing here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Drains unread input before the connection closes; otherwise TCP may reset, and the client never sees the response.
pub(crate) async fn drain<B>(body: &mut B)
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut left = UNWANTED_BYTES_MAX;
    let read = async {
        while let Ok(Some(piece)) = piece(body).await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                return;
            }
        }
    };
    // Whether it has come to its end or not, no more of it is read.
    let _ = tokio::time::timeout(UNWANTED_PATIENCE, read).await;
}

/// A body that broke off. Its reader knows what that leaves undone: of a stream some lines were taken.
pub(crate) fn broken(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(ErrorCode::BadBody, format!("the body cannot be read: {error}")).closing()
}

/// Checks that the body is said to be JSON; one without a type is taken for it.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Fault> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let value = value.as_bytes();
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_json = [&b"application/json"[..], b"application/x-ndjson", b"application/ndjson"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
        || essence.to_ascii_lowercase().ends_with(b"+json");
    if is_json {
        return Ok(());
    }
    let detail = format!(
        "the body is said to be `{}`; send JSON with `Content-Type: application/json`",
        String::from_utf8_lossy(essence)
    );
    Err(Fault::new(ErrorCode::UnsupportedMediaType, detail))
}
