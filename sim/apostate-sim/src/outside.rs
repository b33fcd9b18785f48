//! The world outside: what clients ask for, and what they know of the outcome.
//!
//! A client that hears nothing knows nothing. With a client key it asks again until it knows; without one the
//! outcome is *unknown* for ever, and the histories keep it apart from *ok* and *failed*.

mod lanes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use apostate::Call;
use apostate_core::{Address, EntityKey, HandlerId, Timestamp};
use apostate_log::{PartitionId, Position};
use apostate_partition::{Answer, RequestKind};
use apostate_world::{Moment, Rng, SECOND};
use bytes::Bytes;

use crate::engine::WriterId;
use crate::plan::Work;
use crate::programs::alarm::Alarm;
use crate::programs::asker::{Asker, LEAVERS};
use crate::programs::bank::Account;
use crate::programs::broker::{self, Broker};
use crate::programs::dealer::Dealer;
use crate::programs::flaky::{self, Flaky};
use crate::programs::mayfly::Mayfly;
use crate::programs::post::Post;
use crate::programs::register::Register;
use crate::programs::shop::{Line, Order};
use crate::programs::sink::Sink;

/// An operation of a client, asked for once or until the outcome is known.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) to: Address,
    pub(crate) handler: HandlerId,
    pub(crate) body: Vec<u8>,
    pub(crate) request_kind: RequestKind,
    pub(crate) purpose: Purpose,
    /// Others use its client key too.
    pub(crate) shares_key: bool,
    /// The client key is a UUID of version 7, made when it is first asked for.
    pub(crate) makes_key: bool,
    pub(crate) issued: Moment,
    pub(crate) attempts: u32,
    pub(crate) outcome: Outcome,
}

/// The outcome of an operation, as far as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not asked for yet.
    Planned,
    /// Under way.
    Open,
    /// Answered, at this moment.
    Known(Moment, Answer),
    /// Unknown for ever.
    Unknown,
}

/// The purpose of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Work,
    /// Adds a tag to a register.
    Add(u64, u32),
    /// Reads a register.
    Sum(u64),
    /// Commissions something of a broker, with this tag.
    Commission(u64),
}

impl Op {
    fn new<E, R, S, A>(call: Call<E, R, S, A>, request_kind: RequestKind, purpose: Purpose) -> Self {
        Self {
            to: call.to.expect("a key of the simulation"),
            handler: call.handler,
            body: call.body,
            request_kind,
            purpose,
            shares_key: false,
            makes_key: false,
            issued: 0,
            attempts: 0,
            outcome: Outcome::Planned,
        }
    }

    /// Whether it may be asked for again without harm.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self.request_kind, RequestKind::Call { key: Some(_) } | RequestKind::Read | RequestKind::State)
    }

    /// Whether somebody may have answered it before.
    pub(crate) fn may_be_repeated(&self) -> bool {
        matches!(self.request_kind, RequestKind::Call { key: Some(_) }) && (self.attempts > 1 || self.shares_key)
    }

    /// Until when it may be asked for under its client key, with an answer that is remembered for as long as `retention`. Partition time
    /// goes on by twice the time that really passes at most. A key that says when it was made is never run again, however late.
    pub(crate) fn ends_at(&self, retention: Duration) -> Option<Moment> {
        let is_kept = matches!(self.request_kind, RequestKind::Call { key: Some(_) });
        (is_kept && !self.shares_key && !self.makes_key)
            .then(|| self.issued + (retention / 2).as_micros() as Moment - SECOND / 10)
    }
}

/// A producer that numbers what it sends.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) name: EntityKey,
    /// Messages to send; the number of each is its index and one.
    pub(crate) items: Vec<(Address, HandlerId, Vec<u8>)>,
    pub(crate) lanes: Vec<Lane>,
}

/// A producer's way to one partition: first in, first out, and gone with the writer over there.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) partition: PartitionId,
    pub(crate) writer: Option<WriterId>,
    /// Numbers not sent yet.
    pub(crate) open: VecDeque<u64>,
    /// Numbers sent and not answered.
    pub(crate) sent: VecDeque<u64>,
    /// The highest number ever sent.
    pub(crate) tried: u64,
    /// The newest number that was answered under the name that it has.
    pub(crate) answered: Option<u64>,
    /// Number of names that were forgotten: from then on it has another one.
    pub(crate) renamed: u32,
    /// Numbers that were perhaps applied under a name that was forgotten.
    pub(crate) uncertain: BTreeSet<u64>,
}

impl Lane {
    fn to(partition: PartitionId) -> Self {
        let (open, sent, uncertain) = (VecDeque::new(), VecDeque::new(), BTreeSet::new());
        Self { partition, writer: None, open, sent, tried: 0, answered: None, renamed: 0, uncertain }
    }

    /// The name is forgotten: what was tried under it and not answered may have been applied, and is not sent under another one.
    pub(crate) fn rename(&mut self) {
        let Self { open, sent, tried, answered, renamed, uncertain, .. } = self;
        *renamed += 1;
        *answered = None;
        uncertain.extend(sent.drain(..));
        while let Some(number) = open.pop_front_if(|number| *number <= *tried) {
            uncertain.insert(number);
        }
    }
}

impl Stream {
    /// The name that it has on a lane.
    pub(crate) fn name_on(&self, lane: usize) -> EntityKey {
        match self.lanes[lane].renamed {
            0 => self.name.clone(),
            renamed => EntityKey::new(&format!("{}, {renamed}", self.name)).expect("a name"),
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.lanes.iter().all(|lane| lane.open.is_empty() && lane.sent.is_empty())
    }
}

/// Requests and decisions of the operator, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Operator {
    /// Checkpoints that are waited for, by ticket and writer.
    pub(crate) checkpoint_requests: BTreeMap<(u64, WriterId), CheckpointRequest>,
    /// Cells of parked messages that were to be dismissed, whether they were or not.
    pub(crate) unwanted: BTreeSet<Bytes>,
    /// Cells of parked messages that were retried or dismissed, as it was told.
    pub(crate) decided: BTreeSet<Bytes>,
    /// Operations that were to be settled by hand, whether they were or not: their cells, by the tags of what is held.
    pub(crate) settled: BTreeMap<u64, Bytes>,
}

/// A checkpoint that somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CheckpointRequest {
    /// The newest durable record when the request was made.
    pub(crate) position: Position,
}

/// A decision about a parked message.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    /// The message's cell.
    pub(crate) cell: Bytes,
    pub(crate) retry: bool,
}

/// Everything that is asked for in a run.
pub(crate) fn draw_ops(work: &Work, rng: &mut Rng) -> Vec<Op> {
    let mut ops = Vec::new();
    let account = |rng: &mut Rng| format!("a{}", rng.below(work.accounts));
    for number in 0..work.transfers {
        let (from, to) = (account(rng), account(rng));
        if rng.chance(150) {
            ops.push(Op::new(Account::at(from).balance(), RequestKind::Read, Purpose::Work));
            continue;
        }
        let amount = rng.between(1, 60) as i64;
        ops.push(Op::new(Account::at(from).transfer(to, amount), request_kind(rng, "t", number), Purpose::Work));
    }
    for number in 0..work.parcels {
        let post = rng.below(u64::from(work.posts)) as u16;
        ops.push(Op::new(Post::at(post).post(work.posts, work.hops), request_kind(rng, "p", number), Purpose::Work));
    }
    for number in 0..work.orders {
        let lines = (0..rng.between(1, 4)).map(|_| Line {
            product: rng.below(u64::from(work.products)) as u16,
            units: rng.between(1, 9) as u32,
            answer: None,
        });
        let lines = lines.collect();
        ops.push(Op::new(Order::at(number).place(lines), request_kind(rng, "o", number), Purpose::Work));
    }
    for number in 0..work.pokes {
        let whom = (0..rng.between(1, 3)).map(|_| format!("m{}", rng.below(4))).collect();
        let times = rng.pick(&[1, 1, 2, 5, flaky::ALWAYS]);
        let poker = Flaky::at(format!("m{}", rng.below(4)));
        ops.push(Op::new(poker.poke(whom, rng.next(), times), request_kind(rng, "m", number), Purpose::Work));
        if rng.chance(300) {
            ops.push(Op::new(Flaky::at("m0").scold(), RequestKind::Call { key: None }, Purpose::Work));
        }
    }
    ops.extend((0..work.flights).map(|number| draw_flight(number, rng)));
    draw_asks(work, rng, &mut ops);
    draw_deals(work, rng, &mut ops);
    for register in 0..work.registers {
        for tag in 0..30 {
            let entity = || Register::at(register);
            let add = Op::new(entity().add(tag), request_kind(rng, "r", u64::from(tag)), Purpose::Add(register, tag));
            ops.push(add);
            for read in 0..rng.below(3) {
                let op = Op::new(
                    entity().sum(),
                    if read == 0 { RequestKind::Read } else { RequestKind::State },
                    Purpose::Sum(register),
                );
                ops.push(op);
            }
        }
    }
    let has_key = |op: &&mut Op| matches!(op.request_kind, RequestKind::Call { key: Some(_) });
    ops.iter_mut().filter(has_key).for_each(|op| op.makes_key = rng.chance(300));
    ops.extend((0..work.shared_keys).map(|_| under_shared_key(work, rng)));
    ops.extend((0..work.winds).map(|number| wind(work, rng, number)));
    ops.extend((0..work.commissions).map(|number| commission(work, rng, number)));
    ops
}

/// Commissions something of a broker, or has one order of another, finish or leave. Whoever waits for an answer has a client key.
fn commission(work: &Work, rng: &mut Rng, number: u64) -> Op {
    let stays = |rng: &mut Rng| rng.below(u64::from(work.brokers)) as u16;
    let whom = if rng.chance(200) { broker::LEAVERS + rng.below(2) as u16 } else { stays(rng) };
    let patience = rng.pick(&[0, 500, 5_000, 30_000]);
    // No two are alike.
    let tag = rng.below(1 << 40) << 8 | number & 0xff;
    let kind = request_kind(rng, "c", number);
    match rng.below(10) {
        0..6 => {
            let key = Some(format!("commission {number}").into());
            let call = Broker::at(whom).commission(tag, patience);
            let op = Op::new(call, RequestKind::Call { key }, Purpose::Commission(tag));
            Op { makes_key: rng.chance(300), ..op }
        }
        6 | 7 => Op::new(Broker::at(stays(rng)).order(whom, tag, patience), kind, Purpose::Work),
        8 if whom >= broker::LEAVERS => Op::new(Broker::at(whom).leave(), kind, Purpose::Work),
        _ => Op::new(Broker::at(whom).finish(rng.between(1, 4) as usize), kind, Purpose::Work),
    }
}

/// Sets and cancels some timers.
fn wind(work: &Work, rng: &mut Rng, number: u64) -> Op {
    let (steps, alarm) = (rng.between(1, 6) as u32, rng.below(work.alarms));
    let (own, kind) = (Alarm::at(alarm), request_kind(rng, "w", number));
    match rng.chance(400) {
        true => Op::new(own.jolt(steps, work.alarms), kind, Purpose::Work),
        false => Op::new(own.wind(steps, work.alarms), kind, Purpose::Work),
    }
}

/// A call under a key that others use too: a transfer of little, or one that is refused by what never was.
fn under_shared_key(work: &Work, rng: &mut Rng) -> Op {
    let request_kind = RequestKind::Call { key: Some(format!("shared {}", rng.below(4)).into()) };
    let op = if rng.chance(700) {
        let (from, to) = (rng.below(3), rng.below(work.accounts));
        let transfer = Account::at(format!("a{from}")).transfer(format!("a{to}"), rng.between(1, 2) as i64);
        Op::new(transfer, request_kind, Purpose::Work)
    } else {
        let nothing = Register::at(work.registers + rng.below(3));
        Op::new(nothing.add(6), request_kind, Purpose::Work)
    };
    Op { shares_key: true, ..op }
}

/// A client key that says when it was made: a UUID of version 7.
pub(crate) fn uuid(made: Timestamp, number: usize) -> Box<str> {
    let (high, low) = (made.0 >> 16, made.0 & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-{number:012x}").into()
}

/// The time at which such a key was made.
pub(crate) fn made(key: &str) -> Option<Timestamp> {
    let (high, low) = (key.get(..8)?, key.get(9..13)?);
    let is_uuid = key.len() == 36 && key.get(13..15) == Some("-7");
    let digits = |text| u64::from_str_radix(text, 16).ok();
    is_uuid.then_some(Timestamp(digits(high)? << 16 | digits(low)?))
}

/// A mayfly flies after another one, or ends.
fn draw_flight(number: u64, rng: &mut Rng) -> Op {
    let mayfly = |rng: &mut Rng| format!("f{}", rng.below(6));
    let (fly, other) = (Mayfly::at(mayfly(rng)), mayfly(rng));
    let kind = request_kind(rng, "f", number);
    match rng.chance(300) {
        true => Op::new(fly.end(), kind, Purpose::Work),
        false => Op::new(fly.chase(other), kind, Purpose::Work),
    }
}

/// Askers ask each other; those that are never asked leave now and then.
fn draw_asks(work: &Work, rng: &mut Rng, ops: &mut Vec<Op>) {
    for number in 0..work.asks {
        let partner = |rng: &mut Rng| rng.below(u64::from(work.askers)) as u16;
        let leaver = LEAVERS + rng.below(u64::from(work.leavers)) as u16;
        let asker = if rng.chance(700) { partner(rng) } else { leaver };
        let op = if asker == leaver && rng.chance(300) {
            Op::new(Asker::at(asker).leave(partner(rng)), request_kind(rng, "l", number), Purpose::Work)
        } else {
            let whom = (0..rng.between(1, 4)).map(|_| partner(rng)).collect();
            let patience = rng.pick(&[0, 20, 1000, 60_000]);
            Op::new(Asker::at(asker).ask(whom, patience), request_kind(rng, "q", number), Purpose::Work)
        };
        ops.push(op);
    }
}

/// Dealers propose to each other.
fn draw_deals(work: &Work, rng: &mut Rng, ops: &mut Vec<Op>) {
    for number in 0..work.deals {
        let dealer = |rng: &mut Rng| rng.below(u64::from(work.dealers)) as u16;
        let whom = (0..rng.between(0, 4)).map(|_| dealer(rng)).collect();
        let patience = rng.pick(&[0, 20, 1000, 60_000]);
        let proposer = dealer(rng);
        ops.push(Op::new(Dealer::at(proposer).deal(whom, patience), request_kind(rng, "d", number), Purpose::Work));
    }
}

/// One more parcel on its way.
pub(crate) fn parcel(post: u16, work: &Work) -> Op {
    Op::new(Post::at(post).post(work.posts, work.hops), RequestKind::Call { key: None }, Purpose::Work)
}

fn request_kind(rng: &mut Rng, name: &str, number: u64) -> RequestKind {
    RequestKind::Call { key: rng.chance(600).then(|| format!("{name}{number}").into()) }
}

/// The producers and what they send.
pub(crate) fn draw_streams(work: &Work, rng: &mut Rng, find: impl Fn(u64) -> PartitionId) -> Vec<Stream> {
    (0..work.producers)
        .map(|producer| {
            let mut items = Vec::new();
            let mut lanes: Vec<Lane> = Vec::new();
            for number in 1..=work.numbers {
                let call = Sink::at(rng.below(12)).take(producer, number);
                let to = call.to.expect("a key of the simulation");
                let partition = find(to.hash());
                let at = lanes.iter().position(|lane| lane.partition == partition).unwrap_or_else(|| {
                    lanes.push(Lane::to(partition));
                    lanes.len() - 1
                });
                lanes[at].open.push_back(number);
                items.push((to, call.handler, call.body));
            }
            let name = EntityKey::new(&format!("producer {producer}")).expect("a name");
            Stream { name, items, lanes }
        })
        .collect()
}
