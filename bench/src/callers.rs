//! Callers that keep many calls under way, and take their answers in the order of the calls: so a latency is never too small, and with several
//! partitions may be somewhat too large.

use std::collections::VecDeque;
use std::time::Instant;

use apostate_server::Pending;

use crate::arguments::PaceArguments;
use crate::failure::Failure;
use crate::host::Host;
use crate::latency::Latency;
use crate::report::Report;
use crate::stream::End;

/// As many callers as calls may be unanswered.
pub(crate) struct Callers<R> {
    outstanding: usize,
    waiting: VecDeque<(Instant, Pending<R>)>,
    calls: u64,
    latency: Latency,
}

impl<R: serde::de::DeserializeOwned> Callers<R> {
    pub(crate) fn new(outstanding: usize) -> Self {
        Self { outstanding: outstanding.max(1), waiting: VecDeque::new(), calls: 0, latency: Latency::new() }
    }

    /// Calls made so far.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Calls until `end`, and waits until all calls are answered; `start` begins the call of this number. How many there were.
    pub(crate) fn run(&mut self, end: End, mut start: impl FnMut(u64) -> Pending<R>) -> Result<u64, Failure> {
        self.latency.clear();
        let (began, before) = (Instant::now(), self.calls);
        while !end.is_reached(began, self.calls - before) {
            self.waiting.push_back((Instant::now(), start(self.calls)));
            self.calls += 1;
            if self.waiting.len() >= self.outstanding {
                self.wait()?;
            }
        }
        while !self.waiting.is_empty() {
            self.wait()?;
        }
        Ok(self.calls - before)
    }

    /// Warms up, then calls for as long as is measured, waits until all has settled, and reports the calls, each of which is one of `what`.
    pub(crate) fn measure(
        &mut self,
        host: &Host,
        (pace, what): (&PaceArguments, &str),
        mut start: impl FnMut(u64) -> Pending<R>,
        report: &mut Report,
    ) -> Result<(), Failure> {
        self.run(End::new(pace.warm_up(), pace.requests), &mut start)?;
        let begin = host.mark()?;
        let calls = self.run(End::new(pace.time(), pace.requests), &mut start)?;
        let end = host.mark()?;
        begin.report(&end, what, calls, report);
        report.set("outstanding", self.outstanding);
        self.latency.report(report);
        host.client().settle()?;
        Ok(())
    }

    fn wait(&mut self) -> Result<(), Failure> {
        if let Some((at, call)) = self.waiting.pop_front() {
            call.wait()?;
            self.latency.record(at.elapsed());
        }
        Ok(())
    }
}
