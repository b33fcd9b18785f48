//! A trace follows a request through all that comes of it, in every partition, to a collector.

#[path = "traces/collector.rs"]
mod collector;
mod common;

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apostate::prelude::*;
use apostate_server::{HttpSettings, Node, Serving, Settings, Share, TraceSettings};
use collector::{Collector, Seen, hex};
use common::Stock;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// A gate: a caller waits until it is open.
#[entity(name = "gate")]
#[derive(Default, Serialize, Deserialize)]
struct Gate {
    passed: u32,
}

static IS_WAITED_FOR: AtomicBool = AtomicBool::new(false);
static IS_OPEN: AtomicBool = AtomicBool::new(false);

#[handlers]
impl Gate {
    /// Waits, and passes.
    #[open]
    pub fn pass(&mut self) {
        IS_WAITED_FOR.store(true, Ordering::Release);
        while !IS_OPEN.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.passed += 1;
    }
}

/// A node with two partitions that sends traces somewhere.
struct Followed {
    // In the order in which they go.
    serving: Serving,
    node: Node,
    _dir: tempfile::TempDir,
}

impl Followed {
    fn by(url: &str, share: f64) -> Self {
        Self::guarded(url, share, None)
    }

    /// A node that wants this token, if there is one.
    fn guarded(url: &str, share: f64, token: Option<&str>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let traces = TraceSettings {
            share: Share::of(share).expect("a share"),
            service: "the shop".to_owned(),
            ..TraceSettings::new(url)
        };
        let data = dir.path().join("data");
        let settings =
            Settings { partitions: Some(2), segment_bytes: 1 << 20, traces: Some(traces), ..Settings::new(data) };
        let node = Node::open::<(Stock, Gate)>(settings).expect("a node");
        let http = HttpSettings { token: token.map(str::to_owned), ..HttpSettings::at(([127, 0, 0, 1], 0).into()) };
        let serving = node.serve(http).expect("it listens");
        Self { serving, node, _dir: dir }
    }

    fn post(&self, path: &str, traceparent: Option<&str>, body: &str) -> u16 {
        let parent = traceparent.map(|parent| ("traceparent", parent));
        self.post_with(path, parent.as_slice(), body)
    }

    fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let url = format!("http://{}{path}", self.serving.local_addr());
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = agent.post(&url).header("producer", "till");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.send(body).expect("an answer");
        answer.body_mut().read_to_string().expect("all of it");
        answer.status().as_u16()
    }

    fn stop(self) {
        let Self { serving, mut node, _dir } = self;
        serving.stop();
        node.stop().expect("in good order");
    }

    /// The count of spans with this outcome.
    fn counted(&self, outcome: &str) -> u64 {
        let url = format!("http://{}/metrics", self.serving.local_addr());
        let text = ureq::get(&url).call().expect("an answer").body_mut().read_to_string().expect("text");
        let line = format!("apostate_spans_total{{outcome=\"{outcome}\"}} ");
        let count = text.lines().find_map(|other| other.strip_prefix(&line));
        count.expect("it is counted").parse().expect("a number")
    }
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

/// Two keys whose entities live in different partitions.
fn keys_apart() -> (String, String) {
    let half = |key: &String| Stock::at(key).available().to.expect("a key").hash() >> 63;
    let keys = || (0..).map(|number| format!("item {number}"));
    let find = |wanted| keys().find(|key| half(key) == wanted).expect("a key in each half");
    (find(0), find(1))
}

fn one<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|seen| seen.span.name == name);
    match (found.next(), found.next()) {
        (Some(one), None) => one,
        _ => panic!("not one `{name}` in {spans:#?}"),
    }
}

#[test]
fn a_request_over_http_is_followed_into_the_other_partition() {
    let collector = Collector::listen();
    let node = Followed::by(&collector.url(), 1.0);
    let (near, far) = keys_apart();
    let client = node.node.client();
    client.call(Stock::at(&near).receive(5)).wait().expect("received");
    let body = format!(r#"{{"to":"{far}","units":2}}"#);
    let path = format!("/entities/stock/{}/pass", near.replace(' ', "%20"));
    assert_eq!(node.post(&path, Some(&parent("01")), &body), 200);
    let spans = collector.spans_of(TRACE, 3);
    let (request, passed, received) =
        (one(&spans, "POST /entities/stock/{key}/pass"), one(&spans, "stock.pass"), one(&spans, "stock.receive"));
    assert_eq!(hex(&request.span.parent_span_id), CALLER);
    assert_eq!(passed.span.parent_span_id, request.span.span_id);
    assert_eq!(received.span.parent_span_id, passed.span.span_id);
    assert!(spans.iter().all(|seen| seen.service == "the shop"));
    let said = |seen: &Seen, name| seen.attribute(name).unwrap_or_default();
    assert_eq!(said(request, "http.response.status_code"), "200");
    assert_eq!(said(passed, "apostate.entity"), format!("stock/{near}"));
    assert_eq!(said(received, "apostate.entity"), format!("stock/{far}"));
    assert_eq!(said(received, "apostate.sender"), format!("stock/{near}"));
    assert_ne!(said(passed, "apostate.partition"), said(received, "apostate.partition"));
    for (run, earlier) in [(passed, request), (received, passed)] {
        assert_eq!(said(run, "apostate.outcome"), "done");
        assert!(earlier.span.start_time_unix_nano <= run.span.start_time_unix_nano);
        let ended = run.span.events[0].time_unix_nano;
        assert!(run.span.start_time_unix_nano <= ended && ended <= run.span.end_time_unix_nano);
    }
    // A message leaves when its transaction is durable.
    assert!(passed.span.end_time_unix_nano <= received.span.end_time_unix_nano);
    node.stop();
}

#[test]
fn a_refusal_and_a_panic_say_what_they_were() {
    let collector = Collector::listen();
    let node = Followed::by(&collector.url(), 0.0);
    assert_eq!(node.post("/entities/stock/tea/take", Some(&parent("01")), r#"{"units":7}"#), 409);
    assert_eq!(node.post("/entities/stock/tea/fumble", Some(&parent("01")), r#"{"units":13}"#), 500);
    let spans = collector.spans_of(TRACE, 4);
    let (taken, fumbled) = (one(&spans, "stock.take"), one(&spans, "stock.fumble"));
    assert_eq!(taken.attribute("apostate.refusal").as_deref(), Some("only 0 left"));
    assert_eq!(taken.attribute("apostate.outcome").as_deref(), Some("refused"));
    assert_eq!(taken.span.status.clone().unwrap_or_default().code, 0, "a refusal is an answer");
    let status = fumbled.span.status.clone().expect("a status");
    assert!(status.code == 2 && status.message.contains("unlucky number"), "{status:?}");
    node.stop();
}

#[test]
fn a_caller_decides_whether_its_request_is_followed_and_chance_does_for_the_others() {
    let collector = Collector::listen();
    for (share, followed) in [(0.0, 0), (1.0, 2)] {
        let node = Followed::by(&collector.url(), share);
        let before = collector.spans().len();
        assert_eq!(node.post("/entities/stock/tea/receive", Some(&parent("00")), r#"{"units":1}"#), 200);
        assert_eq!(node.post("/entities/stock/tea/receive", None, r#"{"units":1}"#), 200);
        assert_eq!(node.post("/entities/stock/tea/receive", Some("nonsense"), r#"{"units":1}"#), 200);
        // What is followed is sent before the node is gone.
        node.stop();
        let spans = collector.spans().split_off(before);
        let roots: Vec<_> = spans.iter().filter(|seen| seen.span.parent_span_id.is_empty()).collect();
        assert_eq!((roots.len(), spans.len()), (followed, 2 * followed), "{spans:#?}");
        assert!(roots.iter().all(|seen| seen.trace() != TRACE));
    }
}

#[test]
fn a_request_without_the_token_leaves_no_trace() {
    let collector = Collector::listen();
    let node = Followed::guarded(&collector.url(), 1.0, Some("correct-horse-battery-staple"));
    let (path, body, parent) = ("/entities/stock/tea/receive", r#"{"units":1}"#, parent("01"));
    let (asked, wrong) = (("traceparent", parent.as_str()), ("authorization", "Bearer wrong-horse-battery-staple"));
    for headers in [&[][..], &[asked], &[wrong], &[asked, wrong]] {
        assert_eq!(node.post_with(path, headers, body), 401);
    }
    let right = ("authorization", "Bearer correct-horse-battery-staple");
    assert_eq!(node.post_with(path, &[asked, right], body), 200);
    // What is followed is sent before the node is gone.
    node.stop();
    let spans = collector.spans();
    one(&spans, "POST /entities/stock/{key}/receive");
    one(&spans, "stock.receive");
    assert_eq!(spans.len(), 2, "{spans:#?}");
}

#[test]
fn messages_of_a_stream_are_part_of_their_senders_trace() {
    let collector = Collector::listen();
    let node = Followed::by(&collector.url(), 0.0);
    let line =
        |number| format!(r#"{{"number":{number},"entity":"stock/tea","handler":"receive","arguments":{{"units":1}}}}"#);
    let lines: Vec<_> = (1..=3).map(line).collect();
    assert_eq!(node.post("/messages", Some(&parent("01")), &lines.join("\n")), 200);
    let spans = collector.spans_of(TRACE, 3);
    assert!(spans.iter().all(|seen| seen.span.name == "stock.receive" && hex(&seen.span.parent_span_id) == CALLER));
    node.stop();
}

#[test]
fn a_collector_that_is_not_there_costs_spans_and_nothing_else() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).expect("a free port").local_addr().expect("an address");
    let node = Followed::by(&format!("http://{nobody}"), 1.0);
    for _ in 0..5 {
        assert_eq!(node.post("/entities/stock/tea/receive", None, r#"{"units":1}"#), 200);
    }
    let until = Instant::now() + Duration::from_secs(60);
    while node.counted("failed") == 0 {
        assert!(Instant::now() < until, "nobody counts what is lost");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(node.counted("sent"), 0);
    node.stop();
}

#[test]
fn a_caller_who_leaves_before_the_answer_is_seen_to_have_left() {
    let collector = Collector::listen();
    let node = Followed::by(&collector.url(), 0.0);
    let mut leaving = TcpStream::connect(node.serving.local_addr()).expect("a connection");
    let head = format!(
        "POST /entities/gate/front/pass HTTP/1.1\r\nhost: localhost\r\ntraceparent: {}\r\ncontent-length: 0\r\n\r\n",
        parent("01")
    );
    leaving.write_all(head.as_bytes()).expect("it is taken");
    let until = Instant::now() + Duration::from_secs(60);
    while !IS_WAITED_FOR.load(Ordering::Acquire) {
        assert!(Instant::now() < until, "nobody comes to the gate");
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(leaving);
    let spans = collector.spans_of(TRACE, 1);
    let left = one(&spans, "POST /entities/gate/{key}/pass");
    let status = left.span.status.clone().expect("a status");
    assert_eq!((left.attribute("http.response.status_code"), status.code), (None, 2), "{status:?}");
    // What it asked for was begun, and is done all the same.
    IS_OPEN.store(true, Ordering::Release);
    let spans = collector.spans_of(TRACE, 2);
    assert_eq!(
        one(&spans, "gate.pass").span.parent_span_id,
        one(&spans, "POST /entities/gate/{key}/pass").span.span_id
    );
    node.stop();
}
