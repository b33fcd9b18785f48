//! Streams of numbered messages: both ways at once, each applied once, resumable.

use std::io::Write;
use std::time::Duration;

use apostate_core::EntityKey;
use apostate_server::HttpSettings;
use serde_json::{Value, json};

use crate::support::{Client, Gate, OpenAtLast, Server, Slow, settings, wait_until};

fn line(number: u64, entity: &str, handler: &str, arguments: &Value) -> String {
    json!({ "number": number, "entity": entity, "handler": handler, "arguments": arguments }).to_string() + "\n"
}

fn receive(number: u64) -> String {
    line(number, &format!("stock/product-{}", number % 7), "receive", &json!({ "units": 1 }))
}

/// Sends a whole stream, and gives its results by number.
fn send(client: &mut Client, producer: &str, body: &str) -> Vec<Value> {
    let headers = [("producer", producer), ("content-type", "application/x-ndjson")];
    let answer = client.ask("POST", "/messages", &headers, body);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("application/x-ndjson")),
        "{}",
        answer.text()
    );
    let mut lines = answer.lines();
    lines.sort_by_key(|line| line["number"].as_u64().unwrap_or(u64::MAX));
    lines
}

/// A key of a slow entity that is in another partition than `slow/other`, of two.
fn held_by_the_other_partition() -> String {
    let half = |key: &str| {
        let key = EntityKey::new(key).expect("a key");
        apostate_core::ring_hash(apostate_core::KindId::of("slow"), &key) >> 63
    };
    (0..).map(|number| format!("held-{number}")).find(|key| half(key) != half("other")).expect("there are many")
}

fn total(client: &mut Client) -> u64 {
    let page = client.get("/entities/stock?limit=1000").good();
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["state"]["on_hand"].as_u64().expect("a number")).sum()
}

#[test]
fn each_line_has_its_result() {
    let server = Server::start();
    let mut client = server.client();
    let body = [
        line(1, "stock/tea", "receive", &json!({ "units": 5 })),
        line(2, "stock/tea", "take", &json!({ "units": 9 })),
        line(4, "stock/tea", "close", &json!({})),
        "\n".to_owned(),
        r#"{"number":5,"entity":{"kind":"stock","key":"a/b"},"handler":"receive","arguments":{"units":2}}"#.to_owned()
            + "\n",
        r#"{"number":10,"entity":"stock/a/b","handler":"annotate","arguments":{"bytes":3}}"#.to_owned(),
    ];
    let expected = [
        json!({ "number": 1, "result": "done", "reply": 5 }),
        json!({ "number": 2, "result": "refused", "code": "out-of-stock", "text": "only 5 left" }),
        json!({ "number": 4, "result": "done" }),
        json!({ "number": 5, "result": "done", "reply": 2 }),
        json!({ "number": 10, "result": "done" }),
    ];
    assert_eq!(send(&mut client, "till", &body.concat()), expected);
    assert_eq!(client.get("/entities/stock/a%2Fb").good()["state"]["on_hand"], 2);
}

/// However many partitions there are, and over restarts: a message that cannot be taken ends the stream, none behind it is taken, and
/// righted it is done under its number.
#[test]
fn a_message_that_cannot_be_taken_ends_the_stream_and_its_number_is_not_passed_over() {
    let wrong = [
        (line(3, "stock/three", "receive", &json!({ "units": "six" })), "bad-json"),
        (line(3, "ghost/three", "boo", &json!({})), "kind-missing"),
        (line(3, "stock/three", "weigh", &json!({})), "handler-missing"),
        (line(3, "stock/three", "available", &json!({})), "read-is-get"),
        (line(3, "stock/three", "stumble", &json!({})), "handler-not-open"),
        (line(3, "stock/three", "reserve", &json!({ "units": 1 })), "tentative-is-proposed"),
        (line(3, "stock", "receive", &json!({})), "bad-key"),
    ];
    for partitions in [1, 2, 7] {
        let mut server = Server::with(partitions, settings());
        let mut expected = 0;
        for (wrong, code) in &wrong {
            let mut client = server.client();
            let one = |number, key: &str| line(number, &format!("stock/{key}"), "receive", &json!({ "units": 1 }));
            let (begin, end) = (one(1, "one") + &one(2, "two"), one(4, "two") + &one(5, "five"));
            let results = send(&mut client, code, &format!("{begin}{wrong}{end}"));
            assert_eq!(results.len(), 3, "nothing behind it is taken: {results:?}");
            assert_eq!((&results[2]["code"], &results[2]["resume_from"]), (&(*code).into(), &3.into()));
            let detail = results[2]["detail"].as_str().expect("words");
            assert!(detail.contains("message 3"), "{detail}");
            if *code == "kind-missing" {
                server = server.restart(false);
                client = server.client();
            }
            // From there on, and once more from the beginning.
            let righted = one(3, "three") + &end;
            let results = send(&mut client, code, &righted);
            assert!(results.iter().all(|result| result["result"] == "done"), "{partitions}: {results:?}");
            let results = send(&mut client, code, &(begin + &righted));
            assert!(results.iter().all(|result| result["result"] == "duplicate"), "{partitions}: {results:?}");
            expected += 5;
            assert_eq!(total(&mut client), expected, "{partitions} partitions");
        }
    }
}

/// Whoever is told to go on one number too high loses a message in silence.
#[test]
fn the_number_to_go_on_from_is_the_first_without_a_result() {
    let _open = OpenAtLast("resume");
    let server = Server::start();
    let mut producer = server.node.client().producer("till").expect("a stream");
    producer.send(1, Slow::at("first").tick()).expect("sent");
    producer.wait_all().expect("answered");
    assert_eq!(producer.lowest_unanswered(), 2);
    let held = held_by_the_other_partition();
    producer.send(4, Slow::at(&held).pass("resume".to_owned())).expect("sent");
    producer.send(7, Slow::at("other").tick()).expect("sent");
    producer.send(9, Slow::at("other").tick()).expect("sent");
    while producer.unanswered() > 1 {
        producer.wait_results().expect("results");
    }
    assert_eq!(producer.lowest_unanswered(), 4, "those behind it are answered, it is not");
    Gate::open("resume");
    producer.wait_all().expect("answered");
    assert_eq!(producer.lowest_unanswered(), 10);
}

#[test]
fn a_stream_that_is_sent_again_changes_nothing_also_after_a_restart() {
    let mut server = Server::start();
    let body: String = (1..=500).map(receive).collect();
    let done = send(&mut server.client(), "till", &body);
    assert!(done.iter().all(|line| line["result"] == "done"));
    for gracefully in [false, true] {
        server = server.restart(gracefully);
        let mut client = server.client();
        let again = send(&mut client, "till", &body);
        assert!(again.iter().all(|line| line["result"] == "duplicate"), "{:?}", again.first());
        assert_eq!((again.len(), total(&mut client)), (500, 500));
    }
    send(&mut server.client(), "another till", &body);
    assert_eq!(total(&mut server.client()), 1000);
}

#[test]
fn results_come_while_the_stream_goes_on() {
    let server = Server::start();
    let mut client = server.client();
    client.send(
        "POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: till\r\ncontent-type: application/x-ndjson\r\n\
         transfer-encoding: chunked\r\n\r\n",
    );
    assert_eq!(client.head_only().status, 200);
    let mut rest = Vec::new();
    for number in 1..=20 {
        let text = receive(number);
        // A line may arrive in two pieces.
        let (left, right) = text.split_at(text.len() / 2);
        for piece in [left, right] {
            client.send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        }
        let result = client.line(&mut rest).expect("a result");
        assert_eq!((&result["number"], &result["result"]), (&number.into(), &"done".into()));
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.line(&mut rest), None);
    assert_eq!(client.get("/health").status, 200, "the connection goes on");
}

#[test]
fn a_stream_that_is_cut_is_resumed_where_it_was_cut() {
    let server = Server::start();
    const MESSAGES: u64 = 3000;
    let mut from = 1;
    let mut cuts = 0;
    while from <= MESSAGES {
        let mut client = server.client();
        let body: String = (from..=MESSAGES).map(receive).collect();
        client.send(
            "POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: till\r\ncontent-type: application/x-ndjson\r\n\
             transfer-encoding: chunked\r\n\r\n",
        );
        let answer = client.head_only();
        if answer.status == 409 {
            // The stream before has not been given up yet.
            continue;
        }
        // The cut is in the middle of a line.
        let cut = (body.len() / 2 + 240).min(body.len());
        client.send(format!("{cut:x}\r\n{}\r\n", &body[..cut]));
        if cut == body.len() {
            client.send("0\r\n\r\n");
        }
        let mut rest = Vec::new();
        let mut highest = from - 1;
        let complete = body[..cut].matches('\n').count() as u64;
        for _ in 0..complete {
            let result = client.line(&mut rest).expect("a result");
            assert!(matches!(result["result"].as_str(), Some("done" | "duplicate")), "{result}");
            highest = highest.max(result["number"].as_u64().expect("a number"));
        }
        assert_eq!(highest, from + complete - 1);
        drop(client);
        // A careful producer sends a few too many.
        from = if highest == MESSAGES { MESSAGES + 1 } else { highest.saturating_sub(1).max(1) };
        cuts += 1;
    }
    assert!(cuts > 5, "{cuts} cuts");
    assert_eq!(total(&mut server.client()), MESSAGES);
}

#[test]
fn a_line_that_is_none_ends_the_stream_and_says_where_to_go_on() {
    let server = Server::start();
    let mut client = server.client();
    for (bad, code) in [
        ("{\n", "bad-line"),
        ("{\"number\":11}\n", "bad-line"),
        ("{\"number\":11,\"entity\":\"stock/tea\",\"handler\":\"tally\",\"argumets\":{}}\n", "bad-line"),
        (&receive(0), "bad-line"),
        (&receive((1 << 63) + 1), "bad-line"),
        (&receive(u64::MAX), "bad-line"),
        ("{\"number\":-1,\"entity\":\"stock/tea\",\"handler\":\"receive\"}\n", "bad-line"),
        (&receive(10), "numbers-not-ascending"),
        (&receive(3), "numbers-not-ascending"),
    ] {
        let body: String = (1..=10).map(receive).chain([bad.to_owned()]).chain((20..=30).map(receive)).collect();
        let results = send(&mut client, &format!("{code} {bad}").replace(['\n', '"'], " "), &body);
        assert_eq!(results.len(), 11, "{bad}");
        let problem = &results[10];
        assert_eq!((&problem["code"], &problem["resume_from"]), (&code.into(), &11.into()), "{problem}");
    }
    assert_eq!(total(&mut client), 90);
}

#[test]
fn behind_the_highest_number_there_is_one_to_go_on_from() {
    let server = Server::start();
    let mut client = server.client();
    let results = send(&mut client, "till", &(receive(1 << 63) + "{\n"));
    assert_eq!((results.len(), &results[0]["result"]), (2, &"done".into()));
    assert_eq!(results[1]["resume_from"], (1_u64 << 63) + 1);
}

#[test]
fn a_line_has_a_longest_length() {
    let server = Server::with(1, apostate_server::HttpSettings { body_bytes_max: 10_000, ..settings() });
    let mut client = server.client();
    let long = line(2, "stock/tea", "measure", &json!({ "text": "x".repeat(200_000) }));
    let results = send(&mut client, "till", &(receive(1) + &long + &receive(3)));
    assert_eq!((results.len(), &results[0]["result"]), (2, &"done".into()));
    assert_eq!((&results[1]["code"], &results[1]["resume_from"]), (&"line-too-long".into(), &2.into()));
}

#[test]
fn a_line_that_is_too_long_is_so_also_if_it_came_in_one_piece() {
    let server = Server::with(1, HttpSettings { body_bytes_max: 1024, ..settings() });
    let mut client = server.client();
    let long = line(1, "stock/tea", "measure", &json!({ "text": "x".repeat(1024) }));
    let results = send(&mut client, "till", &long);
    assert_eq!((&results[0]["code"], &results[0]["resume_from"]), (&"line-too-long".into(), &1.into()));
}

#[test]
fn of_two_names_of_a_producer_none_counts() {
    let server = Server::start();
    let mut client = server.client();
    client.ask("POST", "/messages", &[("producer", "one"), ("producer", "two")], "").problem("bad-producer");
}

#[test]
fn whoever_waits_for_answers_is_not_taken_for_silent() {
    let server = Server::with(1, HttpSettings { body_timeout: Duration::from_millis(50), ..settings() });
    let mut client = server.client();
    client.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: one\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(client.head_only().status, 200);
    let message = line(1, "slow/a", "pass", &json!({ "gate": "owed" }));
    client.send(format!("{:x}\r\n{message}\r\n", message.len()));
    wait_until("it is under way", || Gate::is_waited_for("owed"));
    // Another stream is given up meanwhile: that one is owed nothing.
    let mut idle = server.client();
    idle.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: two\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(idle.head_only().status, 200);
    assert_eq!(idle.line(&mut Vec::new()).expect("it is told why")["code"], "request-timeout");
    Gate::open("owed");
    let mut rest = Vec::new();
    assert_eq!(client.line(&mut rest).expect("its result")["result"], "done");
    assert_eq!(client.line(&mut rest).expect("and then it is silent")["code"], "request-timeout");
}

#[test]
fn one_stream_a_producer() {
    let server = Server::start();
    let mut client = server.client();
    client.ask("POST", "/messages", &[], &receive(1)).problem("producer-missing");
    client.ask("POST", "/messages", &[("producer", "")], &receive(1)).problem("bad-producer");
    let wrong = [("producer", "till"), ("content-type", "text/csv")];
    client.ask("POST", "/messages", &wrong, &receive(1)).problem("unsupported-media-type");
    let mut first = server.client();
    first.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: till\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(first.head_only().status, 200);
    client.ask("POST", "/messages", &[("producer", "till")], &receive(1)).problem("producer-in-use");
    drop(first);
    wait_until("the first is given up", || {
        server.client().ask("POST", "/messages", &[("producer", "till")], &receive(1)).status == 200
    });
}

#[test]
fn whoever_reads_slowly_is_read_slowly_and_loses_nothing() {
    let server = Server::start();
    const MESSAGES: u64 = 60_000;
    let mut client = server.client();
    client.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: till\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(client.head_only().status, 200);
    let mut writer = client.writer();
    let sending = std::thread::spawn(move || {
        for first in (1..=MESSAGES).step_by(1000) {
            let body: String = (first..first + 1000).map(receive).collect();
            write!(writer, "{:x}\r\n{body}\r\n", body.len()).expect("it is read in the end");
        }
        writer.write_all(b"0\r\n\r\n").expect("it is read in the end");
    });
    let mut numbers = Vec::new();
    let mut rest = Vec::new();
    while let Some(result) = client.line(&mut rest) {
        if numbers.is_empty() {
            // Nothing is read for a while: buffers fill, and the sender has to wait.
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
        assert_eq!(result["result"], "done");
        numbers.push(result["number"].as_u64().expect("a number"));
    }
    sending.join().expect("no panic");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=MESSAGES).collect::<Vec<_>>());
    assert_eq!(total(&mut server.client()), MESSAGES);
}

#[test]
fn a_stop_ends_a_stream_with_word_where_to_go_on() {
    let mut server = Server::start();
    let mut client = server.client();
    client.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: till\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(client.head_only().status, 200);
    let text = receive(1) + &receive(2);
    client.send(format!("{:x}\r\n{text}\r\n", text.len()));
    let mut rest = Vec::new();
    for _ in 0..2 {
        assert_eq!(client.line(&mut rest).expect("a result")["result"], "done");
    }
    let serving = server.serving.take().expect("it listens");
    let stopping = std::thread::spawn(move || serving.stop());
    let problem = client.line(&mut rest).expect("a problem");
    assert_eq!((&problem["code"], &problem["resume_from"]), (&"not-ready".into(), &3.into()));
    assert_eq!(client.line(&mut rest), None);
    stopping.join().expect("no panic");
}

#[test]
fn a_stream_of_empty_lines_says_nothing_and_is_given_up() {
    let server = Server::with(1, HttpSettings { body_timeout: Duration::from_millis(300), ..settings() });
    let mut client = server.client();
    client.send("POST /messages HTTP/1.1\r\nhost: localhost\r\nproducer: one\r\ntransfer-encoding: chunked\r\n\r\n");
    assert_eq!(client.head_only().status, 200);
    let mut writer = client.writer();
    let trickle = std::thread::spawn(move || {
        while writer.write_all(b"1\r\n\n\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let last = client.line(&mut Vec::new()).expect("it is told why");
    assert_eq!(last["code"], "request-timeout");
    drop(client);
    trickle.join().expect("it ends with its connection");
}
