//! The executor: one thread that owns its partitions, and shares nothing of them with anybody.
//!
//! ```text
//!            ┌──────────────────────── a turn ────────────────────────┐
//!   mailbox ─▶ hand over all that arrived ─▶ Turn ─▶ carry out effects ─▶ post to others ─▶ sleep
//!            └────────────────────────────────────────────────────────┘
//! ```
//!
//! Everything that meets other threads happens at the boundaries of a turn, in batches: one lock to empty the mailbox, one for each
//! other executor that gets something, one for each completion queue and each producer that gets answers. Within a turn there are
//! none.
//!
//! Reading order: `messages` and `mailbox`, what arrives, and `routes`, the way to each; `host`, one partition here; `tickets`, who waits
//! for its answers; `outgoing`, what leaves; `opening` and `announcement`, how a node begins; `status`, how partitions are.

mod mailbox;
pub(crate) mod messages;
pub(crate) mod routes;

pub(crate) mod host;
pub(crate) mod notice;
mod tickets;
pub(crate) mod wake_flag;

pub(crate) mod outgoing;

pub(crate) mod announcement;
pub(crate) mod opening;
pub(crate) mod status;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use apostate_log::Store;
use apostate_partition::{HostTime, Input};

use crate::clock::HostClock;
use crate::executor::announcement::Announcer;
use crate::executor::host::PartitionHost;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::{ExecutorMessage, TakenMessages};
use crate::executor::opening::PartitionPlan;
use crate::executor::outgoing::{LocalFrame, Outgoing};

/// One executor. It lives on its own thread from [`run`](Self::run) on.
pub(crate) struct Executor {
    mailbox: Arc<Mailbox>,
    clock: HostClock,
    hosts: Vec<PartitionHost>,
    outgoing: Outgoing,
    messages: Vec<ExecutorMessage>,
    frames: Vec<LocalFrame>,
}

/// Closes the mailbox when the executor ends, in whatever way: its callers would wait for ever.
struct CloseOnDrop(Arc<Mailbox>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Opens the partitions of `plans`, and runs them until it is told to quit. The body of an executor's thread.
pub(crate) fn run(
    mailbox: Arc<Mailbox>,
    clock: HostClock,
    plans: Vec<PartitionPlan>,
    store: &dyn Store,
    announcer: &Announcer,
    outgoing: Outgoing,
) {
    let _closing = CloseOnDrop(Arc::clone(&mailbox));
    let hosts = plans.into_iter().map(|plan| plan.open(store, announcer, &outgoing)).collect();
    Executor { mailbox, clock, hosts, outgoing, messages: Vec::new(), frames: Vec::new() }.run();
}

impl Executor {
    fn run(mut self) {
        loop {
            let has_log_results = self.receive();
            let now = self.clock.now();
            if self.deliver(now).is_break() {
                return;
            }
            self.deliver_local(now);
            for (index, host) in self.hosts.iter_mut().enumerate() {
                if has_log_results {
                    host.poll_log(now);
                }
                if host.is_due(now) {
                    host.turn(now, index, &mut self.outgoing);
                }
            }
            self.outgoing.send();
        }
    }

    /// Empties the mailbox; sleeps before it if there is nothing else to do. Whether a log has results.
    fn receive(&mut self) -> bool {
        if self.outgoing.has_local() || self.hosts.iter().any(PartitionHost::is_touched) {
            return self.mailbox.take(&mut self.messages);
        }
        let wake_at = self.hosts.iter().filter_map(PartitionHost::wake_at).min();
        let deadline = wake_at.map(|at| Instant::now() + at.since(self.clock.now().uptime));
        self.mailbox.wait(deadline, &mut self.messages)
    }

    fn deliver(&mut self, now: HostTime) -> ControlFlow<()> {
        let mailbox = Arc::clone(&self.mailbox);
        let mut messages = std::mem::take(&mut self.messages);
        let mut flow = ControlFlow::Continue(());
        let mut taken = TakenMessages { rest: messages.drain(..), queues: mailbox.queues() };
        for message in taken.rest.by_ref() {
            match message {
                ExecutorMessage::Quit => flow = ControlFlow::Break(()),
                // What came behind the end.
                message if flow.is_break() => message.refuse(mailbox.queues()),
                message => self.deliver_one(now, message),
            }
        }
        drop(taken);
        self.messages = messages;
        flow
    }

    fn deliver_one(&mut self, now: HostTime, message: ExecutorMessage) {
        match message {
            ExecutorMessage::Start => self.hosts.iter_mut().for_each(|host| host.give(now, [Input::Open])),
            ExecutorMessage::Request { host, request } => self.hosts[host].request(now, request),
            ExecutorMessage::Call { host, request, promise } => self.hosts[host].call(now, request, promise),
            ExecutorMessage::Stream { host, requests, stream } => self.hosts[host].stream(requests, stream),
            ExecutorMessage::Parked { host, command, promise } => self.hosts[host].parked(now, command, promise),
            ExecutorMessage::Frames { host, from, frames } => {
                self.hosts[host].give(now, frames.into_iter().map(|bytes| Input::Frame { from, bytes }));
            }
            ExecutorMessage::Loaded { host, loaded } => {
                self.hosts[host].give(now, loaded.into_iter().map(Input::Loaded))
            }
            ExecutorMessage::Checkpointed { host, result } => self.hosts[host].checkpointed(now, result),
            ExecutorMessage::Checkpoint { host, reply } => self.hosts[host].request_checkpoint(now, reply),
            ExecutorMessage::Report { reply } => {
                for host in &self.hosts {
                    // The receiver may have stopped waiting.
                    let _ = reply.send(host.report());
                }
            }
            ExecutorMessage::Quit => unreachable!("handled by the caller"),
        }
    }

    fn deliver_local(&mut self, now: HostTime) {
        self.outgoing.take_local(&mut self.frames);
        for LocalFrame { host, from, bytes } in self.frames.drain(..) {
            self.hosts[host].give(now, [Input::Frame { from, bytes }]);
        }
    }
}
