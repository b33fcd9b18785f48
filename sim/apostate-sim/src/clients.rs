//! Clients at work: they ask, wait, ask again, and note what they know.

use std::time::Duration;

use apostate_core::{Address, Timestamp};
use apostate_partition::{Answer, Failure, Input, Request, RequestKind, Span, TraceContext, TraceId, Uptime};
use apostate_world::{BEGINNING, SECOND};

use crate::carry::is_try_again;
use crate::engine::WriterId;
use crate::fault::Fault;
use crate::host::uptime;
use crate::outside::{self, Outcome};
use crate::violation::{Check, Violation, ensure};
use crate::world::{Event, Waiter, World};

/// Most numbers that a producer has under way on one lane.
const WINDOW: usize = 32;

/// Every fourth operation is followed.
fn asked_trace(op: usize) -> Option<Box<TraceContext>> {
    let trace = TraceId::from_bytes((op as u128 + 1).to_be_bytes())?;
    op.is_multiple_of(4).then(|| Box::new(TraceContext { trace, span: None }))
}

impl World {
    /// A ticket for whoever waits for an answer of `to`.
    pub(crate) fn ticket(&mut self, ticket: Waiter, to: Address) -> u64 {
        self.last_ticket += 1;
        self.tickets.insert(self.last_ticket, (ticket, to));
        self.last_ticket
    }

    /// A client asks, for the first time or again.
    pub(crate) fn ask(&mut self, op: usize) {
        let now = self.agenda.now();
        let asked = &mut self.ops[op];
        match asked.outcome {
            Outcome::Planned => {
                asked.issued = now;
                if asked.makes_key {
                    let made = Timestamp(BEGINNING + now / 1000);
                    asked.request_kind = RequestKind::Call { key: Some(outside::uuid(made, op)) };
                }
                asked.outcome = Outcome::Open;
            }
            Outcome::Open => {}
            Outcome::Known(..) | Outcome::Unknown => return,
        }
        let ends_at = asked.ends_at(self.plan.tuning.client_key_retention);
        if ends_at.is_some_and(|end| now >= end) {
            // Its answer may be forgotten by now: to ask again could be to do it again.
            asked.outcome = Outcome::Unknown;
            return;
        }
        asked.attempts += 1;
        let attempt = asked.attempts;
        let (to, handler) = (asked.to.clone(), asked.handler);
        let (body, request_kind) = (asked.body.clone(), asked.request_kind.clone());
        let (deadline, trace) = (self.deadline(op, attempt, &to), asked_trace(op));
        let deadline = deadline.into_iter().chain(ends_at.map(uptime)).min();
        let id = self.map.find(to.hash());
        let asked_at = self.shadows.get(id).time();
        let ticket = self.ticket(Waiter::Op { op, asked_at }, to.clone());
        let delay = self.delay(self.plan.request_delay);
        if self.has_fault(self.plan.client_rate) {
            self.note(Fault::RequestLost);
        } else {
            let request = Request { ticket, deadline, trace, ..Request::new(to, handler, body, request_kind) };
            self.agenda.plan_in(delay, Event::Request { id, request });
        }
        let patience = self.rng.between(SECOND / 4, 4 * SECOND);
        self.agenda.plan_in(patience, Event::GiveUp { op, attempt });
    }

    /// Some clients let a partition wait no longer than so long, by its clock. One that was too late did nothing, so whoever
    /// hears of it may ask again even without a key.
    fn deadline(&self, op: usize, attempt: u32, to: &Address) -> Option<Uptime> {
        let wait = match (op as u64 + u64::from(attempt)) % 8 {
            0 => 5,
            1 => 200,
            2 => 2000,
            _ => return None,
        };
        // Of one that is down nobody knows the clock.
        self.writers.current(self.map.find(to.hash()))?;
        Some(uptime(self.agenda.now()).after(Duration::from_millis(wait)))
    }

    /// A run of a trace is told of: it follows from an operation that was asked for and is followed, however many messages,
    /// crashes and partitions lie in between.
    pub(crate) fn span(&self, span: &Span) -> Check {
        let op = (u128::from_be_bytes(span.trace.to_bytes()) - 1) as usize;
        let asked = self.ops.get(op).filter(|asked| asked.attempts > 0 && asked_trace(op).is_some());
        let Some(asked) = asked else {
            return Err(Violation::new("traces", format!("nobody has asked for trace {}", span.trace)));
        };
        match span.parent {
            None => ensure!(span.to == asked.to && span.from.is_none(), "traces", "{span:?} was not asked for"),
            Some(_) => ensure!(span.from.is_some(), "traces", "nobody has sent {span:?}"),
        }
        Ok(())
    }

    /// A client has waited long enough.
    pub(crate) fn give_up(&mut self, op: usize, attempt: u32) {
        let asked = &mut self.ops[op];
        if asked.outcome != Outcome::Open || asked.attempts != attempt {
            return;
        }
        if asked.is_repeatable() {
            self.ask(op);
        } else {
            asked.outcome = Outcome::Unknown;
        }
    }

    /// An answer reaches whoever waits.
    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) -> Check {
        let Some((waiting, _)) = self.tickets.remove(&ticket) else { return Ok(()) };
        match waiting {
            Waiter::Op { op, .. } => self.op_answered(op, answer),
            Waiter::Number { stream, lane, number, writer, name: _ } => {
                self.number_answered(stream, lane, number, writer, &answer)
            }
            // It was held against the records when it left.
            Waiter::Command(_) | Waiter::Settle(_) | Waiter::Nobody => Ok(()),
        }
    }

    fn op_answered(&mut self, op: usize, answer: Answer) -> Check {
        if self.has_fault(self.plan.client_rate) {
            self.note(Fault::AnswerLost);
            return Ok(());
        }
        if answer == Answer::Failed(Failure::Late) {
            self.note(Fault::RequestLate);
        }
        let now = self.agenda.now();
        let asked = &mut self.ops[op];
        let (answer, is_repeated) = answer.original();
        ensure!(
            !is_repeated || asked.may_be_repeated(),
            "keys",
            "{:?}: a first answer is a repeated one",
            asked.request_kind
        );
        match (&asked.outcome, &answer) {
            (
                Outcome::Known(_, before @ (Answer::Done { .. } | Answer::Refused(_) | Answer::Expired)),
                Answer::Done { .. } | Answer::Refused(_) | Answer::Expired,
            ) => {
                let is_call = matches!(asked.request_kind, RequestKind::Call { .. }) && !asked.shares_key;
                ensure!(
                    !is_call || *before == answer,
                    "keys",
                    "{:?}: {before:?}, and then {answer:?}",
                    asked.request_kind
                );
            }
            (Outcome::Open, Answer::Failed(failure)) if is_try_again(failure) => {
                self.agenda.plan_in(SECOND / 10, Event::Ask { op });
            }
            (Outcome::Open, Answer::Pending { .. }) => {
                let pause = self.rng.between(1, 30) * SECOND / 10;
                self.agenda.plan_in(pause, Event::Ask { op });
            }
            // It may have been done before, and be forgotten; or be done yet by a writer whose clock is right.
            (Outcome::Open, Answer::Failed(Failure::KeyExpired | Failure::KeyAhead)) => {
                asked.outcome = Outcome::Unknown
            }
            (Outcome::Open, Answer::Failed(Failure::Stopped(_))) => {
                if asked.is_repeatable() {
                    self.agenda.plan_in(SECOND / 10, Event::Ask { op });
                } else {
                    asked.outcome = Outcome::Unknown;
                }
            }
            (Outcome::Open, _) => {
                let id = self.map.find(asked.to.hash());
                asked.outcome = Outcome::Known(now, answer);
                // An operator reads a list in which it stands.
                if self.rng.chance(30) {
                    self.request_checkpoint(id);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn number_answered(&mut self, stream: usize, lane: usize, number: u64, writer: WriterId, answer: &Answer) -> Check {
        let lane = &mut self.streams[stream].lanes[lane];
        if lane.writer != Some(writer) {
            return Ok(());
        }
        if *answer == Answer::Failed(Failure::ProducerForgotten) {
            let may_forget = self.plan.tuning.silent_producers_max == 0;
            ensure!(may_forget, "producers", "number {number} is of a producer that is forgotten too early");
            // Others were sent under the same name.
            if lane.sent.contains(&number) {
                lane.rename();
            }
            return Ok(());
        }
        if let Answer::Failed(failure) = answer {
            ensure!(matches!(failure, Failure::Stopped(_)), "producers", "number {number} has failed: {failure}");
            lane.writer = None;
            return Ok(());
        }
        if lane.sent.contains(&number) {
            lane.sent.retain(|sent| *sent != number);
            lane.answered = Some(number);
        }
        Ok(())
    }

    /// Producers send what they may.
    pub(crate) fn pump(&mut self) {
        for stream in 0..self.streams.len() {
            for lane in 0..self.streams[stream].lanes.len() {
                self.pump_lane(stream, lane);
            }
        }
        if !self.streams.iter().all(outside::Stream::is_done) {
            let gap = self.rng.between(1, 60) * 1000;
            self.agenda.plan_in(gap, Event::Pump);
        }
    }

    fn pump_lane(&mut self, stream: usize, at: usize) {
        let id = self.streams[stream].lanes[at].partition;
        let Some(current) = self.writers.current(id) else { return };
        // A connection to the same writer breaks too, and what was sent over it is perhaps still at work.
        let is_broken = self.has_fault(self.plan.client_rate / 2);
        let lane = &mut self.streams[stream].lanes[at];
        let is_whole = lane.writer.is_some_and(|writer| self.writers.all.contains_key(&writer));
        // It stays with an old writer for a while, as connections do.
        let is_gone = lane.writer != Some(current) && (!is_whole || self.rng.chance(200));
        if is_gone || is_broken {
            lane.writer = Some(current);
            // Everything that was not answered, again, in order.
            while let Some(number) = lane.sent.pop_back() {
                lane.open.push_front(number);
            }
        }
        let Some(writer) = lane.writer else { return };
        while self.streams[stream].lanes[at].sent.len() < WINDOW {
            let lane = &mut self.streams[stream].lanes[at];
            let Some(number) = lane.open.pop_front() else {
                let answered = lane.answered.filter(|_| lane.sent.is_empty());
                if let Some(number) = answered.filter(|_| self.rng.chance(200)) {
                    // It says again what it knows to be done.
                    self.send_number(writer, (stream, at), number, Waiter::Nobody);
                }
                return;
            };
            lane.sent.push_back(number);
            lane.tried = lane.tried.max(number);
            let name = self.streams[stream].name_on(at);
            self.send_number(writer, (stream, at), number, Waiter::Number { stream, lane: at, number, writer, name });
            if self.rng.chance(100) {
                return;
            }
        }
    }

    fn send_number(&mut self, writer: WriterId, (stream, lane): (usize, usize), number: u64, waiter: Waiter) {
        let stream = &self.streams[stream];
        let (to, handler, body) = stream.items[number as usize - 1].clone();
        let request_kind = RequestKind::Numbered { producer: stream.name_on(lane), number };
        let ticket = self.ticket(waiter, to.clone());
        let request = Request { ticket, ..Request::new(to, handler, body, request_kind) };
        self.give_or_wait(writer, Input::Request(request));
    }
}
