//! Dispatcher: the one task of an HTTP thread that meets the executors.
//!
//! Connections hand it their requests and wait. It runs after the connections that were ready together, so their requests leave
//! together; and the answers of an executor's turn arrive together. A request takes no lock that another thread holds, and a batch of
//! them costs one wake-up each way.
//!
//! It also bounds the requests under way: without a free place a request is refused as *busy*.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use apostate_partition::Request;

use crate::answers::queue::CompletionQueue;
use crate::answers::ticket::{PLACES_MAX, Ticket};
use crate::answers::verdict::Verdict;
use crate::client::node_handle::NodeHandle;
use crate::executor::messages::ExecutorMessage;
use crate::settings::COUNT_MAX;
use crate::sync::lock;

const _: () = assert!(COUNT_MAX <= PLACES_MAX, "every request that is let in has a place");

/// The way of one thread's requests to the executors, and of their answers back.
pub(crate) struct Dispatcher {
    node: Arc<NodeHandle>,
    queue: Arc<CompletionQueue>,
    // Held by its own thread only, so never waited for.
    open: Mutex<OpenRequests>,
}

struct OpenRequests {
    /// By the places of the queue.
    waiters: Vec<Waiter>,
    free: Vec<u32>,
    /// Messages that leave next, for each executor.
    outgoing: Vec<Vec<ExecutorMessage>>,
    /// The version of the route table that the first of them goes by; that of a later one may be newer.
    version: u64,
    has_outgoing: bool,
    /// Wakes the dispatcher's task.
    waker: Option<Waker>,
}

/// The caller of one open request.
#[derive(Default)]
struct Waiter {
    waker: Option<Waker>,
    verdict: Option<Verdict>,
    /// The caller has stopped waiting, but an answer will come.
    is_gone: bool,
}

/// A request that waits for its answer. Dropped, it is withdrawn if it has not been begun.
pub(crate) struct OpenRequest {
    dispatcher: Arc<Dispatcher>,
    ticket: Ticket,
    is_over: bool,
}

impl Dispatcher {
    /// A dispatcher for at most so many open requests. None: the node has too many of them.
    pub(crate) fn new(node: Arc<NodeHandle>, requests_max: usize) -> Option<Self> {
        let queue = node.routes.queues().lease(requests_max)?;
        let places = u32::try_from(queue.places()).expect("a ticket has room for the place");
        // What the thread before has left open will be answered, and is free from then on.
        let is_free = |place: &u32| queue.is_free(*place);
        let waiters = (0..places).map(|place| Waiter { is_gone: !is_free(&place), ..Waiter::default() }).collect();
        let open = OpenRequests {
            waiters,
            free: (0..places).rev().filter(is_free).collect(),
            outgoing: node.routes.mailboxes().iter().map(|_| Vec::new()).collect(),
            version: 0,
            has_outgoing: false,
            waker: None,
        };
        Some(Self { node, queue, open: Mutex::new(open) })
    }

    /// Sends a request on its way. None: too many are under way.
    pub(crate) fn send(self: &Arc<Self>, mut request: Request) -> Option<OpenRequest> {
        let mut open = lock(&self.open);
        let ticket = self.queue.open(open.free.pop()?);
        request.ticket = ticket.0;
        let table = self.node.routes.table();
        if !open.has_outgoing {
            open.version = table.version();
        }
        let to = table.find(request.to.hash());
        open.outgoing[to.executor].push(ExecutorMessage::Request { partition: to.partition, request });
        open.has_outgoing = true;
        if let Some(waker) = open.waker.take() {
            waker.wake();
        }
        Some(OpenRequest { dispatcher: Arc::clone(self), ticket, is_over: false })
    }

    /// The body of the dispatcher's task. It never ends.
    pub(crate) async fn run(self: Arc<Self>) {
        let mut arrived = Vec::new();
        poll_fn(|context| -> Poll<()> {
            loop {
                self.post(context);
                if self.queue.poll(context, &mut arrived).is_pending() {
                    return Poll::Pending;
                }
                self.hand_out(&mut arrived);
            }
        })
        .await;
    }

    fn post(&self, context: &mut Context<'_>) {
        let mut open = lock(&self.open);
        match &mut open.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        if std::mem::take(&mut open.has_outgoing) {
            let version = open.version;
            for (executor, batch) in open.outgoing.iter_mut().enumerate() {
                self.node.post_all(executor, version, batch);
            }
        }
    }

    fn hand_out(&self, arrived: &mut Vec<(Ticket, Verdict)>) {
        let mut open = lock(&self.open);
        for (ticket, verdict) in arrived.drain(..) {
            if !self.queue.close(ticket) {
                continue;
            }
            let waiter = &mut open.waiters[ticket.place() as usize];
            if std::mem::take(&mut waiter.is_gone) {
                open.free.push(ticket.place());
                continue;
            }
            waiter.verdict = Some(verdict);
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.node.routes.queues().give_back(Arc::clone(&self.queue));
    }
}

impl OpenRequest {
    /// Stops waiting. True: it was not begun, and never will be.
    pub(crate) fn withdraw(mut self) -> bool {
        self.give_up()
    }

    fn give_up(&mut self) -> bool {
        if std::mem::replace(&mut self.is_over, true) {
            return false;
        }
        let mut open = lock(&self.dispatcher.open);
        let is_withdrawn = self.dispatcher.queue.withdraw(self.ticket);
        let waiter = &mut open.waiters[self.ticket.place() as usize];
        waiter.waker = None;
        if is_withdrawn || waiter.verdict.take().is_some() {
            open.free.push(self.ticket.place());
        } else {
            waiter.is_gone = true;
        }
        is_withdrawn
    }
}

impl Future for OpenRequest {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        let mut open = lock(&self.dispatcher.open);
        let waiter = &mut open.waiters[self.ticket.place() as usize];
        let Some(verdict) = waiter.verdict.take() else {
            waiter.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        open.free.push(self.ticket.place());
        drop(open);
        self.is_over = true;
        Poll::Ready(verdict)
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, EntityKey, HandlerId, KindId};
    use apostate_partition::{Answer, Map, RequestKind};

    use super::*;
    use crate::Settings;
    use crate::clock::HostClock;
    use crate::executor::routes::Routes;
    use crate::storage::directory::Directory;
    use crate::storage::disk::Disk;

    const HOST: u32 = 0;

    /// A node of one partition whose executor is this test.
    fn node(dir: &std::path::Path) -> Arc<NodeHandle> {
        let settings = Settings { partitions: Some(1), ..Settings::new(dir) };
        let mut directory = Directory::open(&settings).expect("a directory");
        let disk = Disk::open(&mut directory, &settings, &Map::first(1)).expect("a disk");
        let routes = Arc::new(Routes::new(Arc::new(Map::first(1)), 1));
        let (disk, clock) = (Arc::new(disk), HostClock::default());
        Arc::new(NodeHandle::new(Arc::default(), Vec::new(), routes, disk, clock, None, Arc::default()))
    }

    fn read() -> Request {
        let to = Address::new(KindId::of("stock"), EntityKey::new("tea").expect("a key"));
        Request::new(to, HandlerId::of("level"), Vec::new(), RequestKind::Read)
    }

    /// Lets the dispatcher's task run until it has nothing to do.
    fn turn(dispatcher: &Arc<Dispatcher>) {
        let mut run = Box::pin(Arc::clone(dispatcher).run());
        assert!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }

    /// The tickets of the requests that have arrived at the executor.
    fn arrived(node: &NodeHandle) -> Vec<Ticket> {
        let mut messages = Vec::new();
        node.routes.mailboxes()[0].take(&mut messages, &mut Vec::new());
        let ticket = |message| match message {
            ExecutorMessage::Request { request, .. } => Ticket(request.ticket),
            other => panic!("{other:?}"),
        };
        messages.into_iter().map(ticket).collect()
    }

    #[test]
    fn a_request_waits_under_one_ticket_and_its_place_is_used_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let node = node(dir.path());
        let dispatcher = Arc::new(Dispatcher::new(Arc::clone(&node), 1).expect("a queue"));
        for _ in 0..2 {
            let open = dispatcher.send(read()).expect("there is a place");
            assert!(dispatcher.send(read()).is_none(), "as many are under way as may be");
            turn(&dispatcher);
            let ticket = arrived(&node)[0];
            let queue = node.routes.queues().of(ticket).expect("a queue");
            assert!(queue.claim(ticket, HOST) && queue.finish(ticket, HOST));
            queue.deliver(ticket, Verdict::Answered(Answer::Accepted));
            turn(&dispatcher);
            let mut open = Box::pin(open);
            let answer = open.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Verdict::Answered(Answer::Accepted))));
        }
    }

    #[test]
    fn the_next_thread_waits_for_what_the_one_before_has_left_open() {
        let dir = tempfile::tempdir().expect("a directory");
        let node = node(dir.path());
        let first = Arc::new(Dispatcher::new(Arc::clone(&node), 2).expect("a queue"));
        let begun = first.send(read()).expect("there is a place");
        let withdrawn = first.send(read()).expect("there is a place");
        turn(&first);
        let tickets = arrived(&node);
        let queue = node.routes.queues().of(tickets[0]).expect("a queue");
        assert!(queue.claim(tickets[0], HOST));
        assert!(!begun.withdraw() && withdrawn.withdraw());
        drop(first);

        let second = Arc::new(Dispatcher::new(Arc::clone(&node), 2).expect("a queue"));
        let open = second.send(read()).expect("one place is free");
        assert!(second.send(read()).is_none(), "the answer to the other one is still to come");
        assert!(queue.finish(tickets[0], HOST));
        queue.deliver(tickets[0], Verdict::Answered(Answer::Accepted));
        turn(&second);
        assert!(second.send(read()).is_some());
        assert!(open.withdraw(), "it has got no answer of another");
    }
}
