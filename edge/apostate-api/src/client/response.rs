//! A request over a connection of the pool, and the answer that has begun. At its end its connection goes back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::HeaderMap;

use crate::client::connection::SendError;
use crate::client::error::cause;
use crate::client::pool::{Lease, Place, Pool};
use crate::client::stream::Outgoing;

/// An answer whose head has come.
#[derive(Debug)]
pub(crate) struct Response {
    status: u16,
    headers: HeaderMap,
    body: Incoming,
    /// None at the end of the answer.
    lease: Option<Lease>,
}

/// Sends a request. A connection that was closed while it was idle has taken no byte of it, so it goes over the next one. While
/// `is_sent` is not set, none can have taken a byte.
pub(crate) async fn send(
    pool: &Arc<Pool>,
    mut place: Place,
    mut request: Request<Outgoing>,
    is_sent: &AtomicBool,
) -> Result<Response, SendError> {
    loop {
        let mut lease = pool.lease(place).await?;
        is_sent.store(true, Ordering::Relaxed);
        match lease.connection.send(request).await {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let (status, headers) = (head.status.as_u16(), head.headers);
                return Ok(Response { status, headers, body, lease: Some(lease) });
            }
            Err(SendError::Unsent(unsent)) if !lease.is_new => {
                is_sent.store(false, Ordering::Relaxed);
                (place, request) = (lease.close(), *unsent);
            }
            Err(error) => return Err(error),
        }
    }
}

impl Response {
    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A field of its head, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The next piece of its body; none at its end. A call that is given up loses nothing. The connection is read and written in
    /// it alone: the rest of a request that is still being sent too.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        poll_fn(|context| self.poll_chunk(context)).await
    }

    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, String>> {
        loop {
            let Some(lease) = &mut self.lease else { return Poll::Ready(Ok(None)) };
            let frame = match self.body.is_end_stream() {
                true => None,
                false => {
                    // The body has to be asked first: what nobody asks for is not read.
                    let mut frame = Pin::new(&mut self.body).poll_frame(context);
                    if frame.is_pending() {
                        lease.connection.drive(context);
                        frame = Pin::new(&mut self.body).poll_frame(context);
                    }
                    ready!(frame)
                }
            };
            match frame.map(|frame| frame.map(|frame| frame.into_data())) {
                Some(Ok(Ok(piece))) => return Poll::Ready(Ok(Some(piece))),
                // Trailers, which no node sends.
                Some(Ok(Err(_))) => {}
                Some(Err(error)) => {
                    self.lease = None;
                    return Poll::Ready(Err(cause(&error)));
                }
                None => {
                    self.end(context);
                    return Poll::Ready(Ok(None));
                }
            }
        }
    }

    fn end(&mut self, context: &mut Context<'_>) {
        let Some(mut lease) = self.lease.take() else { return };
        if !lease.connection.is_ready() {
            lease.connection.drive(context);
        }
        lease.give_back();
    }
}
