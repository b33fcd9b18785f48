//! `step`: one partition by itself, on one thread, with neither disk nor other threads.
//!
//! What a partition costs when nothing waits: every append is durable by the next turn, every load finds nothing, and
//! no checkpoint is made. It is the workload to profile.

use std::sync::Arc;
use std::time::Instant;

use apostate::{Call, Entities, Timestamp};
use apostate_core::decode;
use apostate_log::{AppendResult, Confirmation, MemoryLog, MemoryStore, PartitionId};
use apostate_partition::{
    Answer, Config, Effect, Failure as NotDone, HostTime, Input, Loaded, Map, Partition, Request, RequestKind, Tuning,
    Uptime,
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::arguments::StepArguments;
use crate::failure::{Failure, check};
use crate::machine;
use crate::orders::{ITEMS, MESSAGES, Rng};
use crate::report::Report;
use crate::shop::{ON_HAND, Order, Shop, Stock};

/// A partition by itself.
pub(crate) struct Alone {
    pub(crate) partition: Partition,
    effects: Vec<Effect>,
    /// The answers that the host gives at the next turn.
    inputs: Vec<Input>,
    /// How many requests were answered, and with what the last one was.
    pub(crate) answered: u64,
    answer: Option<Answer>,
    turns: u64,
    records: u64,
    record_bytes: u64,
    loads: u64,
}

/// Places `arguments.orders` orders and waits until all are confirmed.
pub(crate) fn run(arguments: &StepArguments) -> Result<Report, Failure> {
    let &StepArguments { orders, outstanding, seed, agreements } = arguments;
    let parameters = json!({ "orders": orders, "outstanding": outstanding, "seed": seed, "agreements": agreements });
    let outstanding = outstanding.max(1);
    let mut report = Report::new("step", parameters);
    let mut alone = Alone::open::<Shop>(1)?;

    let (began, cpu) = (Instant::now(), machine::cpu_seconds());
    let mut rng = Rng::new(seed);
    let mut placed = 0;
    while alone.answered < orders {
        while placed < orders && placed - alone.answered < outstanding {
            let (order, lines, kind) = (Order::at(placed), rng.lines(), RequestKind::Call { key: None });
            match agreements {
                true => alone.ask(placed, order.agree(lines), kind)?,
                false => alone.ask(placed, order.place(lines), kind)?,
            }
            placed += 1;
        }
        alone.turn()?;
    }
    while !alone.is_quiet() {
        alone.turn()?;
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), machine::cpu_seconds() - cpu);

    let messages = orders * MESSAGES;
    let taken = alone.partition.status().counts.messages;
    // Of an agreement's messages three answers run no handler, and the outcome is one more.
    let least = if agreements { orders * (MESSAGES - 2) } else { messages };
    check(taken >= least, || format!("{least} messages run a handler, {taken} were taken"))?;
    report.set_rounded("orders_per_s", orders as f64 / seconds);
    report.set_rounded("messages_per_s", messages as f64 / seconds);
    // By processor time: what else runs on the machine does not matter much.
    report.set_rounded("cpu_microseconds_per_message", cpu * 1e6 / messages as f64);
    // More than there are: one that waited in an inbox, or for a load, is taken twice.
    report.set_rounded("takes_per_message", taken as f64 / messages as f64);
    report.set_rounded("seconds", seconds);
    report.set_rounded("cpu_seconds", cpu);
    report.set_rounded("log_bytes_per_order", alone.record_bytes as f64 / orders as f64);
    report.set("records", alone.records);
    report.set("turns", alone.turns);
    report.set("loads", alone.loads);
    report.set("outstanding", outstanding);
    report.set("peak_memory_bytes", machine::peak_memory_bytes());
    alone.audit(orders)?;
    Ok(report)
}

impl Alone {
    /// The first of so many partitions; nobody hears what is said to the others.
    pub(crate) fn open<E: Entities>(partitions: u32) -> Result<Self, Failure> {
        let id = PartitionId(1);
        // Nothing is ever written to the store, so everything stays in memory.
        let tuning = Tuning {
            cache_bytes: usize::MAX,
            dirty_bytes_max: usize::MAX,
            checkpoint_log_bytes: u64::MAX,
            ..Tuning::default()
        };
        let registry = Arc::new(E::registry()?);
        let config =
            Config { id, map: Arc::new(Map::first(partitions)), registry, tuning, seed: 0, suspects: Vec::new() };
        let (store, log) = (MemoryStore::new(), MemoryLog::new(id));
        let partition = Partition::open(config, &store, &log, Box::new(()), &mut |_| {})?;
        let mut alone = Self {
            partition,
            effects: Vec::new(),
            inputs: vec![Input::Open],
            answered: 0,
            answer: None,
            turns: 0,
            records: 0,
            record_bytes: 0,
            loads: 0,
        };
        while !alone.partition.status().is_serving {
            alone.turn()?;
        }
        (alone.turns, alone.records, alone.record_bytes) = (0, 0, 0);
        Ok(alone)
    }

    pub(crate) fn ask<E, R, S, A>(
        &mut self,
        ticket: u64,
        call: Call<E, R, S, A>,
        request_kind: RequestKind,
    ) -> Result<(), Failure> {
        let to = call.to.map_err(|error| Failure::Wrong(error.to_string()))?;
        self.inputs.push(Input::Request(Request { ticket, ..Request::new(to, call.handler, call.body, request_kind) }));
        Ok(())
    }

    /// Hands over what has arrived, lets the partition work, and carries out what it wants.
    pub(crate) fn turn(&mut self) -> Result<(), Failure> {
        self.turns += 1;
        let now = HostTime { wall: Timestamp(self.turns), uptime: Uptime(self.turns) };
        for input in self.inputs.drain(..).chain([Input::Turn]) {
            self.partition.step(now, input, &mut self.effects);
        }
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Append { at, record } => {
                    self.records += 1;
                    self.record_bytes += record.len() as u64;
                    self.inputs.push(Input::Appended(at, AppendResult::Ok));
                }
                Effect::Load(load) => {
                    self.loads += 1;
                    self.inputs.push(Input::Loaded(Loaded { load, cells: Ok(Vec::new()), is_partial: false }));
                }
                Effect::Confirm { number } => self.inputs.push(Input::Confirmed(Confirmation::Yes(number))),
                Effect::Answer { ticket: _, answer } => {
                    self.answered += 1;
                    self.answer = Some(answer);
                }
                Effect::WakeAt(_) | Effect::Notice(_) | Effect::Span(_) | Effect::Settled { .. } => {}
                // Taken for written, and forgotten.
                Effect::Checkpoint(checkpoint) => self.inputs.push(Input::Checkpointed(checkpoint.position)),
                Effect::CheckpointDone { .. } | Effect::Trim { .. } => {}
                effect @ (Effect::Stopped(_) | Effect::Frame { .. } | Effect::Sealed(_) | Effect::SplitRefused(_)) => {
                    return Err(Failure::Wrong(format!("the partition wants {effect:?}")));
                }
            }
        }
        Ok(())
    }

    /// Has everything written that is not in the store.
    pub(crate) fn checkpoint(&mut self) -> Result<(), Failure> {
        self.inputs.push(Input::RequestCheckpoint { ticket: 1 });
        self.turn()?;
        while !self.is_quiet() {
            self.turn()?;
        }
        Ok(())
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.inputs.is_empty() && self.partition.status().is_quiet
    }

    /// Reads an entity; none if there is no such entity.
    fn read<E, R: DeserializeOwned, S, A>(&mut self, call: Call<E, R, S, A>) -> Result<Option<R>, Failure> {
        self.answer = None;
        self.ask(0, call, RequestKind::Read)?;
        loop {
            self.turn()?;
            match self.answer.take() {
                None => {}
                Some(Answer::Done { reply, version: _ }) => {
                    return decode(&reply).map(Some).map_err(|error| Failure::Wrong(error.to_string()));
                }
                Some(Answer::Failed(NotDone::Missing)) => return Ok(None),
                Some(other) => return Err(Failure::Wrong(format!("a read was answered with {other:?}"))),
            }
        }
    }

    /// Reads every entity: all orders confirmed, nothing held, and the units add up.
    fn audit(&mut self, orders: u64) -> Result<(), Failure> {
        let mut ordered = 0;
        for order in 0..orders {
            let (is_confirmed, units) = self.read(Order::at(order).outcome())?.unwrap_or_default();
            check(is_confirmed, || format!("order {order} is not confirmed"))?;
            ordered += units;
        }
        let mut all_sold = 0;
        for item in 0..ITEMS {
            let (on_hand, held, sold) = self.read(Stock::at(item).outcome())?.unwrap_or((ON_HAND, 0, 0));
            check(held == 0, || format!("item {item} is held for {held} orders"))?;
            check(on_hand + sold == ON_HAND, || format!("item {item} has {on_hand} and sold {sold}"))?;
            all_sold += sold;
        }
        check(ordered == all_sold, || format!("{ordered} units were ordered, {all_sold} sold"))
    }
}
