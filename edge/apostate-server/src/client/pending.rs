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
use crate::answers::owed::{OwedWait, Waits};
use crate::answers::promise::PromisedVerdict;
use crate::answers::stop::Interruption;
use crate::answers::verdict::Verdict;
use crate::client::node_handle::NodeHandle;
use crate::random::client_key;

/// A request and its answer. It leaves when it is first waited for or polled, or with [`start`](Self::start).
///
/// Dropped after that, the request may be done all the same, and its result is lost.
#[must_use = "nothing is sent before it is started, waited for or polled"]
pub struct Pending<R> {
    node: Arc<NodeHandle>,
    state: PendingState,
    waits: Waits,
    read: fn(&[u8]) -> Result<R, String>,
    types: PhantomData<fn() -> R>,
}

enum PendingState {
    Unsent(Result<Unsent, KeyError>),
    /// Asked. Of a call that is answered later, with the wait for that.
    Sent(Asked, PromisedVerdict, Option<OwedWait>),
    /// Answered later: asked again when it is told that the answer is there.
    Owed(Asked, OwedWait),
    Over,
}

struct Unsent {
    to: Address,
    handler: HandlerId,
    body: Vec<u8>,
    request_kind: RequestKind,
}

/// What is known of a request that has left.
struct Asked {
    to: Address,
    handler: HandlerId,
    key: Option<Box<str>>,
}

impl<R> Pending<R> {
    pub(crate) fn new(
        node: &Arc<NodeHandle>,
        to: Result<Address, KeyError>,
        (handler, body): (HandlerId, Vec<u8>),
        (request_kind, waits): (RequestKind, Waits),
        read: fn(&[u8]) -> Result<R, String>,
    ) -> Self {
        let unsent = to.map(|to| Unsent { to, handler, body, request_kind });
        Self { node: Arc::clone(node), state: PendingState::Unsent(unsent), waits, read, types: PhantomData }
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
            PendingState::Unsent(Ok(Unsent { to, handler, body, mut request_kind })) => {
                if let RequestKind::Call { key } = &mut request_kind
                    && key.is_none()
                    && self.node.answers_later(&to, handler)
                {
                    *key = Some(client_key());
                }
                let key = if let RequestKind::Call { key } = &request_kind { key.clone() } else { None };
                let asked = Asked { to: to.clone(), handler, key };
                let trace = self.node.follow(None);
                let promised = self.node.call(Request { trace, ..Request::new(to, handler, body, request_kind) });
                PendingState::Sent(asked, promised, None)
            }
            other => other,
        };
    }

    /// Asks again for an answer that is there, or may be.
    fn ask_again(&self, asked: Asked, wait: Option<OwedWait>) -> PendingState {
        let Asked { to, handler, key } = &asked;
        let key = key.clone().expect("a call that is answered later has a client key");
        let again = Request::new(to.clone(), *handler, Vec::new(), RequestKind::Recall { key });
        PendingState::Sent(asked, self.node.call(again), wait)
    }

    /// What follows from a verdict: the result, or nothing yet.
    fn take(&mut self, asked: Asked, wait: Option<OwedWait>, verdict: Verdict) -> Option<Result<R, CallError>> {
        let is_first = wait.is_none();
        let (number, verdict) = match verdict.original().0 {
            Verdict::Answered(Answer::Pending { number }) if self.waits == Waits::ForCommit => {
                let verdict = Answer::Done { reply: Vec::new(), version: number };
                return Some(self.reply(&asked.to, Verdict::Answered(verdict), is_first));
            }
            Verdict::Answered(Answer::Pending { number }) => (number, wait),
            verdict => return Some(self.reply(&asked.to, verdict, is_first)),
        };
        self.state = match verdict {
            Some(wait) => PendingState::Owed(asked, wait),
            // It may be answered before we begin to wait.
            None => {
                let wait = self.node.routes.queues().owed().wait_for(&asked.to, number);
                self.ask_again(asked, Some(wait))
            }
        };
        None
    }

    /// The answer is there that was waited for, or it is not known why not.
    fn told(&mut self, asked: Asked, interruption: Option<Interruption>) -> Option<Result<R, CallError>> {
        if let Some(reason) = interruption {
            return Some(Err(CallError::Unknown { entity: self.node.name_of(&asked.to), reason }));
        }
        self.state = self.ask_again(asked, None);
        None
    }

    /// Blocks until the answer is there.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; after [`CallError::Unknown`] alone it may have been done.
    pub fn wait(mut self) -> Result<R, CallError> {
        self.send();
        loop {
            let result = match std::mem::replace(&mut self.state, PendingState::Over) {
                PendingState::Sent(asked, promised, wait) => self.take(asked, wait, promised.wait()),
                PendingState::Owed(asked, wait) => self.told(asked, wait.wait()),
                PendingState::Unsent(Err(error)) => Some(Err(error.into())),
                PendingState::Unsent(Ok(_)) | PendingState::Over => unreachable!("it was sent just now"),
            };
            if let Some(result) = result {
                return result;
            }
        }
    }

    /// `is_first`: the call was not known to be done before.
    fn reply(&self, address: &Address, verdict: Verdict, is_first: bool) -> Result<R, CallError> {
        let entity = || self.node.name_of(address);
        let read =
            |reply: &[u8]| (self.read)(reply).map_err(|detail| CallError::Unreadable { entity: entity(), detail });
        match verdict {
            Verdict::Answered(Answer::Done { reply, version: _ }) => read(&reply),
            Verdict::Answered(Answer::Refused(refusal)) => Err(CallError::Refused(refusal)),
            Verdict::Answered(Answer::Expired) => Err(CallError::Expired { entity: entity() }),
            Verdict::Answered(Answer::Failed(failure)) if !is_first => {
                Err(CallError::Unknown { entity: entity(), reason: failure.into() })
            }
            Verdict::Answered(Answer::Failed(failure)) => Err(CallError::of_failure(failure, entity())),
            Verdict::Answered(Answer::Repeated(_) | Answer::Pending { .. } | Answer::Accepted | Answer::Duplicate) => {
                unreachable!(
                    "an answer is repeated once, one that is pending is waited for; the others are for numbered messages"
                )
            }
            Verdict::NotDone(_) if !is_first => {
                Err(CallError::Unknown { entity: entity(), reason: Interruption::NodeClosed })
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
        loop {
            let result = match std::mem::replace(&mut self.state, PendingState::Over) {
                PendingState::Sent(asked, promised, wait) => match promised.poll(context) {
                    Poll::Ready(verdict) => self.take(asked, wait, verdict),
                    Poll::Pending => {
                        self.state = PendingState::Sent(asked, promised, wait);
                        return Poll::Pending;
                    }
                },
                PendingState::Owed(asked, wait) => match wait.poll(context) {
                    Poll::Ready(interruption) => self.told(asked, interruption),
                    Poll::Pending => {
                        self.state = PendingState::Owed(asked, wait);
                        return Poll::Pending;
                    }
                },
                PendingState::Unsent(Err(error)) => {
                    let result = Err(error.clone().into());
                    self.state = PendingState::Unsent(Err(error));
                    return Poll::Ready(result);
                }
                PendingState::Unsent(Ok(_)) => unreachable!("it was sent just now"),
                PendingState::Over => panic!("a request was polled after its answer was taken"),
            };
            if let Some(result) = result {
                return Poll::Ready(result);
            }
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
