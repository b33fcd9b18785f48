//! A node to measure, and the stretch of its life that is measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use apostate::Entities;
use apostate_server::{Client, HttpSettings, Node, Serving, Settings, Work};
use serde_json::{Value, json};

use crate::arguments::HostArguments;
use crate::failure::{Failure, check};
use crate::machine;
use crate::report::Report;
use crate::scratch::Scratch;

/// A node in a directory of its own.
pub(crate) struct Host {
    node: Node,
    client: Client,
    settings: Settings,
    // Removed after the node has closed it.
    scratch: Scratch,
}

impl Host {
    /// Opens an empty node for the entities `E`.
    pub(crate) fn open<E: Entities>(arguments: &HostArguments) -> Result<Self, Failure> {
        let HostArguments { data, partitions, cache_bytes, checkpoint_log_bytes } = arguments;
        let scratch = Scratch::new(data)?;
        let mut settings = Settings { partitions: *partitions, ..Settings::new(scratch.path().join("data")) };
        settings.cache_bytes = cache_bytes.unwrap_or(settings.cache_bytes);
        settings.checkpoint_log_bytes = checkpoint_log_bytes.unwrap_or(settings.checkpoint_log_bytes);
        Self::open_with::<E>(settings, scratch)
    }

    /// Opens a node with these settings, whose data is in `scratch`.
    pub(crate) fn open_with<E: Entities>(settings: Settings, scratch: Scratch) -> Result<Self, Failure> {
        let node = Node::open::<E>(settings.clone())?;
        Ok(Self { client: node.client(), node, settings, scratch })
    }

    /// How entities are reached.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Lets it be reached over HTTP, by this machine alone.
    pub(crate) fn serve(&self, requests_max: Option<usize>) -> Result<Serving, Failure> {
        let mut settings = HttpSettings::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        settings.requests_max = requests_max.unwrap_or(settings.requests_max);
        Ok(self.node.serve(settings)?)
    }

    /// Where we are, and what it has cost so far.
    pub(crate) fn mark(&self) -> Result<Mark, Failure> {
        let status = self.node.status();
        let stopped = status.stopped().next().map(|(partition, reason)| format!("partition {partition}: {reason}"));
        check(stopped.is_none(), || stopped.unwrap_or_default())?;
        let mut mark =
            Mark { at: Instant::now(), cpu_seconds: machine::cpu_seconds(), messages: 0, work: Work::default() };
        for partition in &status.partitions {
            let Work { turns, records, record_bytes, checkpoints, trims, loads } = partition.work;
            mark.work.turns += turns;
            mark.work.records += records;
            mark.work.record_bytes += record_bytes;
            mark.work.checkpoints += checkpoints;
            mark.work.trims += trims;
            mark.work.loads += loads;
            mark.messages += partition.state.as_ref().map_or(0, |state| state.counts.messages);
        }
        Ok(mark)
    }

    /// Agreements that are not over, and operations that have no ending.
    pub(crate) fn open_at_end(&self) -> usize {
        let status = self.node.status();
        let states = status.partitions.iter().filter_map(|partition| partition.state.as_ref().ok());
        states.map(|state| state.undecided + state.tentative).sum()
    }

    /// Bytes of entities in memory.
    pub(crate) fn entity_bytes(&self) -> usize {
        let status = self.node.status();
        status.partitions.iter().filter_map(|partition| Some(partition.state.as_ref().ok()?.entity_bytes)).sum()
    }

    /// The node's part of a report's parameters.
    pub(crate) fn parameters(&self) -> Value {
        let Settings { cache_bytes, checkpoint_log_bytes, .. } = self.settings;
        let partitions = self.node.status().partitions.len();
        json!({ "partitions": partitions, "cache_bytes": cache_bytes, "checkpoint_log_bytes": checkpoint_log_bytes })
    }

    /// Ends it as if the process had died, and gives back what was on disk by then.
    pub(crate) fn abandon(self) -> (Settings, Scratch) {
        let Self { node, client: _, settings, scratch } = self;
        drop(node);
        (settings, scratch)
    }

    /// Stops it in good order and removes its data.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        Ok(self.node.stop()?)
    }

    /// As [`stop`](Self::stop), and keeps its data.
    pub(crate) fn stop_and_keep(mut self) -> Result<(Settings, Scratch), Failure> {
        self.node.stop()?;
        Ok(self.abandon())
    }
}

/// Where a node was at a moment, and what it had cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    at: Instant,
    cpu_seconds: f64,
    messages: u64,
    work: Work,
}

impl Mark {
    /// Reports the stretch from here to `end`, in which `units` of work were done, called `unit`.
    pub(crate) fn report(&self, end: &Self, unit: &str, units: u64, report: &mut Report) {
        let seconds = end.seconds_since(self);
        let each = |total: u64| total as f64 / units.max(1) as f64;
        let Work { turns, records, record_bytes, checkpoints, trims, loads } = end.work;
        report.set_rounded(&format!("{unit}s_per_s"), units as f64 / seconds);
        report.set_rounded(&format!("log_bytes_per_{unit}"), each(record_bytes - self.work.record_bytes));
        // Whatever waited in an inbox, or for a load, is taken twice.
        report.set_rounded(&format!("takes_per_{unit}"), each(end.messages - self.messages));
        report.set_rounded("seconds", seconds);
        report.set_rounded("cpu_seconds", end.cpu_seconds - self.cpu_seconds);
        report.set(&format!("{unit}s"), units);
        report.set("turns", turns - self.work.turns);
        report.set("records", records - self.work.records);
        report.set("checkpoints", checkpoints - self.work.checkpoints);
        report.set("trims", trims - self.work.trims);
        report.set("loads", loads - self.work.loads);
        report.set("peak_memory_bytes", machine::peak_memory_bytes());
    }

    /// The same sample with another time.
    pub(crate) fn at(self, at: Instant) -> Self {
        Self { at, ..self }
    }

    /// Bytes of records since `earlier`.
    pub(crate) fn record_bytes_since(&self, earlier: &Self) -> u64 {
        self.work.record_bytes - earlier.work.record_bytes
    }

    /// How long ago `earlier` was.
    pub(crate) fn seconds_since(&self, earlier: &Self) -> f64 {
        self.at.duration_since(earlier.at).as_secs_f64()
    }
}
