//! Answers that are made while they are read: pieces through a short channel, so that a slow reader slows its writer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader. A piece is at most about as long as a page.
const PIECES_MAX: usize = 2;

/// Where pieces are written. Dropped, the answer is over.
pub(crate) type Pieces = mpsc::Sender<Bytes>;

/// The body that they make.
pub(crate) struct Streamed(mpsc::Receiver<Bytes>);

/// A body, and where its pieces are written.
pub(crate) fn stream() -> (Pieces, axum::body::Body) {
    let (pieces, read) = mpsc::channel(PIECES_MAX);
    (pieces, axum::body::Body::new(Streamed(read)))
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
