//! Bodies of answers: whole ones without a box around them, and streams.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use crate::http::activity::ActiveRequest;
use crate::http::budget::{SHORT_BYTES, Share};
use crate::http::stream::Streamed;

/// The header field that says that the answer was given before, to the same client key.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The body of an answer.
pub(crate) enum Reply {
    /// All of it.
    Whole(Option<Bytes>),
    /// A stream; the connection is busy until it ends.
    Streamed(Streamed, #[expect(dead_code, reason = "ends when it is dropped")] ActiveRequest),
}

impl Reply {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }

    /// All of an answer: a short one as it is, a long one with the share of memory that there is for it.
    pub(crate) fn within<E>(text: Vec<u8>, share: impl FnOnce(usize) -> Result<Share, E>) -> Result<Self, E> {
        if text.len() <= SHORT_BYTES {
            return Ok(Self::whole(text));
        }
        Ok(Self::whole(share(text.len())?.of(text)))
    }

    pub(crate) fn nothing() -> Self {
        Self::Whole(None)
    }
}

/// An answer of this media type.
pub(crate) fn typed(media_type: &'static str, body: Reply) -> Response<Reply> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// An answer that is JSON.
pub(crate) fn json(body: Reply) -> Response<Reply> {
    typed("application/json", body)
}

/// An answer that is `value` as JSON.
pub(crate) fn json_of(value: &impl Serialize) -> Response<Reply> {
    json(Reply::whole(serde_json::to_vec(value).expect("what we say is plain data")))
}

impl Body for Reply {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Streamed(body, _) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Streamed(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Streamed(body, _) => body.size_hint(),
        }
    }
}
