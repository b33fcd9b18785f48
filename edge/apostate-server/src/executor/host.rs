//! Partition host: one partition at its executor, its log, and the tickets of those who wait for its answers.
//!
//! A host outlives its partition. When the partition stops, by its own word or because an assertion broke, it is dropped with all of its
//! memory; the host stays, and refuses what comes with the reason of the stop. Its neighbours go on.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use apostate_log::{AppendResult, Confirmation, Log, PartitionId, Position};
use apostate_partition::{
    Effect, HostTime, Input, Load, ParkedCommand, Partition, Quota, Range, Request, RequestKind, StopReason, Uptime,
};
use tracing::error;

use crate::answers::promise::Promise;
use crate::answers::queues::CompletionQueues;
use crate::answers::stop::PartitionStop;
use crate::answers::stream::Stream;
use crate::answers::ticket::Ticket;
use crate::answers::verdict::{NotDone, Verdict};
use crate::executor::announcement::Announcer;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::{CheckpointReply, refuse_stream};
use crate::executor::notice;
use crate::executor::outgoing::Outgoing;
use crate::executor::status::{PartitionStatus, Work};
use crate::executor::tickets::Tickets;
use crate::executor::wake_flag::WakeFlag;

/// A partition at its executor.
pub(crate) struct PartitionHost {
    id: PartitionId,
    range: Range,
    state: Hosted,
    tickets: Tickets,
    /// Messages of producers that wait until fewer requests are open.
    backlog: VecDeque<(Stream, std::vec::IntoIter<Request>)>,
    requests_max: usize,
    effects: Vec<Effect>,
    loads: Vec<Load>,
    appended: Vec<(Position, AppendResult)>,
    confirmed: Vec<Confirmation>,
    wake_flag: Arc<WakeFlag>,
    wake_at: Option<Uptime>,
    /// Whether it was given something since its last turn.
    is_touched: bool,
    work: Work,
    announcer: Announcer,
}

enum Hosted {
    Running(Box<ActivePartition>),
    Stopped(PartitionStop),
}

struct ActivePartition {
    partition: Partition,
    log: Box<dyn Log>,
}

/// The parts of a host.
pub(crate) struct HostParts {
    pub(crate) id: PartitionId,
    /// The number of the host among those of the node.
    pub(crate) number: u32,
    pub(crate) range: Range,
    /// The partition, or why it is not there.
    pub(crate) partition: Result<Partition, PartitionStop>,
    pub(crate) log: Box<dyn Log>,
    pub(crate) wake_flag: Arc<WakeFlag>,
    pub(crate) requests_max: usize,
    pub(crate) queues: Arc<CompletionQueues>,
    pub(crate) announcer: Announcer,
}

impl PartitionHost {
    pub(crate) fn new(parts: HostParts) -> Self {
        let HostParts { id, number, range, partition, log, wake_flag, requests_max, queues, announcer } = parts;
        let state = match partition {
            Ok(partition) => Hosted::Running(Box::new(ActivePartition { partition, log })),
            Err(reason) => Hosted::Stopped(reason),
        };
        Self {
            id,
            range,
            state,
            tickets: Tickets::new(number, queues),
            backlog: VecDeque::new(),
            requests_max,
            effects: Vec::new(),
            loads: Vec::new(),
            appended: Vec::new(),
            confirmed: Vec::new(),
            wake_flag,
            wake_at: None,
            is_touched: false,
            work: Work::default(),
            announcer,
        }
    }

    /// Its partition.
    pub(crate) fn id(&self) -> PartitionId {
        self.id
    }

    /// Hands inputs over.
    pub(crate) fn give(&mut self, now: HostTime, inputs: impl IntoIterator<Item = Input>) {
        let Hosted::Running(running) = &mut self.state else { return };
        self.is_touched = true;
        inputs.into_iter().for_each(|input| running.partition.step(now, input, &mut self.effects));
    }

    /// Takes one request of a completion queue, or refuses it at once. One that was withdrawn is not begun.
    pub(crate) fn request(&mut self, now: HostTime, request: Request) {
        let refusal = self.refusal();
        let ticket = Ticket(request.ticket);
        if !self.tickets.claim(ticket) {
            return;
        }
        match refusal {
            Some(why) => self.tickets.refuse(ticket, why),
            None => self.give(now, [Input::Request(request)]),
        }
    }

    /// Takes one request of this process, or refuses it at once.
    pub(crate) fn call(&mut self, now: HostTime, mut request: Request, promise: Promise) {
        // One that asks for an answer that was given already takes no room for long.
        let is_recall = matches!(request.request_kind, RequestKind::Recall { .. });
        match self.refusal() {
            Some(why) if !(is_recall && matches!(why, NotDone::Busy)) => promise.keep(Verdict::NotDone(why)),
            _ => {
                request.ticket = self.tickets.call(promise);
                self.give(now, [Input::Request(request)]);
            }
        }
    }

    /// Why one more request is not taken, if it is not.
    fn refusal(&self) -> Option<NotDone> {
        if let Hosted::Stopped(reason) = &self.state {
            return Some(NotDone::Stopped(reason.clone()));
        }
        (self.tickets.calls() >= self.requests_max).then_some(NotDone::Busy)
    }

    /// Takes a producer's messages. Those that are too many now wait for the next turns.
    pub(crate) fn stream(&mut self, requests: Vec<Request>, stream: Stream) {
        if let Hosted::Stopped(reason) = &self.state {
            refuse_stream(requests, &stream, &NotDone::Stopped(reason.clone()));
        } else {
            self.is_touched = true;
            self.backlog.push_back((stream, requests.into_iter()));
        }
    }

    /// Takes an operator's command on a parked message.
    pub(crate) fn parked(&mut self, now: HostTime, mut command: ParkedCommand, promise: Promise) {
        if let Hosted::Stopped(reason) = &self.state {
            promise.keep(Verdict::NotDone(NotDone::Stopped(reason.clone())));
        } else {
            command.ticket = self.tickets.call(promise);
            self.give(now, [Input::Command(command)]);
        }
    }

    /// Takes over how much the partition may use. That is no reason for a turn.
    pub(crate) fn take_quota(&mut self, now: HostTime, quota: Quota) {
        let is_touched = self.is_touched;
        self.give(now, [Input::Quota(quota)]);
        self.is_touched = is_touched || !self.effects.is_empty();
    }

    /// Takes the result of a checkpoint.
    pub(crate) fn checkpointed(&mut self, now: HostTime, result: Result<Position, String>) {
        self.work.checkpoints += u64::from(result.is_ok());
        self.give(now, [result.map_or_else(Input::CheckpointFailed, Input::Checkpointed)]);
    }

    /// Takes a request for a checkpoint.
    pub(crate) fn request_checkpoint(&mut self, now: HostTime, reply: CheckpointReply) {
        if let Hosted::Stopped(reason) = &self.state {
            // The receiver may have stopped waiting.
            let _ = reply.send(Err(reason.clone()));
        } else {
            let ticket = self.tickets.checkpoint(reply);
            self.give(now, [Input::RequestCheckpoint { ticket }]);
        }
    }

    /// Moves to the executor of this mailbox.
    pub(crate) fn wake_at(&self, mailbox: &Arc<Mailbox>) {
        self.wake_flag.wake_at(mailbox);
    }

    /// Collects the results of the log, if it has any.
    pub(crate) fn poll_log(&mut self, now: HostTime) {
        if !self.wake_flag.take() {
            return;
        }
        let Hosted::Running(running) = &mut self.state else { return };
        running.log.poll(&mut self.appended);
        running.log.confirmed(&mut self.confirmed);
        if self.appended.is_empty() && self.confirmed.is_empty() {
            return;
        }
        self.is_touched = true;
        let appended = self.appended.drain(..).map(|(at, result)| Input::Appended(at, result));
        let confirmed = self.confirmed.drain(..).map(Input::Confirmed);
        appended.chain(confirmed).for_each(|input| running.partition.step(now, input, &mut self.effects));
    }

    /// Whether it has something to do now.
    pub(crate) fn is_due(&self, now: HostTime) -> bool {
        self.is_touched || self.wake_at.is_some_and(|at| at <= now.uptime)
    }

    /// When it next has something to do of itself.
    pub(crate) fn due_at(&self) -> Option<Uptime> {
        self.wake_at
    }

    /// Whether it has something to do at once.
    pub(crate) fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// Gives the partition its turn: the one step in which handlers run.
    pub(crate) fn turn(&mut self, now: HostTime) {
        self.is_touched = false;
        self.work.turns += 1;
        self.wake_at = self.wake_at.filter(|at| *at > now.uptime);
        self.hand_over_backlog(now);
        if let Hosted::Running(running) = &mut self.state {
            running.partition.step(now, Input::Turn, &mut self.effects);
        }
    }

    fn hand_over_backlog(&mut self, now: HostTime) {
        let Hosted::Running(running) = &mut self.state else { return };
        let tickets = &mut self.tickets;
        while let Some((stream, requests)) = self.backlog.front_mut() {
            let room = self.requests_max.saturating_sub(tickets.numbered());
            if room == 0 {
                return;
            }
            let index = tickets.stream(stream);
            for mut request in requests.by_ref().take(room) {
                let RequestKind::Numbered { number, .. } = request.request_kind else {
                    unreachable!("a producer's messages are numbered");
                };
                request.ticket = tickets.message(index, number);
                running.partition.step(now, Input::Request(request), &mut self.effects);
            }
            if requests.as_slice().is_empty() {
                self.backlog.pop_front();
            }
        }
    }

    /// Carries out the effects of all steps since the last time.
    pub(crate) fn carry_out(&mut self, outgoing: &mut Outgoing) {
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            let Hosted::Running(running) = &mut self.state else { break };
            match effect {
                Effect::Append { at, record } => {
                    self.work.records += 1;
                    self.work.record_bytes += record.len() as u64;
                    running.log.append(at, record);
                }
                Effect::Confirm { number } => running.log.confirm(number),
                Effect::Frame { to, bytes } => outgoing.frame(self.id, to, bytes),
                Effect::Answer { ticket, answer } => {
                    if !self.tickets.answer(ticket, answer) {
                        error!(partition = self.id.0, ticket, "dropped an answer: unknown or expired ticket");
                    }
                }
                Effect::Settled { entity, number } => self.tickets.settle(&entity, number),
                // No host asks for a split yet.
                Effect::Sealed(_) | Effect::SplitRefused(_) => {}
                Effect::Load(load) => self.loads.push(load),
                Effect::Checkpoint(checkpoint) => outgoing.checkpoint(checkpoint),
                Effect::CheckpointDone { ticket } => self.tickets.checkpoint_done(ticket),
                Effect::Trim { before } => {
                    self.work.trims += 1;
                    running.log.trim(before);
                }
                Effect::WakeAt(at) => self.wake_at = Some(self.wake_at.map_or(at, |before| before.min(at))),
                Effect::Notice(notice) => {
                    notice::tell(self.id, &notice);
                    outgoing.count(&notice);
                    self.announcer.notice(self.id, &notice);
                }
                Effect::Span(span) => outgoing.span(self.id, span),
                Effect::Stopped(reason) => {
                    if PartitionStop::is_unrecoverable(&reason) {
                        outgoing.report_unrecoverable(self.id, PartitionStop::Stopped(Arc::clone(&reason)));
                    }
                    self.stop(&reason);
                }
            }
        }
        self.effects = effects;
        self.work.loads += self.loads.len() as u64;
        outgoing.load(self.id, &mut self.loads);
        self.tickets.flush();
        let has_room = self.tickets.numbered() < self.requests_max;
        self.is_touched |= has_room && !self.backlog.is_empty();
    }

    fn stop(&mut self, reason: &Arc<StopReason>) {
        error!(partition = self.id.0, %reason, "partition stopped; its neighbours go on");
        let stop = PartitionStop::Stopped(Arc::clone(reason));
        let stopped = std::mem::replace(&mut self.state, Hosted::Stopped(stop.clone()));
        // What is left of a broken partition may panic again when it goes.
        if catch_unwind(AssertUnwindSafe(|| drop(stopped))).is_err() {
            error!(partition = self.id.0, "partition panicked again while it was dropped");
        }
        self.announcer.stopped(self.id, stop.clone());
        self.tickets.abandon(Some(reason));
        self.tickets.abandon_owed(self.range, Some(reason));
        for (stream, requests) in self.backlog.drain(..) {
            refuse_stream(requests, &stream, &NotDone::Stopped(stop.clone()));
        }
        self.loads.clear();
        self.wake_at = None;
    }

    /// The status of the partition.
    pub(crate) fn report(&self) -> PartitionStatus {
        let state = match &self.state {
            Hosted::Running(running) => Ok(running.partition.status()),
            Hosted::Stopped(reason) => Err(reason.clone()),
        };
        let waiting: usize = self.backlog.iter().map(|(_, requests)| requests.len()).sum();
        let requests = self.tickets.calls() + self.tickets.numbered() + waiting;
        PartitionStatus { id: self.id, range: self.range, state, requests, work: self.work }
    }
}

impl Drop for PartitionHost {
    fn drop(&mut self) {
        self.tickets.abandon_owed(self.range, None);
        for (stream, requests) in self.backlog.drain(..) {
            refuse_stream(requests, &stream, &NotDone::Closed);
        }
    }
}
