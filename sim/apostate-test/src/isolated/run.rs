//! Runs a message at a node, and commits what comes of it.
//!
//! Invariant E2: what a run sends is on its way when the run is committed, and not before. Invariant E3: a run changes
//! the node that it runs at, and nothing else.

use std::collections::VecDeque;

use apostate_core::limits::AGREEMENTS_PER_ENTITY_MAX;
use apostate_core::{
    Address, Effects, GivenAnswer, HandlerInfo, Invocation, Mode, Proposed, Refusal, Sent, SentAs, StepOutcome,
};
use apostate_partition::{Failure, Role};
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::node::{Lane, LaneId, Message, NodeId, OwedBy};
use super::running::{Post, Prologue, RunEnd, Source};
use super::world::{Event, IsolatedWorld};
use crate::call::Answer;
use crate::finding::{Check, Finding};
use crate::trace::{Mark, TraceEvent};
use crate::twins::{Committed, Mistake, TwinRun};

/// A run that ended well, and is not committed yet.
struct Run<'a> {
    node: NodeId,
    message: &'a Message,
    from: Option<&'a Address>,
    info: HandlerInfo,
    refusal: Option<Refusal>,
    /// The entity as it will be; none: as it is.
    after: Option<Committed>,
}

impl IsolatedWorld {
    /// Runs a message at a node, and commits what comes of it unless the node crashes first.
    pub(super) fn run(&mut self, id: NodeId, message: &Message, source: Source) -> Check<RunEnd> {
        let Some(posted) = &message.timer else { return self.run_once(id, message, source) };
        let Some(timer) = self.nodes[id as usize].timers.take(posted) else {
            self.tell(id, message, TraceEvent::Words("its timer is no more".to_owned()));
            self.note_handled(id, message, source);
            return Ok(RunEnd::Missing);
        };
        let end = self.run_once(id, message, source)?;
        if matches!(end, RunEnd::Crashed | RunEnd::Panicked(_)) {
            self.nodes[id as usize].timers.put_back(posted, timer);
        }
        Ok(end)
    }

    fn run_once(&mut self, id: NodeId, message: &Message, source: Source) -> Check<RunEnd> {
        let message = match self.prologue(id, message, source)? {
            Prologue::Over(end) => return Ok(end),
            Prologue::Run(message) => message,
        };
        let message = message.as_ref();
        let from = self.sender(message).map(|from| self.nodes[from as usize].address.clone());
        let is_answered = matches!(message.role, Role::Ask | Role::Try);
        let wants_reply = matches!(source, Source::Outside(_) | Source::Read) || is_answered;
        let Some((info, TwinRun { outcome, after })) = self.step(id, message, from.as_ref(), wants_reply)? else {
            if message.role == Role::Ask {
                return Ok(self.impossible(id, message, &Failure::Missing, "there is no such entity".to_owned()));
            }
            return Ok(RunEnd::Missing);
        };
        let refusal = match outcome {
            StepOutcome::Done => match self.refuses(id, message) {
                Some(failure) => return Ok(self.impossible(id, message, &failure, failure.to_string())),
                None => None,
            },
            StepOutcome::Refused(refusal) => Some(refusal),
            StepOutcome::Panicked(text) => {
                self.tell(id, message, TraceEvent::Words(format!("panicked: {text}")));
                return Ok(RunEnd::Panicked(text));
            }
            StepOutcome::Unreadable(error) => {
                let failure = Failure::Unreadable(error.0.clone());
                return Ok(self.impossible(id, message, &failure, error.0));
            }
            StepOutcome::NeedsActivity(_) => unreachable!("an isolated entity has all of its activities in memory"),
            StepOutcome::TooLarge => {
                let why = "the transaction is too large".to_owned();
                return Ok(self.impossible(id, message, &Failure::TooLarge, why));
            }
        };
        if self.crashes(id, source) {
            return Ok(self.crash_before(id, message));
        }
        let run = Run { node: id, message, from: from.as_ref(), info, refusal, after };
        Ok(RunEnd::Committed(self.commit(run, source)?))
    }

    /// Why what a run has done is not kept, if that is so.
    fn refuses(&self, id: NodeId, message: &Message) -> Option<Failure> {
        let effects = &self.twins.effects;
        let undecided = self.nodes[id as usize].agreements.len();
        if self.asks_too_much(id) {
            Some(Failure::TooManyAsks)
        } else if !effects.proposals.is_empty() && undecided + effects.proposals.len() > AGREEMENTS_PER_ENTITY_MAX {
            Some(Failure::TooManyAgreements)
        } else if effects.deleted && self.is_uncertain(id, message) {
            Some(Failure::Uncertain)
        } else {
            None
        }
    }

    /// The node crashes before it commits.
    pub(super) fn crash_before(&mut self, id: NodeId, message: &Message) -> RunEnd {
        self.faults.crashes_before += 1;
        self.tell(id, message, TraceEvent::Words("crashed before the commit".to_owned()));
        self.crash(id);
        RunEnd::Crashed
    }

    /// Runs the handler. None: a read found no entity.
    fn step(
        &mut self,
        id: NodeId,
        message: &Message,
        from: Option<&Address>,
        wants_reply: bool,
    ) -> Check<Option<(HandlerInfo, TwinRun)>> {
        let now = self.agenda.now();
        let rng = self.rng.next();
        let node = &mut self.nodes[id as usize];
        let now = node.time(now);
        let kind = &self.names.0.kinds()[node.kind];
        let Some(number) = kind.find(message.handler) else {
            let entity = self.names.entity(&node.address);
            return Err(Finding::Unknown(format!("{entity} has no handler {:?}", message.handler)));
        };
        let info = kind.handlers[number];
        if info.mode == Mode::Reads && node.committed.state.is_none() {
            return Ok(None);
        }
        let Message { handler, body, .. } = message;
        let invocation = Invocation {
            to: &node.address,
            sender: from,
            handler: *handler,
            body,
            now,
            seed: rng,
            wants_reply,
            version: node.version + 1,
            timers: &node.timers,
            owed: &OwedBy(&node.owed),
            is_try: message.role == Role::Try,
            agreement: message.agreement(),
        };
        let ran = self.twins.run(&self.names, kind, &mut node.committed, number, &invocation);
        let entity = &self.nodes[id as usize].address;
        Ok(Some((info, ran.map_err(|mistake| self.name(mistake, entity, info.name))?)))
    }

    fn impossible(&mut self, id: NodeId, message: &Message, failure: &Failure, why: String) -> RunEnd {
        self.tell(id, message, TraceEvent::Words(format!("cannot be run: {why}")));
        RunEnd::Impossible(failure.reason_code(), why)
    }

    /// The commit: state, messages, and the watermark, inbox or client key, all together.
    fn commit(&mut self, run: Run<'_>, source: Source) -> Check<Answer> {
        let Run { node: id, message, from, info, refusal, after } = run;
        if refusal.is_some() {
            self.twins.effects.clear();
        }
        let own = self.twins.effects.take_own_answer();
        let Effects { sent, proposals, reply, later, answers, .. } = &mut self.twins.effects;
        let (mut sent, proposals, reply) = (std::mem::take(sent), std::mem::take(proposals), std::mem::take(reply));
        let (later, given) = (later.take(), std::mem::take(answers));
        let input = input_mark(&self.nodes[id as usize].address, from, message);
        let output = output_mark(input, (&sent, &proposals), (&reply, &given), refusal.as_ref(), after.as_ref());
        let (what, answer) = match (refusal, own, later) {
            (None, Some(Ok(reply)), _) => {
                (TraceEvent::Done { reply: reply.clone(), sent: sent.len() }, Answer::Done(reply))
            }
            (None, None, None) => (TraceEvent::Done { reply: reply.clone(), sent: sent.len() }, Answer::Done(reply)),
            (None, None, Some(_)) => (TraceEvent::Words("done, and answered later".to_owned()), Answer::Owed),
            (Some(refusal), ..) | (None, Some(Err(refusal)), _) => {
                (TraceEvent::Words(format!("refused: {refusal}")), Answer::Refused(refusal))
            }
        };
        let line = self.tell(id, message, what);
        self.mark(Mark { input, output }, id, info.name)?;

        if let Some(after) = after {
            self.change(id, after, line);
        }
        self.note_handled(id, message, source);
        match (source, later) {
            (_, Some(later)) if answer == Answer::Owed => self.owe(id, message, source, later),
            (Source::Outside(ask), _) => drop(self.nodes[id as usize].keys.insert(ask, answer.clone())),
            _ => {}
        }
        let is_deleted = self.twins.effects.deleted;
        self.give(id, given, is_deleted, line)?;
        let offer = if let Answer::Done(offer) = &answer { offer.as_slice() } else { &[] };
        let numbers = self.open_agreements(id, message, &proposals, offer);
        for Sent { to, handler, on_refused, body, sent_as } in sent.drain(..) {
            let plain = Post::plain(&to, handler, on_refused, body);
            match sent_as {
                SentAs::Plain => self.post(id, plain, line)?,
                SentAs::Asked(asked) => self.post_ask(id, plain, asked, line)?,
                SentAs::Try(of) => self.post_try(id, plain, (numbers[of.proposal as usize], of), line)?,
            }
        }
        // It keeps its room for the next run.
        self.twins.effects.sent = sent;
        let inner = proposals.iter().position(|proposed| proposed.is_under_try).map(|at| numbers[at]);
        self.end_role(id, message, (info.name, inner), &answer, line)?;
        self.decide_at_once(id, message, &numbers, line)?;
        if std::mem::take(&mut self.twins.effects.deleted) {
            self.nodes[id as usize].open_asks.clear();
        }
        Ok(answer)
    }

    /// The entity as a run has left it, with its timers.
    fn change(&mut self, id: NodeId, after: Committed, line: u64) {
        let node = &mut self.nodes[id as usize];
        node.committed = after;
        node.version += 1;
        let Effects { timers, deleted, .. } = &mut self.twins.effects;
        if *deleted {
            node.timers.clear();
        } else {
            timers.drain(..).for_each(|change| node.timers.change(change, line));
        }
        self.set_alarm(id);
    }

    /// A message is done with: its watermark rises, or it leaves the inbox.
    pub(super) fn note_handled(&mut self, id: NodeId, message: &Message, source: Source) {
        let sender = self.sender(message).map_or(0, |from| self.nodes[from as usize].address.hash());
        let node = &mut self.nodes[id as usize];
        match source {
            Source::Lane => node.apply(message.from, sender, message.number),
            Source::Inbox => {
                node.inbox.pop_front();
                node.is_second_time = false;
            }
            Source::Outside(_) | Source::Read => {}
        }
    }

    /// Whether the node crashes before it commits what it just ran.
    pub(super) fn crashes(&mut self, id: NodeId, source: Source) -> bool {
        if matches!(source, Source::Read) || self.is_healed {
            return false;
        }
        let node = &mut self.nodes[id as usize];
        if self.plan.is_every_commit && !node.is_second_time {
            node.is_second_time = true;
            return true;
        }
        self.has_fault(|plan| plan.crash_before)
    }

    /// Puts a message on its way, as part of a commit.
    pub(super) fn post(&mut self, from: NodeId, post: Post<'_>, cause: u64) -> Check {
        let Post { to, handler, role, about, on_refused, body, timer } = post;
        let to = self.node_of(to)?;
        let lanes = &mut self.lanes;
        let lane = *self.lane_of.entry((from, to)).or_insert_with(|| {
            lanes.push(Lane { from, to, queue: VecDeque::new() });
            lanes.len() as LaneId - 1
        });
        let sender = &mut self.nodes[from as usize];
        sender.sent += 1;
        let number = sender.sent;
        let queue = &mut self.lanes[lane as usize].queue;
        queue.push_back(Message { from, number, handler, role, about, on_refused, body, cause, timer });
        if queue.len() == 1 {
            let delay = self.delay(to);
            self.agenda.plan_in(delay, Event::Deliver(lane));
        }
        Ok(())
    }

    fn name(&self, mistake: Mistake, entity: &Address, handler: &str) -> Finding {
        let (entity, handler) = (self.names.entity(entity), handler.to_owned());
        match mistake {
            Mistake::Unsteady(how) => Finding::StateUnsteady { entity, handler, how },
            Mistake::Lost(how) => Finding::StateLost { entity, handler, how },
            Mistake::Differs(how) => Finding::HandlerDiffers { entity, handler, how },
            Mistake::ReadChanges => Finding::ReadChanges { entity, handler },
        }
    }
}

/// Sender, receiver and content of a message, as a number.
fn input_mark(to: &Address, from: Option<&Address>, message: &Message) -> u64 {
    let from = from.map_or(0, Address::hash);
    xxh3_64_with_seed(&message.body, to.hash() ^ from.rotate_left(17) ^ u64::from(message.handler.0))
}

/// The result of a message, as a number.
fn output_mark(
    input: u64,
    (sent, proposals): (&[Sent], &[Proposed]),
    (reply, given): (&[u8], &[GivenAnswer]),
    refusal: Option<&Refusal>,
    after: Option<&Committed>,
) -> u64 {
    let mut mark = Xxh3::with_seed(input);
    for Sent { to, handler, on_refused: _, body, sent_as } in sent {
        mark.update(&to.hash().to_le_bytes());
        mark.update(&handler.0.to_le_bytes());
        match sent_as {
            SentAs::Plain => {}
            SentAs::Asked(asked) => mark.update(&asked.then.0.to_le_bytes()),
            SentAs::Try(of) => mark.update(format!("{of:?}").as_bytes()),
        }
        mark.update(body);
    }
    proposals.iter().for_each(|proposed| mark.update(format!("{proposed:?}").as_bytes()));
    mark.update(reply);
    for GivenAnswer { number, answer } in given {
        mark.update(&number.to_le_bytes());
        mark.update(answer.as_ref().map_or_else(|why| why.text.as_bytes(), Vec::as_slice));
    }
    mark.update(refusal.map_or(&[], |refusal| refusal.text.as_bytes()));
    mark.update(after.and_then(|after| after.state.as_deref()).unwrap_or_default());
    mark.digest()
}
