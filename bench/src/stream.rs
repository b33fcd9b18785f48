//! Requests as one numbered stream, and how long each answer took.
//!
//! Without a rate, as many requests as may be unanswered are: a new one leaves when an answer comes, and a latency says
//! more of that number than of the node. With a rate, requests leave on schedule, and a latency counts from the moment
//! that the schedule names: so a node that stalls is not spared the requests that it kept from leaving.

use std::collections::VecDeque;
use std::thread;
use std::time::{Duration, Instant};

use apostate_server::{Client, Producer, ProducerAnswer, ProducerError};

use crate::arguments::StreamArguments;
use crate::failure::{Failure, check};
use crate::latency::Latency;

/// How long to sleep when the schedule has nothing to send.
const PAUSE: Duration = Duration::from_micros(100);

/// A numbered stream of requests.
pub(crate) struct Stream {
    producer: Producer,
    outstanding: usize,
    interval: Option<Duration>,
    sent: u64,
    /// When each message left, from number `answered_below` on; none once it was answered.
    left: VecDeque<Option<Instant>>,
    answered_below: u64,
    latency: Latency,
}

/// When to end: after so much time, or so many requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    time: Duration,
    requests: u64,
}

impl End {
    /// After `time`, or `requests` if that is earlier.
    pub(crate) fn new(time: Duration, requests: Option<u64>) -> Self {
        Self { time, requests: requests.unwrap_or(u64::MAX) }
    }

    /// After `requests`, however long it takes.
    pub(crate) fn after(requests: u64) -> Self {
        Self { time: Duration::MAX, requests }
    }

    /// Whether it is reached by `requests` that were sent since `began`.
    pub(crate) fn is_reached(self, began: Instant, requests: u64) -> bool {
        requests >= self.requests || began.elapsed() >= self.time
    }
}

impl Stream {
    /// A stream of the producer `name`.
    pub(crate) fn open(client: &Client, name: &str, arguments: &StreamArguments) -> Result<Self, Failure> {
        let outstanding = arguments.outstanding.max(1);
        let mut producer = client.producer(name)?;
        // We keep to it ourselves: the producer need not block.
        producer.window(outstanding + 1);
        let interval = arguments.rate.map(|rate| Duration::from_secs_f64(1.0 / rate.clamp(0.001, 1e9)));
        let latency = Latency::new();
        Ok(Self { producer, outstanding, interval, sent: 0, left: VecDeque::new(), answered_below: 1, latency })
    }

    /// How many requests have left.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// How long answers took since the last [`run`](Self::run) began.
    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Sends requests until `end`, and waits until all are answered, durably. How many those were.
    pub(crate) fn run(
        &mut self,
        end: End,
        mut send: impl FnMut(&mut Producer, u64) -> Result<(), ProducerError>,
    ) -> Result<u64, Failure> {
        self.latency.clear();
        let (began, before) = (Instant::now(), self.sent);
        loop {
            let sent = self.sent - before;
            if end.is_reached(began, sent) {
                break;
            }
            let now = Instant::now();
            let room = (self.outstanding - self.producer.unanswered()) as u64;
            let mut due = room.min(end.requests - sent);
            if let Some(interval) = self.interval {
                let scheduled = (now.duration_since(began).as_secs_f64() / interval.as_secs_f64()) as u64 + 1;
                due = due.min(scheduled.saturating_sub(sent));
            }
            for request in sent..sent + due {
                let at = self.interval.map_or(now, |interval| began + interval.mul_f64(request as f64));
                self.sent += 1;
                self.left.push_back(Some(at));
                send(&mut self.producer, self.sent)?;
            }
            self.wait()?;
        }
        while self.producer.unanswered() > 0 {
            let results = self.producer.wait_results()?;
            self.take(results)?;
        }
        let results = self.producer.results();
        self.take(results)?;
        check(self.left.is_empty(), || format!("{} requests were not answered", self.left.len()))?;
        Ok(self.sent - before)
    }

    /// Takes answers; waits for some unless there is something else to do.
    fn wait(&mut self) -> Result<(), Failure> {
        if self.interval.is_some() && self.producer.unanswered() < self.outstanding {
            thread::sleep(PAUSE);
            let results = self.producer.results();
            return self.take(results);
        }
        // A few answers are not worth waking the thread that gets the next requests.
        let refill = self.outstanding.div_ceil(8);
        loop {
            let results = self.producer.wait_results()?;
            self.take(results)?;
            if self.outstanding - self.producer.unanswered() >= refill {
                return Ok(());
            }
        }
    }

    fn take(&mut self, results: Vec<(u64, ProducerAnswer)>) -> Result<(), Failure> {
        if results.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        for (number, result) in results {
            let is_done = matches!(result, ProducerAnswer::Done { .. } | ProducerAnswer::Accepted);
            check(is_done, || format!("request {number} was answered with {result:?}"))?;
            let index = number.checked_sub(self.answered_below).unwrap_or(u64::MAX) as usize;
            let at = self.left.get_mut(index).and_then(Option::take);
            let at = at.ok_or_else(|| Failure::Wrong(format!("request {number} was answered twice")))?;
            self.latency.record(now.saturating_duration_since(at));
        }
        while let Some(None) = self.left.front() {
            self.left.pop_front();
            self.answered_below += 1;
        }
        Ok(())
    }
}
