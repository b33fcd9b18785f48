//! Bodies of requests, read whole: within a length, a time and a budget.

use std::time::Duration;

use apostate_api::ErrorCode;
use bytes::{Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use crate::http::budget::{Budget, SHORT_BYTES, Share};
use crate::http::fault::Fault;

/// So much of a body that is too long is read on, for so long.
const UNWANTED_BYTES_MAX: usize = 4 << 20;
const UNWANTED_PATIENCE: Duration = Duration::from_millis(500);

/// Reads all of `body`. The share lives as long as what was read.
pub(crate) async fn read<B>(
    mut body: B,
    bytes_max: usize,
    patience: Duration,
    budget: &Budget,
) -> Result<(Bytes, Option<Share>), Fault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let too_long =
        || Fault::new(ErrorCode::BodyTooLarge, format!("the body has more than {bytes_max} bytes")).closing();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > bytes_max {
        let_go(&mut body).await;
        return Err(too_long());
    }
    let read = async {
        // Nearly every body is there in one piece.
        let first = piece(&mut body).await?.unwrap_or_default();
        if body.is_end_stream() && first.len() <= SHORT_BYTES {
            return Ok((first, None));
        }
        let mut share = budget.take(first.len().max(announced)).ok_or_else(no_room)?;
        let mut whole = BytesMut::with_capacity(first.len().max(announced));
        whole.extend_from_slice(&first);
        while let Some(piece) = piece(&mut body).await? {
            let length = whole.len() + piece.len();
            if length > bytes_max {
                let_go(&mut body).await;
                return Err(too_long());
            }
            // What a buffer grows to when it grows.
            if length > whole.capacity() && !share.grow(2 * length) {
                return Err(no_room());
            }
            whole.extend_from_slice(&piece);
        }
        Ok((whole.freeze(), Some(share)))
    };
    tokio::time::timeout(patience, read).await.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {patience:?}; nothing was done");
        Err(Fault::new(ErrorCode::RequestTimeout, detail).closing())
    })
}

async fn piece<B>(body: &mut B) -> Result<Option<Bytes>, Fault>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        // Trailers mean nothing here.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Reads on a little of what nobody wants: closed in the middle of it, the connection would swallow the answer.
async fn let_go<B>(body: &mut B)
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

/// The body ended before its end.
pub(crate) fn broken(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(ErrorCode::BadBody, format!("the body cannot be read: {error}; nothing was done")).closing()
}

fn no_room() -> Fault {
    Fault::busy("long requests and answers take all the memory that they may have; nothing was done").closing()
}
