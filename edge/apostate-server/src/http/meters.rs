//! Metrics of the edge, and the text of all metrics for Prometheus.
//!
//! Every handler of every kind has its meter from the start, so counting is an addition to a word that is already there:
//! no name is built and no table searched while a request waits.
//!
//! Counted by hand: `prometheus-client` keeps each histogram behind a mutex, which the threads of the edge would share. What it
//! would save is the writing of the text, thirty lines.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::NodeStatus;
use crate::executor::message_counts::{HandlerCounts, MessageCounts};
use crate::traces::queue::SpanCounts;

/// Upper bounds of the classes of latency, in microseconds; the last class has none.
const BOUNDS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was done, or seen.
    Done,
    /// The entity said no.
    Refused,
    /// It could not be done as it was asked.
    Invalid,
    /// Too much was waiting.
    Busy,
    /// Nobody waited for it any more.
    Late,
    /// It went wrong.
    Failed,
    /// Nobody knows.
    Unknown,
    /// Its caller hung up before the answer: it may have been done.
    Gone,
}

const OUTCOMES: [(Outcome, &str); 8] = [
    (Outcome::Done, "done"),
    (Outcome::Refused, "refused"),
    (Outcome::Invalid, "invalid"),
    (Outcome::Busy, "busy"),
    (Outcome::Late, "late"),
    (Outcome::Failed, "failed"),
    (Outcome::Unknown, "unknown"),
    (Outcome::Gone, "gone"),
];

/// Counts the requests of one handler.
#[derive(Debug)]
struct Meter {
    kind: &'static str,
    handler: &'static str,
    outcomes: [AtomicU64; OUTCOMES.len()],
    classes: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// All metrics of the edge.
#[derive(Debug)]
pub(crate) struct Meters {
    meters: Vec<Meter>,
    /// Answers, by status.
    statuses: Box<[AtomicU64]>,
    /// Connections that were ever taken.
    pub(crate) connections: AtomicU64,
    /// Connections that were too many.
    pub(crate) connections_refused: AtomicU64,
    /// Connections that were closed because they did nothing.
    pub(crate) connections_timed_out: AtomicU64,
}

/// The lowest status there is.
const STATUS_MIN: u16 = 100;
const STATUSES: usize = 500;

impl Meters {
    /// Meters for these kinds and handlers, in this order.
    pub(crate) fn new(names: impl Iterator<Item = (&'static str, &'static str)>) -> Self {
        let meter = |(kind, handler)| Meter {
            kind,
            handler,
            outcomes: Default::default(),
            classes: Default::default(),
            micros: AtomicU64::new(0),
        };
        Self {
            meters: names.map(meter).collect(),
            statuses: (0..STATUSES).map(|_| AtomicU64::new(0)).collect(),
            connections: AtomicU64::new(0),
            connections_refused: AtomicU64::new(0),
            connections_timed_out: AtomicU64::new(0),
        }
    }

    /// A request of the handler number `meter` came to this, and took so long.
    pub(crate) fn count(&self, meter: usize, outcome: Outcome, took: Duration) {
        let meter = &self.meters[meter];
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let class = BOUNDS.partition_point(|bound| *bound < micros);
        meter.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        meter.classes[class].fetch_add(1, Ordering::Relaxed);
        meter.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// A message of a stream came to this.
    pub(crate) fn count_streamed(&self, meter: usize, outcome: Outcome) {
        self.meters[meter].outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// An answer with this status left.
    pub(crate) fn answered(&self, status: u16) {
        if let Some(count) = self.statuses.get(usize::from(status.saturating_sub(STATUS_MIN))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// All of it as text for Prometheus.
    pub(crate) fn text(
        &self,
        open_connections: usize,
        node: Option<&NodeStatus>,
        spans: Option<&SpanCounts>,
        messages: &MessageCounts,
    ) -> String {
        let mut text = Text(String::with_capacity(16 << 10));
        self.write_calls(&mut text);
        write_messages(&mut text, messages);
        text.family("apostate_http_responses_total", "counter", "Answers over HTTP, by status");
        for (status, count) in (STATUS_MIN..).zip(&self.statuses) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                text.sample("apostate_http_responses_total", &[("status", &status.to_string())], count);
            }
        }
        let connections = [
            ("apostate_http_connections", "gauge", "Open connections", open_connections as u64),
            ("apostate_http_connections_total", "counter", "Connections ever taken", read(&self.connections)),
            (
                "apostate_http_connections_refused_total",
                "counter",
                "Connections that were too many",
                read(&self.connections_refused),
            ),
            (
                "apostate_http_connections_timed_out_total",
                "counter",
                "Connections closed because they did nothing",
                read(&self.connections_timed_out),
            ),
        ];
        for (name, kind, help, value) in connections {
            text.family(name, kind, help);
            text.sample(name, &[], value);
        }
        if let Some(SpanCounts { sent, dropped, failed }) = spans {
            text.family("apostate_spans_total", "counter", "Spans of traces, by what became of them");
            for (outcome, count) in [("sent", sent), ("dropped", dropped), ("failed", failed)] {
                text.sample("apostate_spans_total", &[("outcome", outcome)], read(count));
            }
        }
        if let Some(node) = node {
            write_node(&mut text, node);
        }
        text.0
    }

    fn write_calls(&self, text: &mut Text) {
        let name = "apostate_requests_total";
        text.family(name, "counter", "Requests of the world outside, by kind, handler and outcome");
        for meter in &self.meters {
            for ((_, outcome), count) in OUTCOMES.iter().zip(&meter.outcomes) {
                let labels = [("kind", meter.kind), ("handler", meter.handler), ("outcome", outcome)];
                text.sample(name, &labels, read(count));
            }
        }
        text.family("apostate_request_seconds", "histogram", "How long single requests took, waiting included");
        for meter in &self.meters {
            let labels = [("kind", meter.kind), ("handler", meter.handler)];
            let mut below = 0;
            for (class, count) in meter.classes.iter().enumerate() {
                below += read(count);
                let bound = BOUNDS.get(class).map_or_else(|| "+Inf".to_owned(), |micros| seconds(*micros).to_string());
                let labels = [labels[0], labels[1], ("le", &bound)];
                text.sample("apostate_request_seconds_bucket", &labels, below);
            }
            text.number("apostate_request_seconds_sum", &labels, seconds(read(&meter.micros)));
            text.sample("apostate_request_seconds_count", &labels, below);
        }
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// One figure of a partition that serves.
type Figure = (&'static str, &'static str, &'static str, fn(&apostate_partition::Status) -> u64);

const FIGURES: &[Figure] = &[
    ("apostate_partition_epoch", "gauge", "Which writer of the partition this is", |status| status.epoch.0),
    ("apostate_partition_position", "gauge", "The newest durable record", |status| status.durable.0),
    ("apostate_partition_entities", "gauge", "Entities in memory", |status| status.entities as u64),
    ("apostate_partition_entity_bytes", "gauge", "What they take", |status| status.entity_bytes as u64),
    ("apostate_partition_dirty_bytes", "gauge", "Bytes that wait for a checkpoint", |status| status.dirty_bytes as u64),
    ("apostate_partition_inbox", "gauge", "Messages in inboxes", |status| status.inbox as u64),
    ("apostate_partition_outbox", "gauge", "Messages not acknowledged by other partitions", |status| {
        status.outbox as u64
    }),
    ("apostate_partition_outbox_bytes", "gauge", "Bytes of those", |status| status.outbox_bytes as u64),
    ("apostate_partition_requests", "gauge", "Requests that wait", |status| status.requests as u64),
    ("apostate_partition_parked", "gauge", "Messages parked until an operator decides", |status| status.parked as u64),
    ("apostate_partition_producers", "gauge", "Producers that it remembers the highest number of", |status| {
        status.known_producers as u64
    }),
    ("apostate_partition_timers", "gauge", "Timers that are set", |status| status.timers as u64),
    ("apostate_partition_timer_bytes", "gauge", "Memory that they take", |status| status.timer_bytes as u64),
    ("apostate_partition_timers_overdue", "gauge", "Timers that are due and not sent yet", |status| {
        status.timers_overdue as u64
    }),
    ("apostate_partition_timers_overdue_seconds", "gauge", "For how long the first of those has been due", |status| {
        status.oldest_overdue.as_secs()
    }),
    ("apostate_partition_open_asks", "gauge", "Asks between entities that have no answer yet", |status| {
        status.open_asks as u64
    }),
    ("apostate_partition_owed", "gauge", "Calls that entities answer later, and have not yet", |status| {
        status.owed as u64
    }),
    ("apostate_partition_undecided", "gauge", "Agreements proposed here that are not over", |status| {
        status.undecided as u64
    }),
    ("apostate_partition_tentative", "gauge", "Operations here that are neither confirmed nor cancelled", |status| {
        status.tentative as u64
    }),
    (
        "apostate_partition_settled",
        "gauge",
        "Operations here that were settled by hand, and whose real ending has not come or was another one",
        |status| status.settled as u64,
    ),
    (
        "apostate_partition_settled_otherwise",
        "gauge",
        "Operations here that were settled by hand against their decision",
        |status| status.settled_otherwise as u64,
    ),
    ("apostate_partition_full", "gauge", "Whether the log has no room", |status| u64::from(status.is_full)),
    ("apostate_partition_time_ahead_seconds", "gauge", "How far its time is ahead of the host's clock", |status| {
        status.time_offset.0.max(0).unsigned_abs() / 1000
    }),
    ("apostate_partition_time_behind_seconds", "gauge", "How far its time is behind the host's clock", |status| {
        status.time_offset.0.min(0).unsigned_abs() / 1000
    }),
    ("apostate_partition_messages_total", "counter", "Handler runs", |status| status.counts.messages),
    ("apostate_partition_repeated_total", "counter", "Requests answered from a client key", |status| {
        status.counts.repeated
    }),
    ("apostate_partition_refusals_ignored_total", "counter", "Refusals that their senders ignore", |status| {
        status.counts.ignored_refusals
    }),
    ("apostate_partition_late_answers_total", "counter", "Answers that came when their ask had ended", |status| {
        status.counts.late_answers
    }),
];

fn write_messages(text: &mut Text, messages: &MessageCounts) {
    let (sums, name) = (messages.sums(), "apostate_messages_total");
    text.family(
        name,
        "counter",
        "Runs of messages between entities, by kind, handler and outcome; tries again included",
    );
    for ((kind, handler), counts) in &sums {
        let HandlerCounts { done, refused, failed, parked, timed: _, took: _ } = *counts;
        for (outcome, count) in [("done", done), ("refused", refused), ("failed", failed), ("parked", parked)] {
            text.sample(name, &[("kind", kind), ("handler", handler), ("outcome", outcome)], count);
        }
    }
    let help = "How long handlers of messages between entities ran, one run in thirty-one measured";
    text.family("apostate_message_seconds", "summary", help);
    for ((kind, handler), counts) in &sums {
        let labels = [("kind", *kind), ("handler", *handler)];
        text.number("apostate_message_seconds_sum", &labels, counts.took.as_secs_f64());
        text.sample("apostate_message_seconds_count", &labels, counts.timed);
    }
}

fn write_node(text: &mut Text, node: &NodeStatus) {
    text.family("apostate_log_bytes", "gauge", "Bytes of log on disk");
    text.sample("apostate_log_bytes", &[], node.log_bytes);
    text.family("apostate_store_full", "gauge", "Whether a checkpoint waits for room on the disk");
    text.sample("apostate_store_full", &[], u64::from(node.is_store_full));
    text.family("apostate_kinds_missing", "gauge", "Kinds that the data was served with and this build lacks");
    text.sample("apostate_kinds_missing", &[], node.missing_kinds.len() as u64);
    text.family("apostate_partition_up", "gauge", "Whether the partition serves");
    for partition in &node.partitions {
        let is_up = partition.state.as_ref().is_ok_and(|status| status.is_serving);
        text.sample("apostate_partition_up", &[("partition", &partition.id.to_string())], u64::from(is_up));
    }
    for silent in &node.silent {
        text.sample("apostate_partition_up", &[("partition", &silent.to_string())], 0);
    }
    for (name, kind, help, figure) in FIGURES {
        text.family(name, kind, help);
        for partition in &node.partitions {
            if let Ok(status) = &partition.state {
                text.sample(name, &[("partition", &partition.id.to_string())], figure(status));
            }
        }
    }
}

/// Text as Prometheus reads it.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}."));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.head(name, labels);
        self.line(format_args!(" {value}"));
    }

    fn number(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.head(name, labels);
        self.line(format_args!(" {value}"));
    }

    /// No label's value has a quote in it: names of kinds and handlers fit URLs, and the rest is ours.
    fn head(&mut self, name: &str, labels: &[(&str, &str)]) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push(if index == 0 { '{' } else { ',' });
            self.part(format_args!("{label}=\"{value}\""));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
    }

    fn part(&mut self, part: std::fmt::Arguments<'_>) {
        self.0.write_fmt(part).expect("a string takes everything");
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.part(line);
        self.0.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_latency_hold_all_below_them() {
        let meters = Meters::new([("stock", "receive")].into_iter());
        meters.count(0, Outcome::Done, Duration::from_micros(500));
        meters.count(0, Outcome::Refused, Duration::from_micros(501));
        meters.count(0, Outcome::Done, Duration::from_secs(60));
        meters.answered(200);
        let text = meters.text(3, None, None, &MessageCounts::default());
        for line in [
            "apostate_requests_total{kind=\"stock\",handler=\"receive\",outcome=\"done\"} 2",
            "apostate_requests_total{kind=\"stock\",handler=\"receive\",outcome=\"refused\"} 1",
            "apostate_request_seconds_bucket{kind=\"stock\",handler=\"receive\",le=\"0.0005\"} 1",
            "apostate_request_seconds_bucket{kind=\"stock\",handler=\"receive\",le=\"10\"} 2",
            "apostate_request_seconds_bucket{kind=\"stock\",handler=\"receive\",le=\"+Inf\"} 3",
            "apostate_request_seconds_count{kind=\"stock\",handler=\"receive\"} 3",
            "apostate_request_seconds_sum{kind=\"stock\",handler=\"receive\"} 60.001001",
            "apostate_http_responses_total{status=\"200\"} 1",
            "apostate_http_connections 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_outcome_has_its_own_place() {
        for (index, (outcome, _)) in OUTCOMES.iter().enumerate() {
            assert_eq!(*outcome as usize, index);
        }
    }
}
