//! Load over HTTP: many connections on one thread, each with one request at a time, kept open.
//!
//! Closed loop: each connection asks again as soon as it is answered. Open loop: requests leave on schedule, on whichever
//! connection is free, and a latency counts from the moment that the schedule names; timers are a millisecond coarse,
//! so that is how much too long a latency may be.
//!
//! Requests are bytes that the workload makes, and of an answer only what is needed is read: what is measured is the
//! node, beside as little as possible. Both share the machine, and its processor time is reported for both together.

mod connection;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

pub(crate) use self::connection::Connection;
use crate::failure::{Failure, io};
use crate::latency::Latency;
use crate::machine;
use crate::report::Report;
use crate::stream::End;

/// The node to load, and how hard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    /// Requests a second, on schedule; as many as it takes if none.
    pub(crate) rate: Option<f64>,
}

/// The kind of requests that a load consists of.
pub(crate) trait Asks {
    /// The connection that requests go over, one at a time.
    type Connection;

    /// Opens a connection to the node.
    async fn open(&self, address: SocketAddr) -> Result<Self::Connection, Failure>;

    /// Makes request `number` and sees that its answer is as it should be. Whether it was done: else the node had too much
    /// to do.
    async fn ask(&self, connection: &mut Self::Connection, number: u64) -> Result<bool, Failure>;
}

/// State that all connections share.
struct Run<A> {
    asks: Rc<A>,
    began: Instant,
    end: End,
    interval: Option<Duration>,
    /// The number of the first request of this run.
    first: u64,
    begun: Cell<u64>,
    busy: Cell<u64>,
    done_last: Cell<Instant>,
    latency: RefCell<Latency>,
}

/// The result of a run.
pub(crate) struct Answers {
    pub(crate) done: u64,
    /// Answered with 429.
    pub(crate) busy: u64,
    /// When all connections were open.
    pub(crate) began: Instant,
    /// When the last request was done; a refusal at the end may arrive later.
    pub(crate) done_last: Instant,
    /// How long it took to get what was done.
    latency: Latency,
    /// Processor time that asking took.
    cpu_seconds: f64,
}

impl Answers {
    /// Says how long it took, and what the asking itself took of the machine.
    pub(crate) fn report(&self, report: &mut Report) {
        self.latency.report(report);
        report.set_rounded("load_cpu_seconds", self.cpu_seconds);
    }
}

impl Load {
    /// Asks until `end`, and waits for all answers. Requests are numbered from `first`.
    pub(crate) fn run<A: Asks + 'static>(self, end: End, first: u64, asks: Rc<A>) -> Result<Answers, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(io("no runtime for the load"))?;
        let ways = runtime.block_on(async {
            let mut ways = Vec::with_capacity(self.connections);
            for _ in 0..self.connections {
                ways.push(asks.open(self.address).await?);
            }
            Ok::<_, Failure>(ways)
        })?;
        let (began, cpu) = (Instant::now(), machine::cpu_seconds_of_thread());
        let run = Rc::new(Run {
            asks,
            began,
            end,
            interval: self.rate.map(|rate| Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1e9))),
            first,
            begun: Cell::new(0),
            busy: Cell::new(0),
            done_last: Cell::new(began),
            latency: RefCell::new(Latency::new()),
        });
        LocalSet::new().block_on(&runtime, async {
            let spawn = |connection| tokio::task::spawn_local(Rc::clone(&run).connection(connection));
            let tasks: Vec<_> = ways.into_iter().map(spawn).collect();
            for task in tasks {
                task.await.map_err(|error| Failure::Wrong(error.to_string()))??;
            }
            Ok::<_, Failure>(())
        })?;
        let busy = run.busy.get();
        let (done, done_last) = (run.begun.get() - busy, run.done_last.get());
        let cpu_seconds = machine::cpu_seconds_of_thread() - cpu;
        Ok(Answers { done, busy, began, done_last, latency: run.latency.replace(Latency::new()), cpu_seconds })
    }
}

impl<A: Asks> Run<A> {
    /// One connection, from the first request to the last.
    async fn connection(self: Rc<Self>, mut connection: A::Connection) -> Result<(), Failure> {
        while !self.end.is_reached(self.began, self.begun.get()) {
            let number = self.begun.replace(self.begun.get() + 1);
            let at = match self.interval {
                Some(interval) => {
                    let due = self.began + interval.mul_f64(number as f64);
                    tokio::time::sleep_until(due.into()).await;
                    due
                }
                None => Instant::now(),
            };
            if self.asks.ask(&mut connection, self.first + number).await? {
                let now = Instant::now();
                self.done_last.set(now);
                self.latency.borrow_mut().record(now.duration_since(at));
            } else {
                self.busy.set(self.busy.get() + 1);
            }
        }
        Ok(())
    }
}
