//! The dispatcher of a desk: the one task of a thread that meets the executors.
//!
//! Connections hand their requests to the dispatcher and wait. The dispatcher runs after the connections that were ready together, so
//! what they asked leaves together; and what an executor's turn has answered arrives together. A request costs no lock that
//! another thread holds, and a batch of them costs one wake-up each way.
//!
//! It also bounds what may be under way: without a free place there is no request, and its sender is told to come again.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use apostate_partition::Request;

use crate::answers::promise::Promise;
use crate::answers::queue::{Desk, DeskTicket};
use crate::answers::verdict::Verdict;
use crate::client::node_handle::NodeHandle;
use crate::executor::messages::ExecutorMessage;

/// Takes requests of one thread's connections, and brings their answers.
pub(crate) struct Dispatcher {
    node: Arc<NodeHandle>,
    desk: Arc<Desk>,
    // Held by its own thread only, so never waited for.
    inner: Mutex<Inner>,
}

struct Inner {
    places: Vec<Place>,
    free: Vec<u32>,
    /// What leaves next, for each executor.
    outgoing: Vec<Vec<ExecutorMessage>>,
    has_outgoing: bool,
    waker: Option<Waker>,
}

#[derive(Default)]
struct Place {
    waiter: Option<Waker>,
    verdict: Option<Verdict>,
    /// Nobody waits any more, but an answer will come.
    is_abandoned: bool,
}

/// A request that waits for its answer. Dropped, it is withdrawn if it has not been begun.
pub(crate) struct Asked {
    dispatcher: Arc<Dispatcher>,
    ticket: DeskTicket,
    is_over: bool,
}

impl Dispatcher {
    /// A dispatcher for at most so many open requests.
    pub(crate) fn new(node: Arc<NodeHandle>, requests_max: usize) -> Self {
        let places = u32::try_from(requests_max).unwrap_or(u32::MAX);
        let outgoing = node.routes.mailboxes().iter().map(|_| Vec::new()).collect();
        let inner = Inner {
            places: (0..places).map(|_| Place::default()).collect(),
            free: (0..places).rev().collect(),
            outgoing,
            has_outgoing: false,
            waker: None,
        };
        Self { node, desk: Arc::new(Desk::new(places as usize)), inner: Mutex::new(inner) }
    }

    /// Sends a request on its way. None: too many are under way.
    pub(crate) fn ask(self: &Arc<Self>, request: Request) -> Option<Asked> {
        let mut inner = self.lock();
        let place = inner.free.pop()?;
        let ticket = self.desk.open(place);
        let to = self.node.place_of(&request.to);
        let promise = Promise::to_desk(&self.desk, ticket);
        inner.outgoing[to.executor].push(ExecutorMessage::Request { host: to.host, request, promise });
        inner.has_outgoing = true;
        if let Some(waker) = inner.waker.take() {
            waker.wake();
        }
        Some(Asked { dispatcher: Arc::clone(self), ticket, is_over: false })
    }

    /// The dispatcher's work. It never ends.
    pub(crate) async fn work(self: Arc<Self>) {
        let mut arrived = Vec::new();
        poll_fn(|context| -> Poll<()> {
            loop {
                self.send(context);
                if self.desk.poll(context, &mut arrived).is_pending() {
                    return Poll::Pending;
                }
                self.hand_out(&mut arrived);
            }
        })
        .await;
    }

    fn send(&self, context: &mut Context<'_>) {
        let mut inner = self.lock();
        match &mut inner.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        if std::mem::take(&mut inner.has_outgoing) {
            for (executor, batch) in inner.outgoing.iter_mut().enumerate() {
                self.node.send_all(executor, batch);
            }
        }
    }

    fn hand_out(&self, arrived: &mut Vec<(DeskTicket, Verdict)>) {
        let mut inner = self.lock();
        for (ticket, verdict) in arrived.drain(..) {
            if !self.desk.close(ticket) {
                continue;
            }
            let place = &mut inner.places[ticket.place as usize];
            if std::mem::take(&mut place.is_abandoned) {
                inner.free.push(ticket.place);
                continue;
            }
            place.verdict = Some(verdict);
            if let Some(waiter) = place.waiter.take() {
                waiter.wake();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it is held.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// Nobody waits for it any more. True: it was not begun, and never will be.
    pub(crate) fn withdraw(mut self) -> bool {
        self.give_up()
    }

    fn give_up(&mut self) -> bool {
        if std::mem::replace(&mut self.is_over, true) {
            return false;
        }
        let mut inner = self.dispatcher.lock();
        let is_withdrawn = self.dispatcher.desk.withdraw(self.ticket);
        let place = &mut inner.places[self.ticket.place as usize];
        place.waiter = None;
        if is_withdrawn || place.verdict.take().is_some() {
            inner.free.push(self.ticket.place);
        } else {
            place.is_abandoned = true;
        }
        is_withdrawn
    }
}

impl Future for Asked {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        let mut inner = self.dispatcher.lock();
        let place = &mut inner.places[self.ticket.place as usize];
        let Some(verdict) = place.verdict.take() else {
            place.waiter = Some(context.waker().clone());
            return Poll::Pending;
        };
        inner.free.push(self.ticket.place);
        drop(inner);
        self.is_over = true;
        Poll::Ready(verdict)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.give_up();
    }
}
