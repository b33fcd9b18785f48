//! Span sender: one thread that takes spans from the queue and gives them to the collector.
//!
//! It gathers for a second or until there are enough for one request. A collector that does not answer loses the spans of the request; those
//! that wait meanwhile are bounded by the queue. A failure is logged once, and once more when it is over.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use apostate_core::Registry;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use opentelemetry::InstrumentationScope;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::runtime::Runtime;
use tracing::{info, warn};

use crate::settings::{SettingsError, TraceSettings};
use crate::traces::queue::{SpanCounts, SpanRecord};
use crate::traces::spans::Spans;

/// Most spans of one request.
const BATCH_SPANS: usize = 1024;

/// Time that a span waits for others to be sent with it.
const GATHERING: Duration = Duration::from_secs(1);

/// Time that the collector may take for one request.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time that a stop waits for the collector.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// Time between two checks whether the end has come.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The sender of spans, before its thread begins.
pub(crate) struct SpanSender {
    collector: String,
    exporter: SpanExporter,
    runtime: Runtime,
    records: Receiver<SpanRecord>,
    registry: Arc<Registry>,
    counts: Arc<SpanCounts>,
    is_failing: bool,
}

impl SpanSender {
    /// A sender to the collector that `settings` name. It connects when it has something to send.
    pub(crate) fn new(
        settings: &TraceSettings,
        records: Receiver<SpanRecord>,
        registry: Arc<Registry>,
        counts: Arc<SpanCounts>,
    ) -> Result<Self, SettingsError> {
        let collector = settings.endpoint()?;
        let unusable = |error: String| SettingsError {
            setting: "traces",
            value: format!("`{}`", settings.collector),
            allowed: format!("another collector ({error})"),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&collector)
            .with_timeout(PATIENCE)
            .build();
        let mut exporter = exporter.map_err(|error| unusable(error.to_string()))?;
        exporter.set_resource(&resource(&settings.service));
        let runtime = runtime.map_err(|error| unusable(error.to_string()))?;
        Ok(Self { collector, exporter, runtime, records, registry, counts, is_failing: false })
    }

    /// The body of the sender's thread: sends until `stop` is dropped, and then what is left.
    pub(crate) fn run(mut self, stop: &Receiver<()>) {
        let mut gathered = Vec::new();
        let mut since = Instant::now();
        let mut last: Option<Instant> = None;
        loop {
            if last.is_none() && stop.try_recv().is_err_and(|error| error.is_disconnected()) {
                last = Some(Instant::now() + LAST_PATIENCE);
            }
            match self.records.recv_timeout(if last.is_some() { Duration::ZERO } else { POLL_INTERVAL }) {
                Ok(record) => {
                    if gathered.is_empty() {
                        since = Instant::now();
                    }
                    gathered.push(record);
                    gathered.extend(self.records.try_iter().take(BATCH_SPANS - gathered.len()));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => last = last.or(Some(Instant::now() + LAST_PATIENCE)),
            }
            let is_last = last.is_some() && self.records.is_empty();
            let is_due = gathered.len() >= BATCH_SPANS || since.elapsed() >= GATHERING || last.is_some();
            if is_due && !gathered.is_empty() {
                let until = last.unwrap_or_else(|| Instant::now() + PATIENCE);
                self.send(std::mem::take(&mut gathered), until);
            }
            if is_last || last.is_some_and(|last| last <= Instant::now()) {
                self.counts.dropped.fetch_add(self.records.len() as u64, Ordering::Relaxed);
                return;
            }
        }
    }

    fn send(&mut self, gathered: Vec<SpanRecord>, until: Instant) {
        let count = gathered.len() as u64;
        let scope = InstrumentationScope::builder("apostate").with_version(env!("CARGO_PKG_VERSION")).build();
        let spans = Spans { registry: &self.registry, scope };
        let batch = gathered.into_iter().map(|record| spans.of(record)).collect();
        let patience = until.saturating_duration_since(Instant::now());
        let exporter = &self.exporter;
        let sent = self.runtime.block_on(async { tokio::time::timeout(patience, exporter.export(batch)).await });
        let failure = match sent {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {patience:?}")),
        };
        let counted = if failure.is_none() { &self.counts.sent } else { &self.counts.failed };
        counted.fetch_add(count, Ordering::Relaxed);
        let was_failing = std::mem::replace(&mut self.is_failing, failure.is_some());
        let collector = &self.collector;
        match failure {
            Some(reason) if !was_failing => {
                warn!(collector, reason, "cannot send traces to the collector; they are dropped until it answers");
            }
            None if was_failing => info!(collector, "traces are sent to the collector again"),
            _ => {}
        }
    }
}

/// The name of the application, and the rest that the variables of OpenTelemetry say of it.
fn resource(service: &str) -> Resource {
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty());
    let resource = Resource::builder();
    if named { resource.build() } else { resource.with_service_name(service.to_owned()).build() }
}
