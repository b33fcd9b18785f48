//! Calls that are answered later, as clients see them: they wait, ask again, hear of refusals, and are told if no answer has come.

use std::thread;
use std::time::Duration;

use apostate::prelude::*;
use apostate_api::client::Client as TypedClient;
use apostate_server::{CallError, HttpSettings, Node, Serving, Settings};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Client, Response, request, settings, wait_until};

/// An entity that answers when it is told to.
#[entity(name = "office")]
#[derive(Default, Serialize, Deserialize)]
struct Office {
    taken: u32,
    waiting: Vec<Later<String>>,
}

#[handlers]
impl Office {
    /// Is answered later; within so many milliseconds, if they are said.
    #[open]
    pub fn take(&mut self, tx: &mut Tx, milliseconds: Option<u64>) -> Later<String> {
        self.taken += 1;
        let later = tx.later();
        self.waiting.push(later.clone());
        match milliseconds {
            Some(milliseconds) => later.within(Duration::from_millis(milliseconds)),
            None => later,
        }
    }

    /// Answers all, and says how many wait.
    #[open]
    pub fn give(&mut self, tx: &mut Tx, value: String) -> usize {
        self.waiting.drain(..).filter(|later| tx.answer(later.clone(), value.clone())).count()
    }

    /// Refuses all.
    #[open]
    pub fn turn_down(&mut self, tx: &mut Tx) {
        for later in self.waiting.drain(..) {
            tx.refuse(later, Refusal::with_code("closed", "come again"));
        }
    }

    /// How many calls have come.
    #[open]
    pub fn taken(&self) -> u32 {
        self.taken
    }
}

fn node(dir: &TempDir, http: HttpSettings) -> (Node, Serving) {
    let data = Settings { partitions: Some(2), ..Settings::new(dir.path().join("data")) };
    let node = Node::open::<(Office,)>(data).expect("a node");
    let serving = node.serve(http).expect("it listens");
    (node, serving)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

const TAKE: &str = "/entities/office/a/take";

/// Calls in a thread of its own, which waits.
fn call(serving: &Serving, headers: &[(&'static str, &'static str)]) -> thread::JoinHandle<Response> {
    let (address, headers) = (serving.local_addr(), headers.to_vec());
    thread::spawn(move || taken_in(|| Client::connect(address).ask("POST", TAKE, &headers, "")))
}

/// Asks again while the node has no place: a call that is answered later gives its own back soon after its change can be read, not before.
fn taken_in(mut ask: impl FnMut() -> Response) -> Response {
    // A node that stops answers with 503 too, and nobody knows then whether it was done.
    let is_turned_away = |answer: &Response| answer.status == 503 && answer.json()["code"] != "outcome-unknown";
    let mut answer = ask();
    wait_until("the node has a place", || {
        if is_turned_away(&answer) {
            answer = ask();
        }
        !is_turned_away(&answer)
    });
    answer
}

/// Waits until so many calls have come.
fn have_come(client: &mut Client, count: u32) {
    wait_until("the calls have come", || {
        let answer = client.get("/entities/office/a/taken");
        answer.status == 200 && answer.good() == json!(count)
    });
}

#[test]
fn callers_wait_for_an_answer_that_comes_later_and_take_no_place_meanwhile() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, serving) = node(&dir, HttpSettings { requests_max: 2, threads: Some(1), ..settings() });
    let mut client = Client::connect(serving.local_addr());
    let waiting: Vec<_> = (1..=6)
        .map(|count| {
            let call = call(&serving, &[]);
            have_come(&mut client, count);
            call
        })
        .collect();
    assert!(waiting.iter().all(|call| !call.is_finished()));
    let given = taken_in(|| client.post("/entities/office/a/give", r#"{"value":"here"}"#));
    assert_eq!(given.good(), json!(6));
    for call in waiting {
        let answer = call.join().expect("an answer");
        assert_eq!((answer.good(), answer.header("idempotency-replayed")), (json!("here"), None));
        assert!(answer.header("entity-version").is_some());
    }
}

#[test]
fn a_caller_asks_again_with_its_key_and_waits_on_also_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = [("idempotency-key", "one"), ("deadline-ms", "50")];
    {
        let (_node, serving) = node(&dir, settings());
        let answer = call(&serving, &key).join().expect("an answer");
        answer.problem("outcome-unknown");
        assert!(answer.text().contains("pending"), "{}", answer.text());
        let mut gone = Client::connect(serving.local_addr());
        gone.send(request("POST", TAKE, &[("idempotency-key", "one")], ""));
    }
    let (_node, serving) = node(&dir, settings());
    let mut client = Client::connect(serving.local_addr());
    let again = call(&serving, &[("idempotency-key", "one")]);
    let stranger = client.ask("POST", TAKE, &[("idempotency-key", "one")], r#"{"milliseconds":1}"#);
    stranger.problem("client-key-reused");
    assert_eq!(client.post("/entities/office/a/give", r#"{"value":"here"}"#).good(), json!(1));
    for answer in [again.join().expect("an answer"), call(&serving, &key).join().expect("an answer")] {
        assert_eq!((answer.good(), answer.header("idempotency-replayed")), (json!("here"), Some("true")));
    }
    assert_eq!(client.get("/entities/office/a/taken").good(), json!(1), "it was called once");
}

#[test]
fn an_answer_that_comes_later_may_be_a_refusal_or_never_come() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, serving) = node(&dir, settings());
    let mut client = Client::connect(serving.local_addr());
    let waiting = call(&serving, &[]);
    have_come(&mut client, 1);
    client.post("/entities/office/a/turn_down", "").good();
    let refused = waiting.join().expect("an answer");
    refused.problem("refused");
    assert!(refused.text().contains("come again"), "{}", refused.text());
    for replayed in [None, Some("true")] {
        let late = client.ask("POST", TAKE, &[("idempotency-key", "late")], r#"{"milliseconds":20}"#);
        late.problem("answer-expired");
        assert_eq!((late.status, late.header("idempotency-replayed")), (504, replayed));
    }
    let document = client.get("/openapi.json").good();
    let take = &document["paths"]["/entities/office/{key}/take"]["post"]["responses"];
    assert_eq!(take["200"]["content"]["application/json"]["schema"], json!({ "type": "string" }));
    assert!(take["504"]["description"].as_str().is_some_and(|told| told.contains("[`answer-expired`]")), "{take}");
}

#[test]
fn who_prefers_not_to_wait_is_told_that_it_is_durable() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, serving) = node(&dir, settings());
    let mut client = Client::connect(serving.local_addr());
    let answer = client.ask("POST", TAKE, &[("prefer", "respond-async"), ("idempotency-key", "one")], "");
    assert_eq!(answer.status, 202);
    assert_eq!(client.post("/entities/office/a/give", r#"{"value":"here"}"#).good(), json!(1));
    assert_eq!(client.ask("POST", TAKE, &[("idempotency-key", "one")], "").good(), json!("here"));
}

#[test]
fn a_node_that_stops_tells_those_that_wait_to_ask_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let (node, serving) = node(&dir, settings());
    let mut client = Client::connect(serving.local_addr());
    let waiting = call(&serving, &[("idempotency-key", "one")]);
    have_come(&mut client, 1);
    drop(client);
    serving.stop();
    waiting.join().expect("an answer").problem("outcome-unknown");
    drop(node);
}

#[test]
fn a_client_in_the_process_waits_as_a_thread_or_as_a_task() {
    let dir = tempfile::tempdir().expect("a directory");
    let (node, serving) = node(&dir, settings());
    let client = node.client();
    client.send(Office::at("a").take(None)).wait().expect("it does not wait for the answer");
    let started = client.call(Office::at("a").take(None)).start();
    let other = client.clone();
    let blocked = thread::spawn(move || other.call(Office::at("a").take(None)).wait());
    let other = client.clone();
    let task = thread::spawn(move || block_on(async { other.call(Office::at("a").take(None)).with_key("one").await }));
    let typed = TypedClient::new(&format!("http://{}", serving.local_addr())).expect("a client");
    let remote = thread::spawn(move || block_on(async { typed.call(Office::at("a").take(None)).await }));
    wait_until("all have come", || client.read(Office::at("a").taken()).wait() == Ok(5));
    assert_eq!(client.call(Office::at("a").give("here".to_owned())).wait(), Ok(5));
    assert_eq!(started.wait().as_deref(), Ok("here"));
    for waiting in [blocked, task] {
        assert_eq!(waiting.join().expect("it ends").as_deref(), Ok("here"));
    }
    assert_eq!(remote.join().expect("it ends").expect("an answer"), "here");
    let late = client.call(Office::at("a").take(Some(1))).wait();
    assert!(matches!(&late, Err(CallError::Expired { entity }) if entity == "office/a"), "{late:?}");
    let unanswered = client.call(Office::at("a").take(None)).start();
    wait_until("it has come", || client.read(Office::at("a").taken()).wait() == Ok(7));
    drop((serving, node));
    assert!(matches!(unanswered.wait(), Err(CallError::Unknown { .. } | CallError::Closed)));
}
