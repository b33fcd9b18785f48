//! A connection: one request at a time, and its answer. No task of its own reads and writes for it: whoever waits for an
//! answer does, so an answer wakes one task and is handed from none to another.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::runtime::{Handle, Id};

use crate::client::connect::{Connector, Stream};
use crate::client::error::cause;
use crate::client::stream::Outgoing;

/// What reads and writes. It is large, and connections go from hand to hand.
type Io = Box<http1::Connection<TokioIo<Box<dyn Stream>>, Outgoing>>;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Outgoing>,
    /// None once the connection is closed.
    io: Option<Io>,
    /// The runtime that tells of its bytes.
    runtime: Id,
}

/// The reason why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The connection was closed before, so no byte of the request left.
    #[error("the connection was closed before the request was sent")]
    Unsent(Box<Request<Outgoing>>),
    /// There was no connection to send it over.
    #[error("{0}")]
    NoConnection(String),
    /// The request was sent, or a part of it.
    #[error("{0}")]
    Lost(String),
}

impl Connection {
    pub(crate) async fn open(connector: &Connector) -> Result<Self, SendError> {
        let stream = connector.open().await.map_err(SendError::NoConnection)?;
        // Requests are short: head and body are copied together, and written at once.
        let handshake = http1::Builder::new().writev(false).handshake(TokioIo::new(stream)).await;
        let (sender, io) = handshake.map_err(|error| SendError::NoConnection(cause(&error)))?;
        Ok(Self { sender, io: Some(Box::new(io)), runtime: Handle::current().id() })
    }

    /// Sends a request, and gives the head of its answer. Its body comes while the connection is [driven](Self::drive).
    pub(crate) async fn send(&mut self, request: Request<Outgoing>) -> Result<Response<Incoming>, SendError> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let io = &mut self.io;
        let answer = poll_fn(|context| {
            drive(io, context);
            answer.as_mut().poll(context)
        });
        answer.await.map_err(|mut error| match error.take_message() {
            Some(request) => SendError::Unsent(Box::new(request)),
            None => SendError::Lost(cause(&error.into_error())),
        })
    }

    /// Reads and writes what can be read and written now.
    pub(crate) fn drive(&mut self, context: &mut Context<'_>) {
        drive(&mut self.io, context);
    }

    /// Whether it takes another request.
    pub(crate) fn is_ready(&self) -> bool {
        self.io.is_some() && self.sender.is_ready()
    }

    /// Whether the runtime that we are in tells of its bytes.
    pub(crate) fn is_of(&self, runtime: Id) -> bool {
        self.runtime == runtime
    }
}

fn drive(io: &mut Option<Io>, context: &mut Context<'_>) {
    // Why it ended is told to whoever waits for an answer.
    if let Some(open) = io
        && let Poll::Ready(_) = Pin::new(open.as_mut()).poll(context)
    {
        *io = None;
    }
}
