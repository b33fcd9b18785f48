//! A collector that keeps what it is sent.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// A collector, listening.
#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<Seen>>>,
}

/// A span, as far as these tests look at it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Seen {
    /// The value of an attribute, as text.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        attributes(&self.span.attributes).remove(name)
    }

    pub(crate) fn trace(&self) -> String {
        hex(&self.span.trace_id)
    }
}

impl Collector {
    pub(crate) fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let collector = Self { address: listener.local_addr().expect("an address"), kept: Arc::default() };
        let kept = Arc::clone(&collector.kept);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &kept));
            }
        });
        collector
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn spans(&self) -> Vec<Seen> {
        self.kept.lock().expect("no panic").clone()
    }

    /// Waits until there are so many spans of a trace.
    pub(crate) fn spans_of(&self, trace: &str, count: usize) -> Vec<Seen> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let spans: Vec<_> = self.spans().into_iter().filter(|seen| seen.trace() == trace).collect();
            if spans.len() >= count {
                return spans;
            }
            assert!(Instant::now() < until, "only {} of {count} spans came: {spans:#?}", spans.len());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Answers requests on one connection until it ends.
fn serve(stream: TcpStream, kept: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|length| length > 0) {
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        assert!(head.starts_with("POST /v1/traces "), "{head}");
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.expect("a length")];
        reader.read_exact(&mut body).expect("a body");
        keep(&body, kept);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("it is taken");
        head.clear();
    }
}

fn keep(body: &[u8], kept: &Mutex<Vec<Seen>>) {
    let request = ExportTraceServiceRequest::decode(body).expect("a request as the protocol has it");
    for group in request.resource_spans {
        let resource = attributes(&group.resource.unwrap_or_default().attributes);
        let service = resource.get("service.name").cloned().unwrap_or_default();
        let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        kept.lock().expect("no panic").extend(spans.map(|span| Seen { service: service.clone(), span }));
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |pair: &KeyValue| match pair.value.clone()?.value? {
        Value::StringValue(text) => Some(text),
        Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    pairs.iter().filter_map(|pair| Some((pair.key.clone(), text(pair)?))).collect()
}
