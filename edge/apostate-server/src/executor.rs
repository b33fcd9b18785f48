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
//! Reading order: `messages` and `mailbox`, what arrives, and `routes`, the way to each; `host`, one partition here, and `hosts`, all of them; `tickets`, who waits
//! for its answers; `outgoing`, what leaves; `threads`, `handover` and `slot`, how another thread goes on; `opening` and `announcement`, how a node begins; `status`, how partitions are; `message_counts`, what
//! became of messages.

mod mailbox;
pub(crate) mod messages;
pub(crate) mod moving;
mod redirect;
pub(crate) mod route_table;
pub(crate) mod routes;

pub(crate) mod host;
mod hosts;
pub(crate) mod notice;
mod slot;
mod tickets;
pub(crate) mod transit;
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

use apostate_log::{PartitionId, Store};
use apostate_partition::{HostTime, Input, Quota};
use crossbeam_channel::{Receiver, Sender};

use crate::clock::HostClock;
use crate::executor::announcement::Announcer;
use crate::executor::handover::Handover;
use crate::executor::host::PartitionHost;
use crate::executor::hosts::HostTable;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::{ExecutorMessage, TakenMessages};
use crate::executor::moving::{MoveError, MoveReply};
use crate::executor::opening::PartitionPlan;
use crate::executor::outgoing::{LocalFrame, Outgoing};
use crate::executor::slot::HostSlot;
use crate::executor::transit::Transit;
use crate::settings::quota::SharedBytes;

/// Where a thread leaves its executor while the partition with this id has its turn.
pub(crate) type ExecutorHandover = Handover<PartitionId, Box<Executor>>;

/// One executor. It lives on the thread that runs it.
pub(crate) struct Executor {
    mailbox: Arc<Mailbox>,
    clock: HostClock,
    hosts: HostTable,
    outgoing: Outgoing,
    messages: Vec<ExecutorMessage>,
    frames: Vec<LocalFrame>,
    /// What all partitions of the node share, and the quota of each that is here.
    shared: SharedBytes,
    quota: Option<Quota>,
    /// Partitions that are to move to other executors, in this round.
    moves: Vec<(PartitionId, usize, MoveReply)>,
    transit: Arc<Transit>,
    /// Partitions whose logs have results that were not collected yet.
    results: Vec<PartitionId>,
    /// Hosts that come back from threads that were left behind.
    returned: Receiver<Box<PartitionHost>>,
    give_back: Sender<Box<PartitionHost>>,
}

/// Closes the mailbox when the executor ends, in whatever way: its callers would wait for ever.
impl Drop for Executor {
    fn drop(&mut self) {
        for slot in self.hosts.drain() {
            if let HostSlot::Away(held) = slot {
                held.into_iter().for_each(|message| message.refuse(self.mailbox.queues()));
            }
        }
        self.mailbox.close();
        // Nothing arrives any more; what has arrived and was not taken ends here.
        drop(self.transit.take_all(self.outgoing.executor()));
    }
}

impl Executor {
    /// An executor without partitions; [`open`](Self::open) gives it some.
    pub(crate) fn new(
        mailbox: Arc<Mailbox>,
        clock: HostClock,
        shared: SharedBytes,
        outgoing: Outgoing,
        transit: Arc<Transit>,
    ) -> Box<Self> {
        let (give_back, returned) = crossbeam_channel::unbounded();
        let (hosts, messages, frames) = (HostTable::default(), Vec::new(), Vec::new());
        Box::new(Self {
            mailbox,
            clock,
            hosts,
            outgoing,
            messages,
            frames,
            shared,
            quota: None,
            moves: Vec::new(),
            transit,
            results: Vec::new(),
            returned,
            give_back,
        })
    }

    /// Opens the partitions of `plans`.
    pub(crate) fn open(&mut self, plans: Vec<PartitionPlan>, store: &dyn Store, announcer: &Announcer) {
        for plan in plans {
            self.hosts.insert(Box::new(plan.open(store, announcer, &self.outgoing)));
        }
    }

    /// Goes on where a thread was left behind in a turn.
    pub(crate) fn take_over(mut self: Box<Self>, handover: &ExecutorHandover) {
        self.outgoing.send();
        self.run(handover);
    }

    /// Runs the partitions until it is told to quit, or until another thread has taken it over.
    pub(crate) fn run(mut self: Box<Self>, handover: &ExecutorHandover) {
        loop {
            self.receive();
            let now = self.clock.now();
            let is_rerouted = self.outgoing.follow_routes();
            if self.deliver(now).is_break() {
                return;
            }
            self.deliver_local(now);
            self.move_hosts();
            self.take_back(now);
            self.poll_logs(now);
            if is_rerouted || self.quota.is_none() {
                self.divide(now);
            }
            self.hosts.wake(now);
            // Those that have something to do again wait for the next round; what is left of one that is broken off, too.
            for _ in 0..self.hosts.ready() {
                let Some(partition) = self.hosts.next_ready() else { break };
                let Some(executor) = self.turn(now, partition, handover) else { return };
                self = executor;
            }
            self.outgoing.send();
        }
    }

    /// Gives a host its turn, if it is here and has something to do. None: it took so long that another thread has taken over the executor.
    fn turn(mut self: Box<Self>, now: HostTime, id: PartitionId, handover: &ExecutorHandover) -> Option<Box<Self>> {
        let Some(index) = self.hosts.find(id) else { return Some(self) };
        // Without neighbours, and without another executor that one could come from, there is nothing to take over.
        let is_alone = self.hosts.len() == 1 && self.outgoing.routes().mailboxes().len() == 1;
        let slot = self.hosts.slot_mut(index);
        if slot.host().is_none_or(|host| !host.is_due(now)) {
            return Some(self);
        }
        if is_alone && let Some(host) = slot.host_mut() {
            host.turn(now);
            host.carry_out(&mut self.outgoing);
            self.hosts.note(index);
            return Some(self);
        }
        let Some(mut host) = slot.take() else { return Some(self) };
        let (mailbox, give_back) = (Arc::clone(&self.mailbox), self.give_back.clone());
        let offer = handover.offer(id, self);
        host.turn(now);
        let Some(mut executor) = offer.withdraw() else {
            // An executor that has ended meanwhile takes nothing back: the host ends with the message.
            let _ = give_back.send(host);
            mailbox.wake_up();
            return None;
        };
        host.carry_out(&mut executor.outgoing);
        executor.hosts.slot_mut(index).put_back(host);
        executor.hosts.note(index);
        Some(executor)
    }

    /// Takes hosts back whose handlers have ended at last, and delivers what came for them since.
    fn take_back(&mut self, now: HostTime) {
        while let Ok(mut host) = self.returned.try_recv() {
            host.carry_out(&mut self.outgoing);
            // Its log may have told while it was away.
            host.poll_log(now);
            self.quota.into_iter().for_each(|quota| host.take_quota(now, quota));
            let partition = host.id();
            let Some(index) = self.hosts.find(partition) else { unreachable!("a host that is away keeps its slot") };
            let held = self.hosts.slot_mut(index).put_back(host);
            self.hosts.note(index);
            held.into_iter().for_each(|message| self.deliver_at(now, partition, message));
        }
    }

    /// Divides what this executor has among its partitions. One that is away hears of it when it is back.
    fn divide(&mut self, now: HostTime) {
        let (executors, here) = self.outgoing.table().crowd(self.outgoing.executor());
        let quota = self.shared.quota(executors, here);
        if self.quota.replace(quota) == Some(quota) {
            return;
        }
        for index in 0..self.hosts.len() {
            if let Some(host) = self.hosts.slot_mut(index).host_mut() {
                host.take_quota(now, quota);
                self.hosts.note(index);
            }
        }
    }

    /// Collects the results of those logs that have told.
    fn poll_logs(&mut self, now: HostTime) {
        for partition in self.results.drain(..) {
            // One that has moved, or is away, is polled where it arrives.
            let Some(index) = self.hosts.find(partition) else { continue };
            if let Some(host) = self.hosts.slot_mut(index).host_mut() {
                host.poll_log(now);
                self.hosts.note(index);
            }
        }
    }

    /// Empties the mailbox; sleeps before it if there is nothing else to do.
    fn receive(&mut self) {
        if self.outgoing.has_local() || self.hosts.ready() > 0 {
            self.mailbox.take(&mut self.messages, &mut self.results);
            return;
        }
        let wakes_at = self.hosts.wakes_at();
        let deadline = wakes_at.map(|at| Instant::now() + at.since(self.clock.now().uptime));
        self.mailbox.wait(deadline, &mut self.messages, &mut self.results);
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
        match (message.partition(), message) {
            (_, ExecutorMessage::Move { partition, to, reply }) => self.moves.push((partition, to, reply)),
            (Some(partition), message) => self.deliver_at(now, partition, message),
            (None, ExecutorMessage::Arrived { partition }) => self.take_in(now, partition),
            (None, ExecutorMessage::Start) => {
                for index in 0..self.hosts.len() {
                    if let Some(host) = self.hosts.slot_mut(index).host_mut() {
                        host.give(now, [Input::Open]);
                    }
                    self.hosts.note(index);
                }
            }
            (None, _) => unreachable!("the end is no delivery"),
        }
    }

    /// Delivers a message to the host of one partition, or holds it until that host is back.
    fn deliver_at(&mut self, now: HostTime, partition: PartitionId, message: ExecutorMessage) {
        let Some(index) = self.hosts.find(partition) else {
            self.outgoing.send_on(message);
            return;
        };
        match self.hosts.slot_mut(index) {
            HostSlot::Here(host) => deliver_to(host, now, message),
            HostSlot::Away(held) => held.push(message),
        }
        self.hosts.note(index);
    }

    /// Takes in a host that comes from another executor.
    fn take_in(&mut self, now: HostTime, partition: PartitionId) {
        let mut host = self.transit.take(partition).expect("a host is in transit before it is announced");
        // Its log may have told the executor that it comes from.
        host.poll_log(now);
        self.quota.into_iter().for_each(|quota| host.take_quota(now, quota));
        self.hosts.insert(host);
    }

    /// Gives partitions away that are to move. All that was taken out of the mailbox has been delivered, and all that was gathered
    /// has left: nothing of a partition stays behind.
    fn move_hosts(&mut self) {
        for (partition, to, reply) in std::mem::take(&mut self.moves) {
            let Some(index) = self.hosts.find(partition) else {
                // It has just moved.
                self.outgoing.send_on(ExecutorMessage::Move { partition, to, reply });
                continue;
            };
            // The receiver may have stopped waiting.
            let _ = reply.send(self.move_host(partition, index, to));
        }
    }

    fn move_host(&mut self, partition: PartitionId, index: usize, to: usize) -> Result<(), MoveError> {
        let from = self.outgoing.executor();
        if from == to {
            return Ok(());
        }
        let mut host = Some(self.hosts.remove(index).ok_or(MoveError::HandlerRuns(partition))?);
        let routes = self.outgoing.routes();
        let leave = || {
            if let Some(host) = host.take() {
                host.wake_at(&routes.mailboxes()[to]);
                self.transit.leave(to, host);
            }
        };
        if routes.move_partition(partition, from, to, leave) {
            return Ok(());
        }
        self.hosts.insert(host.expect("it has not left"));
        Err(MoveError::Closed)
    }

    fn deliver_local(&mut self, now: HostTime) {
        let mut frames = std::mem::take(&mut self.frames);
        self.outgoing.take_local(&mut frames);
        for LocalFrame { to: partition, from, bytes } in frames.drain(..) {
            let as_message = |bytes| ExecutorMessage::Frames { partition, from, frames: vec![bytes] };
            let Some(index) = self.hosts.find(partition) else {
                self.outgoing.send_on(as_message(bytes));
                continue;
            };
            match self.hosts.slot_mut(index) {
                HostSlot::Here(host) => host.give(now, [Input::Frame { from, bytes }]),
                HostSlot::Away(held) => held.push(as_message(bytes)),
            }
            self.hosts.note(index);
        }
        self.frames = frames;
    }
}

fn deliver_to(host: &mut PartitionHost, now: HostTime, message: ExecutorMessage) {
    match message {
        ExecutorMessage::Request { partition: _, request } => host.request(now, request),
        ExecutorMessage::Call { partition: _, request, promise } => host.call(now, request, promise),
        ExecutorMessage::Stream { partition: _, requests, stream } => host.stream(requests, stream),
        ExecutorMessage::Parked { partition: _, command, promise } => host.parked(now, command, promise),
        ExecutorMessage::Frames { partition: _, from, frames } => {
            host.give(now, frames.into_iter().map(|bytes| Input::Frame { from, bytes }));
        }
        ExecutorMessage::Loaded { partition: _, loaded } => host.give(now, loaded.into_iter().map(Input::Loaded)),
        ExecutorMessage::Checkpointed { partition: _, result } => host.checkpointed(now, result),
        ExecutorMessage::Checkpoint { partition: _, reply } => host.request_checkpoint(now, reply),
        ExecutorMessage::Report { partition: _, reply } => {
            // The receiver may have stopped waiting.
            let _ = reply.send(host.report());
        }
        ExecutorMessage::Start
        | ExecutorMessage::Arrived { .. }
        | ExecutorMessage::Move { .. }
        | ExecutorMessage::Quit => unreachable!("for the executor"),
    }
}
