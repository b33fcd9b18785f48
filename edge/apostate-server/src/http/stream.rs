//! Answers that are made while they are read: pieces through a short channel, so that a slow reader slows its writer.
//!
//! Such an answer ends when its writer says so. One whose writer is gone without a word breaks off, and its connection with
//! it: nobody takes a part for the whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::sync::mpsc;

/// Pieces that wait for a slow reader. A piece is at most about as long as a page.
const PIECES_MAX: usize = 2;

/// Where pieces are written.
pub(crate) struct Pieces(mpsc::Sender<Piece>);

/// A piece of an answer.
enum Piece {
    Some(Bytes),
    End,
}

/// Nobody reads any more.
#[derive(Debug)]
pub(crate) struct Gone;

/// The body that pieces make.
pub(crate) struct Streamed {
    pieces: mpsc::Receiver<Piece>,
    is_over: bool,
}

/// A body, and where its pieces are written.
pub(crate) fn stream() -> (Pieces, Streamed) {
    let (pieces, read) = mpsc::channel(PIECES_MAX);
    (Pieces(pieces), Streamed { pieces: read, is_over: false })
}

impl Pieces {
    /// Writes a piece, once there is room.
    pub(crate) async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        self.0.send(Piece::Some(piece)).await.map_err(|_| Gone)
    }

    /// Whether nobody reads any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// The answer is whole.
    pub(crate) async fn end(self) {
        // Whoever read it may have gone.
        let _ = self.0.send(Piece::End).await;
    }
}

impl Body for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.pieces.poll_recv(context));
        self.is_over = !matches!(piece, Some(Piece::Some(_)));
        Poll::Ready(match piece {
            Some(Piece::Some(piece)) => Some(Ok(Frame::data(piece))),
            Some(Piece::End) => None,
            None => Some(Err(io::Error::other("the answer breaks off: whoever wrote it is gone"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    /// What is read of an answer whose writer does this.
    fn read<F: Future<Output = ()>>(write: impl FnOnce(Pieces) -> F) -> Result<Bytes, io::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (pieces, body) = stream();
            write(pieces).await;
            body.collect().await.map(http_body_util::Collected::to_bytes)
        })
    }

    #[test]
    fn an_answer_is_whole_when_its_writer_says_so_and_else_breaks_off() {
        let whole = read(|pieces| async move {
            pieces.send(Bytes::from_static(b"all of it")).await.expect("somebody reads");
            pieces.end().await;
        });
        assert_eq!(whole.expect("whole"), "all of it");
        let broken = read(|pieces| async move {
            pieces.send(Bytes::from_static(b"a part")).await.expect("somebody reads");
        });
        assert!(broken.is_err());
    }
}
