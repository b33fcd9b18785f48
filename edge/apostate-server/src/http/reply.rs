//! Bodies of answers: whole ones without a box around them, and streams.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use crate::http::budget::{SHORT_BYTES, Share};
use crate::http::pulse::Service;

/// The header field that says that the answer was given before, to the same client key.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The body of an answer.
pub(crate) enum Reply {
    /// All of it.
    Whole(Option<Bytes>),
    /// What the router answers with; the connection is busy until it ends.
    Routed(axum::body::Body, #[expect(dead_code, reason = "ends when it is dropped")] Service),
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

/// An answer that is JSON.
pub(crate) fn json(body: Reply) -> Response<Reply> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Body for Reply {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Routed(body, _) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Routed(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Routed(body, _) => body.size_hint(),
        }
    }
}
