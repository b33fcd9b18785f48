//! The two directions of a stream: a body that is written while it is sent, and lines that arrive in pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// Pieces of a body that are under way at a time.
const PIECES: usize = 16;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// All of it, until it is sent; none if there is nothing.
    Whole(Option<Bytes>),
    /// Pieces that are sent into it. It ends when the sender is dropped.
    Pieces(mpsc::Receiver<Bytes>),
}

/// A body and the way into it.
pub(crate) fn pieces() -> (mpsc::Sender<Bytes>, Outgoing) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (sender, Outgoing::Pieces(receiver))
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take()),
            Self::Pieces(pieces) => pieces.poll_recv(context),
        };
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pieces(_) => SizeHint::default(),
        }
    }
}

/// Lines put together from pieces.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    unread: Vec<u8>,
}

impl Lines {
    /// Shows each line that `piece` ends.
    pub(crate) fn take(&mut self, piece: &[u8], mut show: impl FnMut(&[u8])) {
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            if self.unread.is_empty() {
                show(line);
            } else {
                self.unread.extend_from_slice(line);
                show(&self.unread);
                self.unread.clear();
            }
        }
        self.unread.extend_from_slice(rest);
    }

    /// What stands behind the last line's end.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.unread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"one\n\ntwo\nthree\nfo";
        for size in 1..text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            text.chunks(size).for_each(|piece| lines.take(piece, |line| seen.push(line.to_vec())));
            assert_eq!(seen, [&b"one"[..], b"", b"two", b"three"], "pieces of {size}");
            assert_eq!(lines.rest(), b"fo");
        }
    }
}
