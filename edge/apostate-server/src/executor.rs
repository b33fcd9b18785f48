//! The executor: one thread at a time owns its partitions, and shares nothing of them with anybody.
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
//! A handler that does not end holds up its partition alone: while a partition has its turn, the executor is left where another thread
//! can take it over, with all its other partitions.
//!
//! Reading order: `messages` and `mailbox`, what arrives, and `routes`, the way to each; `host`, one partition here; `tickets`, who waits
//! for its answers; `outgoing`, what leaves; `threads`, `handover` and `slot`, how another thread goes on; `opening` and `announcement`, how a node begins; `status`, how partitions are; `message_counts`, what
//! became of messages.

mod mailbox;
pub(crate) mod messages;
pub(crate) mod routes;

pub(crate) mod host;
pub(crate) mod notice;
mod slot;
mod tickets;
pub(crate) mod wake_flag;

pub(crate) mod outgoing;

pub(crate) mod handover;
pub(crate) mod threads;

pub(crate) mod announcement;
pub(crate) mod message_counts;
pub(crate) mod opening;
pub(crate) mod status;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use apostate_log::Store;
use apostate_partition::{HostTime, Input};
use crossbeam_channel::{Receiver, Sender};

use crate::clock::HostClock;
use crate::executor::announcement::Announcer;
use crate::executor::handover::Handover;
use crate::executor::host::PartitionHost;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::{ExecutorMessage, TakenMessages};
use crate::executor::opening::PartitionPlan;
use crate::executor::outgoing::{LocalFrame, Outgoing};
use crate::executor::slot::HostSlot;

/// One executor. It lives on the thread that runs it.
pub(crate) struct Executor {
    mailbox: Arc<Mailbox>,
    clock: HostClock,
    slots: Vec<HostSlot>,
    outgoing: Outgoing,
    messages: Vec<ExecutorMessage>,
    frames: Vec<LocalFrame>,
    /// Whether a log has results that were not collected yet.
    has_log_results: bool,
    /// Hosts that come back from threads that were left behind, with their indexes.
    returned: Receiver<(usize, Box<PartitionHost>)>,
    give_back: Sender<(usize, Box<PartitionHost>)>,
}

/// Closes the mailbox when the executor ends, in whatever way: its callers would wait for ever.
impl Drop for Executor {
    fn drop(&mut self) {
        for slot in self.slots.drain(..) {
            if let HostSlot::Away(held) = slot {
                held.into_iter().for_each(|message| message.refuse(self.mailbox.queues()));
            }
        }
        self.mailbox.close();
    }
}

impl Executor {
    /// An executor without partitions; [`open`](Self::open) gives it some.
    pub(crate) fn new(mailbox: Arc<Mailbox>, clock: HostClock, outgoing: Outgoing) -> Box<Self> {
        let (give_back, returned) = crossbeam_channel::unbounded();
        let (slots, messages, frames) = (Vec::new(), Vec::new(), Vec::new());
        Box::new(Self {
            mailbox,
            clock,
            slots,
            outgoing,
            messages,
            frames,
            has_log_results: false,
            returned,
            give_back,
        })
    }

    /// Opens the partitions of `plans`.
    pub(crate) fn open(&mut self, plans: Vec<PartitionPlan>, store: &dyn Store, announcer: &Announcer) {
        let open = |plan: PartitionPlan| HostSlot::Here(Box::new(plan.open(store, announcer, &self.outgoing)));
        self.slots = plans.into_iter().map(open).collect();
    }

    /// Goes on where a thread was left behind in a turn.
    pub(crate) fn take_over(mut self: Box<Self>, handover: &Handover<Box<Self>>) {
        self.outgoing.send();
        // Of the round that was broken off; a flag too many harms nobody.
        self.has_log_results = true;
        self.run(handover);
    }

    /// Runs the partitions until it is told to quit, or until another thread has taken it over.
    pub(crate) fn run(mut self: Box<Self>, handover: &Handover<Box<Self>>) {
        loop {
            self.receive();
            let now = self.clock.now();
            if self.deliver(now).is_break() {
                return;
            }
            self.deliver_local(now);
            self.take_back(now);
            for index in 0..self.slots.len() {
                let has_log_results = self.has_log_results;
                let Some(host) = self.slots[index].host_mut() else { continue };
                if has_log_results {
                    host.poll_log(now);
                }
                if host.is_due(now) {
                    let Some(executor) = self.turn(now, index, handover) else { return };
                    self = executor;
                }
            }
            self.has_log_results = false;
            self.outgoing.send();
        }
    }

    /// Gives one host its turn. None: it took so long that another thread has taken over the executor.
    fn turn(mut self: Box<Self>, now: HostTime, index: usize, handover: &Handover<Box<Self>>) -> Option<Box<Self>> {
        if let [HostSlot::Here(host)] = &mut self.slots[..] {
            // Without neighbours there is nothing to take over.
            host.turn(now);
            host.carry_out(index, &mut self.outgoing);
            return Some(self);
        }
        let Some(mut host) = self.slots[index].take() else { return Some(self) };
        let (mailbox, give_back) = (Arc::clone(&self.mailbox), self.give_back.clone());
        let offer = handover.offer(index, self);
        host.turn(now);
        let Some(mut executor) = offer.withdraw() else {
            // An executor that has ended meanwhile takes nothing back: the host ends with the message.
            let _ = give_back.send((index, host));
            mailbox.wake_for_log();
            return None;
        };
        host.carry_out(index, &mut executor.outgoing);
        executor.slots[index].put_back(host);
        Some(executor)
    }

    /// Takes hosts back whose handlers have ended at last, and delivers what came for them since.
    fn take_back(&mut self, now: HostTime) {
        // Who gives a host back wakes the executor as a log does.
        if !self.has_log_results {
            return;
        }
        while let Ok((index, mut host)) = self.returned.try_recv() {
            host.carry_out(index, &mut self.outgoing);
            for message in self.slots[index].put_back(host) {
                if let Some(host) = self.slots[index].host_mut() {
                    deliver_to(host, now, message);
                }
            }
        }
    }

    /// Empties the mailbox; sleeps before it if there is nothing else to do.
    fn receive(&mut self) {
        let mut hosts = self.slots.iter().filter_map(HostSlot::host);
        if self.has_log_results || self.outgoing.has_local() || hosts.any(PartitionHost::is_touched) {
            self.has_log_results |= self.mailbox.take(&mut self.messages);
            return;
        }
        let wake_at = self.slots.iter().filter_map(|slot| slot.host()?.wake_at()).min();
        let deadline = wake_at.map(|at| Instant::now() + at.since(self.clock.now().uptime));
        self.has_log_results = self.mailbox.wait(deadline, &mut self.messages);
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
        match message.host() {
            Some(host) => self.deliver_at(now, host, message),
            None => {
                for slot in &mut self.slots {
                    match (slot, &message) {
                        (HostSlot::Here(host), ExecutorMessage::Start) => host.give(now, [Input::Open]),
                        (HostSlot::Here(host), ExecutorMessage::Report { reply }) => {
                            // The receiver may have stopped waiting.
                            let _ = reply.send(host.report());
                        }
                        (HostSlot::Away(held), ExecutorMessage::Report { reply }) => {
                            held.push(ExecutorMessage::Report { reply: reply.clone() });
                        }
                        _ => unreachable!("a message for one host, the end, or a start while a handler runs"),
                    }
                }
            }
        }
    }

    /// Delivers a message to one host, or holds it until that host is back.
    fn deliver_at(&mut self, now: HostTime, host: usize, message: ExecutorMessage) {
        match &mut self.slots[host] {
            HostSlot::Here(host) => deliver_to(host, now, message),
            HostSlot::Away(held) => held.push(message),
        }
    }

    fn deliver_local(&mut self, now: HostTime) {
        let mut frames = std::mem::take(&mut self.frames);
        self.outgoing.take_local(&mut frames);
        for LocalFrame { host, from, bytes } in frames.drain(..) {
            match &mut self.slots[host] {
                HostSlot::Here(host) => host.give(now, [Input::Frame { from, bytes }]),
                HostSlot::Away(held) => held.push(ExecutorMessage::Frames { host, from, frames: vec![bytes] }),
            }
        }
        self.frames = frames;
    }
}

fn deliver_to(host: &mut PartitionHost, now: HostTime, message: ExecutorMessage) {
    match message {
        ExecutorMessage::Request { host: _, request } => host.request(now, request),
        ExecutorMessage::Call { host: _, request, promise } => host.call(now, request, promise),
        ExecutorMessage::Stream { host: _, requests, stream } => host.stream(requests, stream),
        ExecutorMessage::Parked { host: _, command, promise } => host.parked(now, command, promise),
        ExecutorMessage::Frames { host: _, from, frames } => {
            host.give(now, frames.into_iter().map(|bytes| Input::Frame { from, bytes }));
        }
        ExecutorMessage::Loaded { host: _, loaded } => host.give(now, loaded.into_iter().map(Input::Loaded)),
        ExecutorMessage::Checkpointed { host: _, result } => host.checkpointed(now, result),
        ExecutorMessage::Checkpoint { host: _, reply } => host.request_checkpoint(now, reply),
        ExecutorMessage::Report { reply } => {
            // The receiver may have stopped waiting.
            let _ = reply.send(host.report());
        }
        ExecutorMessage::Start | ExecutorMessage::Quit => unreachable!("for no single host"),
    }
}
