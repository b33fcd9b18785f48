//! What operators and their programs see.

use std::time::Duration;

use apostate_server::{Node, Settings};

use crate::support::{App, Client, Gate, OpenAtLast, Server, request, settings, wait_until};

#[test]
fn what_entities_do_to_each_other_is_counted_by_handler() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = Settings {
        partitions: Some(2),
        segment_bytes: 1 << 20,
        retry_time_max: Duration::ZERO,
        ..Settings::new(dir.path().join("data"))
    };
    let node = Node::open::<App>(settings).expect("a node");
    let serving = node.serve(crate::support::settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    for other in 0..100 {
        client.post("/entities/stock/tea/hand_over", &format!(r#"{{"other":"{other}"}}"#)).good();
    }
    client.post("/entities/stock/tea/jinx", r#"{"other":"coffee"}"#).good();
    let lines =
        |client: &mut Client| -> Vec<String> { client.get("/metrics").text().lines().map(str::to_owned).collect() };
    let of = |handler: &str, outcome: &str, count: u64| {
        format!(r#"apostate_messages_total{{kind="stock",handler="{handler}",outcome="{outcome}"}} {count}"#)
    };
    for line in [of("take_over", "done", 50), of("take_over", "refused", 50), of("stumble", "parked", 1)] {
        wait_until(&line, || lines(&mut client).contains(&line));
    }
    let lines = lines(&mut client);
    let seconds = r#"apostate_message_seconds_count{kind="stock",handler="take_over"} "#;
    let measured = lines.iter().find_map(|line| line.strip_prefix(seconds)).expect("it was measured");
    assert!((1..=50).contains(&measured.parse::<u64>().expect("a count")), "one run in thirty-one: {measured}");
    assert!(!lines.iter().any(|line| line.starts_with("apostate_messages_total") && line.contains("\"receive\"")));
}

#[test]
fn a_node_says_what_it_is_and_how_it_is() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    let welcome = client.get("/");
    assert!(
        welcome.text().contains("/entities/stock") && welcome.text().contains("/openapi.json"),
        "{}",
        welcome.text()
    );
    assert_eq!(client.get("/health").good()["status"], "alive");
    assert_eq!(client.get("/ready").good()["status"], "ready");
    let node = client.get("/partitions").good();
    let partitions = node["partitions"].as_array().expect("partitions");
    assert_eq!(partitions.len(), 2);
    assert_eq!((&partitions[0]["first"], &partitions[1]["last"]), (&"0".repeat(16).into(), &"f".repeat(16).into()));
    assert!(partitions.iter().all(|partition| partition["is_serving"] == true));
}

#[test]
fn what_happens_is_counted() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":5}"#);
    client.post("/entities/stock/tea/take", r#"{"units":9}"#);
    client.post("/entities/stock/tea/take", r#"{"units":"nine"}"#);
    client.get("/entities/stock/tea/available");
    client.get("/entities/stock/tea");
    let metrics = client.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = metrics.text();
    for line in [
        "apostate_requests_total{kind=\"stock\",handler=\"receive\",outcome=\"done\"} 1",
        "apostate_requests_total{kind=\"stock\",handler=\"take\",outcome=\"refused\"} 1",
        "apostate_requests_total{kind=\"stock\",handler=\"take\",outcome=\"invalid\"} 1",
        "apostate_requests_total{kind=\"stock\",handler=\"available\",outcome=\"done\"} 1",
        "apostate_requests_total{kind=\"stock\",handler=\"(state)\",outcome=\"done\"} 1",
        "apostate_request_seconds_count{kind=\"stock\",handler=\"receive\"} 1",
        "apostate_http_responses_total{status=\"409\"} 1",
        "apostate_http_connections 1",
        "apostate_partition_up{partition=\"1\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    for name in ["position", "epoch", "inbox", "outbox", "parked", "entities", "entity_bytes", "refusals_ignored_total"]
    {
        assert!(text.contains(&format!("\napostate_partition_{name}{{partition=\"1\"}} ")), "{name} is not in\n{text}");
    }
}

#[test]
fn who_hangs_up_before_the_answer_is_counted() {
    let server = Server::start();
    let mut impatient = server.client();
    impatient.send(request("POST", "/entities/slow/a/pass", &[], r#"{"gate":"hangs up"}"#));
    wait_until("it is under way", || Gate::is_waited_for("hangs up"));
    drop(impatient);
    // The metrics wait for a partition that does not say how it is, and come without it.
    let mut client = server.client();
    let gone = "apostate_requests_total{kind=\"slow\",handler=\"pass\",outcome=\"gone\"} 1";
    wait_until("it is counted", || client.get("/metrics").text().lines().any(|line| line == gone));
    Gate::open("hangs up");
}

#[test]
fn the_description_has_every_open_handler() {
    let server = Server::start();
    let description = server.client().get("/openapi.json").good();
    let paths = description["paths"].as_object().expect("paths");
    assert!(paths["/entities/stock/{key}/receive"]["post"].is_object());
    assert!(paths["/entities/stock/{key}/available"]["get"].is_object());
    assert!(!paths.contains_key("/entities/stock/{key}/stumble"));
}

/// The parked messages.
fn parked(client: &mut Client) -> Vec<serde_json::Value> {
    client.get("/parked").good()["items"].as_array().expect("items").clone()
}

#[test]
fn parked_messages_are_listed_shown_retried_and_dismissed() {
    let dir = tempfile::tempdir().expect("a directory");
    let retry_time_max = Duration::from_millis(1);
    let node =
        Node::open::<App>(Settings { partitions: Some(2), retry_time_max, ..Settings::new(dir.path().join("data")) });
    let node = node.expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    assert_eq!(parked(&mut client), Vec::<serde_json::Value>::new());
    for other in ["a/b", "milk"] {
        let body = format!(r#"{{"other":"{other}","gate":"decided at once"}}"#);
        client.post("/entities/stock/tea/jinx_until", &body);
    }
    wait_until("both are parked", || parked(&mut client).len() == 2);
    let items = parked(&mut client);
    for item in &items {
        assert_eq!(
            (&item["kind"], &item["handler"], &item["from"]),
            (&"stock".into(), &"stumble_until".into(), &"stock/tea".into())
        );
        assert!(item["reason"].as_str().expect("text").contains("it stumbled"), "{item}");
        assert_eq!(item["arguments"], serde_json::json!({ "gate": "decided at once" }));
        let id = item["id"].as_str().expect("an id");
        assert_eq!(&client.get(&format!("/parked/{id}")).good(), item);
    }
    let id = |key: &str| {
        let item = items.iter().find(|item| item["key"] == key).expect("it is parked");
        item["id"].as_str().expect("an id").to_owned()
    };
    Gate::open("decided at once");
    assert_eq!(client.post(&format!("/parked/{}/retry", id("a/b")), "").status, 204);
    wait_until("it was applied", || client.get("/entities/stock/a%2Fb").status == 200);
    assert_eq!(client.get("/entities/stock/a%2Fb").good()["state"]["on_hand"], 100);
    assert_eq!(client.ask("DELETE", &format!("/parked/{}", id("milk")), &[], "").status, 204);
    assert_eq!(parked(&mut client), Vec::<serde_json::Value>::new());
    client.get("/entities/stock/milk").problem("entity-missing");
    for key in ["a/b", "milk"] {
        client.post(&format!("/parked/{}/retry", id(key)), "").problem("parked-missing");
        client.ask("DELETE", &format!("/parked/{}", id(key)), &[], "").problem("parked-missing");
        client.get(&format!("/parked/{}", id(key))).problem("parked-missing");
    }
    client.get("/parked/x").problem("parked-missing");
}

/// A later build, whose author has dropped what panicked.
mod later {
    use apostate::prelude::*;

    /// Of the handlers of stock one is left.
    #[entity(name = "stock")]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct Stock {
        rests: u64,
    }

    #[handlers]
    impl Stock {
        /// Does nothing.
        #[open]
        pub fn rest(&mut self) {
            self.rests += 1;
        }
    }

    /// Of all kinds none is left but a new one.
    #[entity(name = "novelty")]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct Novelty {
        looks: u64,
    }

    #[handlers]
    impl Novelty {
        /// Does nothing either.
        #[open]
        pub fn look(&mut self) {
            self.looks += 1;
        }
    }
}

#[test]
fn a_parked_message_that_the_build_cannot_apply_is_not_retried_and_can_be_dismissed() {
    let dir = tempfile::tempdir().expect("a directory");
    let retry_time_max = Duration::from_millis(1);
    let as_set = || Settings { partitions: Some(2), retry_time_max, ..Settings::new(dir.path().join("data")) };
    let node = Node::open::<App>(as_set()).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    let body = r#"{"other":"milk","gate":"never opened"}"#;
    client.post("/entities/stock/tea/jinx_until", body);
    wait_until("it is parked", || parked(&mut client).len() == 1);
    drop((serving, node));
    let unlucky: [fn(Settings) -> Result<Node, _>; 2] =
        [Node::open::<(later::Novelty,)>, Node::open::<(later::Stock,)>];
    for (open, code) in unlucky.into_iter().zip(["kind-missing", "handler-missing"]) {
        let node = open(as_set()).expect("a node");
        let serving = node.serve(settings()).expect("it listens");
        let mut client = Client::connect(serving.local_addr());
        let item = parked(&mut client).pop().expect("it is parked");
        let path = format!("/parked/{}", item["id"].as_str().expect("an id"));
        let answer = client.post(&format!("{path}/retry"), "");
        answer.problem(code);
        assert!(answer.text().contains("start a build that has it, or dismiss it"), "{}", answer.text());
        let document = client.get("/openapi.json").good();
        let told = &document["paths"]["/parked/{id}/retry"]["post"]["responses"]["404"]["description"];
        assert!(told.as_str().is_some_and(|told| told.contains(&format!("[`{code}`]"))), "{told}");
        assert_eq!(parked(&mut client), [item], "it stays parked, under its number");
        if code == "handler-missing" {
            assert_eq!(client.ask("DELETE", &path, &[], "").status, 204);
            assert_eq!(parked(&mut client), Vec::<serde_json::Value>::new());
        }
    }
}

/// As for a call that was begun: it is carried out all the same, once, and whoever repeats it is told so.
#[test]
fn what_an_operator_decided_has_an_unknown_outcome_at_its_deadline() {
    let dir = tempfile::tempdir().expect("a directory");
    let retry_time_max = Duration::from_millis(1);
    let node =
        Node::open::<App>(Settings { partitions: Some(1), retry_time_max, ..Settings::new(dir.path().join("data")) });
    let node = node.expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    for other in ["retried", "dismissed"] {
        let body = format!(r#"{{"other":"{other}","gate":"decided late"}}"#);
        client.post("/entities/stock/tea/jinx_until", &body);
    }
    wait_until("both are parked", || parked(&mut client).len() == 2);
    let mut items = parked(&mut client);
    items.sort_by_key(|item| item["key"] == "dismissed");
    let path = |item: &serde_json::Value| format!("/parked/{}", item["id"].as_str().expect("an id"));
    let commands = [("POST", path(&items[0]) + "/retry"), ("DELETE", path(&items[1]))];
    let mut holder = Client::connect(serving.local_addr());
    holder.send(request("POST", "/entities/slow/holder/pass", &[], r#"{"gate":"decides"}"#));
    let _open = OpenAtLast("decides");
    wait_until("the partition's thread waits", || Gate::is_waited_for("decides"));
    for (method, path) in &commands {
        client.ask(method, path, &[("deadline-ms", "soon")], "").problem("bad-header");
        client.ask(method, path, &[("deadline-ms", "30")], "").problem("outcome-unknown");
    }
    Gate::open("decided late");
    Gate::open("decides");
    assert_eq!(holder.response().good(), 1);
    for (method, path) in &commands {
        client.ask(method, path, &[("deadline-ms", "60000")], "").problem("parked-missing");
    }
    wait_until("it was applied", || client.get("/entities/stock/retried").status == 200);
    assert_eq!(client.get("/entities/stock/retried").good()["state"]["on_hand"], 100);
    client.get("/entities/stock/dismissed").problem("entity-missing");
}

#[test]
fn a_parked_message_that_panics_when_it_is_read_hides_no_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let retry_time_max = Duration::from_millis(1);
    let node = Node::open::<App>(Settings { retry_time_max, ..Settings::new(dir.path().join("data")) });
    let node = node.expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    client.post("/entities/stock/tea/lay", r#"{"other":"minefield"}"#);
    client.post("/entities/stock/tea/jinx", r#"{"other":"beside it"}"#);
    wait_until("both are parked", || parked(&mut client).len() == 2);
    let items = parked(&mut client);
    let mine = items.iter().find(|item| item["handler"] == "tread").expect("it is listed");
    assert!(mine["arguments"].is_null() && mine["reason"].as_str().expect("text").contains("it goes off"), "{mine}");
    let id = mine["id"].as_str().expect("an id");
    assert_eq!(&client.get(&format!("/parked/{id}")).good(), mine);
    assert_eq!(client.ask("DELETE", &format!("/parked/{id}"), &[], "").status, 204);
    assert_eq!(parked(&mut client).len(), 1);
}

#[test]
fn parked_messages_are_listed_page_by_page() {
    let dir = tempfile::tempdir().expect("a directory");
    let retry_time_max = Duration::from_millis(1);
    let node =
        Node::open::<App>(Settings { partitions: Some(3), retry_time_max, ..Settings::new(dir.path().join("data")) });
    let node = node.expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let mut client = Client::connect(serving.local_addr());
    for number in 0..7 {
        client.post("/entities/stock/tea/jinx", &format!(r#"{{"other":"page-{number}"}}"#));
    }
    wait_until("all are parked", || parked(&mut client).len() == 7);
    let whole = parked(&mut client);
    for limit in [1, 2, 6, 7] {
        let (mut items, mut after, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = client.get(&format!("/parked?limit={limit}&after={after}")).good();
            let found = page["items"].as_array().expect("items");
            assert!(found.len() <= limit);
            items.extend(found.clone());
            pages += 1;
            let Some(next) = page["next"].as_str() else { break };
            after = next.to_owned();
        }
        assert_eq!((&items, pages), (&whole, 7 / limit + 1), "pages of {limit}");
    }
    for (query, code) in
        [("limit=0", "bad-query"), ("limit=1001", "bad-query"), ("after=x", "bad-cursor"), ("to=1", "bad-query")]
    {
        client.get(&format!("/parked?{query}")).problem(code);
    }
}
