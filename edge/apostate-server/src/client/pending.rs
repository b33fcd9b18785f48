//! Pending request: a call and its answer, waited for by a thread or by a task.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use apostate_core::{Address, HandlerId, KeyError, decode};
use apostate_partition::{Answer, Request, RequestKind};
use serde::de::DeserializeOwned;

use crate::CallError;
use crate::answers::promise::PromisedVerdict;
use crate::answers::verdict::Verdict;
use crate::client::node_handle::NodeHandle;

/// A request and its answer. It leaves when it is first waited for or polled, or with [`start`](Self::start).
///
/// Dropped after that, the request may be done all the same, and its result is lost.
#[must_use = "nothing is sent before it is started, waited for or polled"]
pub struct Pending<R> {
    node: Arc<NodeHandle>,
    state: PendingState,
    read: fn(&[u8]) -> Result<R, String>,
    types: PhantomData<fn() -> R>,
}

enum PendingState {
    Unsent(Result<Unsent, KeyError>),
    Sent(Address, PromisedVerdict),
    Over,
}

struct Unsent {
    to: Address,
    handler: HandlerId,
    body: Vec<u8>,
    request_kind: RequestKind,
}

impl<R> Pending<R> {
    pub(crate) fn new(
        node: &Arc<NodeHandle>,
        to: Result<Address, KeyError>,
        handler: HandlerId,
        body: Vec<u8>,
        request_kind: RequestKind,
        read: fn(&[u8]) -> Result<R, String>,
    ) -> Self {
        let unsent = to.map(|to| Unsent { to, handler, body, request_kind });
        Self { node: Arc::clone(node), state: PendingState::Unsent(unsent), read, types: PhantomData }
    }

    /// Gives the request a client key: repeated with the same key, it gets the same reply, and is done once. A read needs none;
    /// on a request that has left the key changes nothing.
    pub fn with_key(mut self, client_key: &str) -> Self {
        if let PendingState::Unsent(Ok(Unsent { request_kind: RequestKind::Call { key }, .. })) = &mut self.state {
            *key = Some(client_key.into());
        }
        self
    }

    /// Sends it now, if it has not left; its answer can be waited for later.
    pub fn start(mut self) -> Self {
        self.send();
        self
    }

    fn send(&mut self) {
        self.state = match std::mem::replace(&mut self.state, PendingState::Over) {
            PendingState::Unsent(Ok(Unsent { to, handler, body, request_kind })) => {
                let address = to.clone();
                let trace = self.node.follow(None);
                let promised = self.node.call(Request { trace, ..Request::new(to, handler, body, request_kind) });
                PendingState::Sent(address, promised)
            }
            other => other,
        };
    }

    /// Blocks until the answer is there.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; after [`CallError::Unknown`] alone it may have been done.
    pub fn wait(mut self) -> Result<R, CallError> {
        self.send();
        match std::mem::replace(&mut self.state, PendingState::Over) {
            PendingState::Sent(address, promised) => self.reply(&address, promised.wait()),
            PendingState::Unsent(Err(error)) => Err(error.into()),
            PendingState::Unsent(Ok(_)) | PendingState::Over => unreachable!("it was sent just now"),
        }
    }

    fn reply(&self, address: &Address, verdict: Verdict) -> Result<R, CallError> {
        let entity = || self.node.name_of(address);
        let read =
            |reply: &[u8]| (self.read)(reply).map_err(|detail| CallError::Unreadable { entity: entity(), detail });
        match verdict.original().0 {
            Verdict::Answered(Answer::Done { reply, version: _ }) => read(&reply),
            Verdict::Answered(Answer::Refused(refusal)) => Err(CallError::Refused(refusal)),
            Verdict::Answered(Answer::Failed(failure)) => Err(CallError::of_failure(failure, entity())),
            Verdict::Answered(Answer::Repeated(_) | Answer::Accepted | Answer::Duplicate) => {
                unreachable!("an answer is repeated once; the others are for numbered messages")
            }
            Verdict::NotDone(why) => Err(CallError::not_done(why, entity())),
            Verdict::Unknown(reason) => Err(CallError::Unknown { entity: entity(), reason }),
        }
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.send();
        let verdict = match &self.state {
            PendingState::Sent(_, promised) => match promised.poll(context) {
                Poll::Ready(verdict) => verdict,
                Poll::Pending => return Poll::Pending,
            },
            PendingState::Unsent(Err(error)) => return Poll::Ready(Err(error.clone().into())),
            PendingState::Unsent(Ok(_)) => unreachable!("it was sent just now"),
            PendingState::Over => panic!("a request was polled after its answer was taken"),
        };
        match std::mem::replace(&mut self.state, PendingState::Over) {
            PendingState::Sent(address, _) => Poll::Ready(self.reply(&address, verdict)),
            PendingState::Unsent(_) | PendingState::Over => unreachable!("it had been sent"),
        }
    }
}

/// Reads a reply as an `R`.
pub(crate) fn reply_of<R: DeserializeOwned>(reply: &[u8]) -> Result<R, String> {
    decode(reply).map_err(|error| error.to_string())
}

/// Drops the reply.
#[expect(clippy::unnecessary_wraps, reason = "has the shape of `reply_of`")]
pub(crate) fn no_reply(_: &[u8]) -> Result<(), String> {
    Ok(())
}
