//! Lists: complete, in one order, page by page or all at once.

use std::collections::BTreeSet;

use apostate_server::HttpSettings;
use serde_json::Value;

use crate::support::{Client, Gate, OpenAtLast, Server, request, settings, wait_until};

fn fill(client: &mut Client, count: usize) {
    for number in 0..count {
        let path = format!("/entities/stock/product-{number}/receive");
        assert_eq!(client.post(&path, &format!(r#"{{"units":{number}}}"#)).status, 200);
    }
}

fn keys(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()).collect()
}

/// Every key, page by page.
fn all(client: &mut Client, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut path = format!("/entities/stock?limit={limit}");
    loop {
        let page = client.get(&path).good();
        let keys = keys(&page);
        assert!(keys.len() <= limit);
        found.extend(keys);
        match page["next"].as_str() {
            None => return found,
            Some(next) => path = format!("/entities/stock?limit={limit}&after={next}"),
        }
    }
}

#[test]
fn every_entity_is_on_one_page_whatever_the_pages_are() {
    let server = Server::start();
    let mut client = server.client();
    fill(&mut client, 200);
    let whole = all(&mut client, 1000);
    assert_eq!(whole.len(), 200);
    assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 200);
    for limit in [1, 7, 100, 200] {
        assert_eq!(all(&mut client, limit), whole, "{limit} a page");
    }
    let item = &client.get("/entities/stock?limit=1").good()["items"][0];
    assert_eq!((&item["version"], item["state"]["received"].as_u64()), (&1.into(), Some(1)));
}

#[test]
fn large_entities_are_listed_too() {
    let server = Server::start();
    let mut client = server.client();
    for number in 0..3 {
        client.post(&format!("/entities/stock/large-{number}/annotate"), r#"{"bytes":2000000}"#);
    }
    fill(&mut client, 20);
    assert_eq!(all(&mut client, 1000).len(), 23);
    let lines = client.ask("GET", "/entities/stock", &[("accept", "application/x-ndjson")], "");
    assert_eq!((lines.status, lines.header("content-type")), (200, Some("application/x-ndjson")));
    assert_eq!(lines.lines().len(), 23);
}

#[test]
fn a_cursor_outlives_the_node_and_new_entities_do_not_disturb_it() {
    let server = Server::start();
    let mut client = server.client();
    fill(&mut client, 50);
    let whole = all(&mut client, 1000);
    let page = client.get("/entities/stock?limit=20").good();
    let next = page["next"].as_str().expect("there is more").to_owned();
    for number in 0..50 {
        client.post(&format!("/entities/stock/later-{number}/receive"), r#"{"units":1}"#);
    }
    let server = server.restart(false);
    let mut client = server.client();
    let rest = client.get(&format!("/entities/stock?limit=1000&after={next}")).good();
    let mut found = keys(&page);
    found.extend(keys(&rest).into_iter().filter(|key| key.starts_with("product-")));
    assert_eq!(found, whole);
}

#[test]
fn a_stream_has_every_entity_in_the_same_order_and_may_begin_anywhere() {
    let server = Server::start();
    let mut client = server.client();
    fill(&mut client, 300);
    let whole = all(&mut client, 1000);
    let accept = [("accept", "application/x-ndjson")];
    let stream = client.ask("GET", "/entities/stock", &accept, "");
    let streamed: Vec<_> = stream.lines().iter().map(|line| line["key"].as_str().expect("a key").to_owned()).collect();
    assert_eq!(streamed, whole);
    let next = client.get("/entities/stock?limit=250").good()["next"].as_str().expect("more").to_owned();
    let rest = client.ask("GET", &format!("/entities/stock?after={next}"), &accept, "");
    assert_eq!(rest.lines().len(), 50);
}

#[test]
fn a_list_that_nobody_reads_holds_up_nobody() {
    let server = Server::start();
    let mut client = server.client();
    for number in 0..8 {
        client.post(&format!("/entities/stock/large-{number}/annotate"), r#"{"bytes":2000000}"#);
    }
    let mut deaf = server.client();
    deaf.send(request("GET", "/entities/stock", &[("accept", "application/x-ndjson")], ""));
    let head = deaf.head_only();
    assert_eq!(head.status, 200);
    for level in 1..=200 {
        assert_eq!(client.post("/entities/stock/tea/receive", r#"{"units":1}"#).good(), level);
    }
    let mut rest = Vec::new();
    let mut lines = 0;
    while deaf.line(&mut rest).is_some() {
        lines += 1;
    }
    assert!(lines >= 8, "{lines} lines, read late");
}

/// They are more than the threads that may wait for a disk.
#[test]
fn lists_that_wait_for_a_checkpoint_hold_up_no_other_that_reads_the_disk() {
    let streams_max = 20;
    let server = Server::with(1, HttpSettings { threads: Some(1), streams_max, ..settings() });
    let mut client = server.client();
    fill(&mut client, 3);
    let next = client.get("/entities/stock?limit=1").good()["next"].as_str().expect("more").to_owned();
    let rest = format!("/entities/stock?after={next}");
    let mut holder = server.client();
    holder.send(request("POST", "/entities/slow/holder/pass", &[], r#"{"gate":"no checkpoint"}"#));
    let _open = OpenAtLast("no checkpoint");
    wait_until("the partition's thread waits", || Gate::is_waited_for("no checkpoint"));
    let mut waiting = Vec::new();
    wait_until("as many wait as may", || {
        // What only reads on waits for no checkpoint.
        let is_room = client.get(&rest).status == 200;
        if is_room {
            let mut list = server.client();
            list.send(request("GET", "/entities/stock", &[], ""));
            waiting.push(list);
        }
        !is_room
    });
    client.get(&rest).problem("too-many-streams");
    drop(waiting.remove(0));
    wait_until("one has gone", || client.get(&rest).status == 200);
    assert_eq!(keys(&client.get(&rest).good()).len(), 2);
    Gate::open("no checkpoint");
    // One that came while another read on may have been turned away.
    let answers: Vec<_> = waiting.iter_mut().map(Client::response).filter(|answer| answer.status == 200).collect();
    assert_eq!(answers.len(), streams_max - 1);
    assert!(answers.iter().all(|answer| keys(&answer.good()).len() == 3));
}

#[test]
fn what_cannot_be_listed_is_told_so() {
    let server = Server::start();
    let mut client = server.client();
    fill(&mut client, 3);
    for limit in ["0", "1001", "-1", "many"] {
        client.get(&format!("/entities/stock?limit={limit}")).problem("bad-query");
    }
    for query in ["foo=bar", "Limit=1", "limit=1&limit=2", "after=&after="] {
        let problem = client.get(&format!("/entities/stock?{query}")).problem("bad-query");
        let (name, _) = query.split_once('=').expect("a parameter");
        assert!(problem["detail"].as_str().expect("text").contains(&format!("`{name}`")), "{problem}");
    }
    // As lines a list is whole, so a limit would be left out in silence.
    for query in ["foo=bar", "limit=zzz", "limit=2", "after=&after="] {
        let lines = [("accept", "application/x-ndjson")];
        client.ask("GET", &format!("/entities/stock?{query}"), &lines, "").problem("bad-query");
    }
    let other = client.get("/entities/stock?limit=1").good()["next"].as_str().expect("more").to_owned();
    for cursor in ["x", "AAAA", &other[1..]] {
        client.get(&format!("/entities/stock?after={cursor}")).problem("bad-cursor");
    }
    client.get(&format!("/entities/slow?after={other}")).problem("bad-cursor");
    assert_eq!(client.get("/entities/stock?after=").good(), client.get("/entities/stock").good());
    client.ask("GET", "/entities/stock", &[("accept", "text/csv")], "").problem("not-acceptable");
    client.ask("GET", "/entities/stock", &[("accept", "application/json;q=0")], "").problem("not-acceptable");
}

/// A piece has one entity at least, also where the budget for long answers is smaller than that.
#[test]
fn a_stream_of_entities_longer_than_the_budget_comes_to_its_end() {
    let (body_bytes_max, bodies_bytes_max) = (64 << 10, 64 << 10);
    let server = Server::with(1, HttpSettings { body_bytes_max, bodies_bytes_max, ..settings() });
    let mut client = server.client();
    for key in ["coffee", "milk", "tea"] {
        client.post(&format!("/entities/stock/{key}/annotate"), r#"{"bytes":1000000}"#);
    }
    let list = client.ask("GET", "/entities/stock", &[("accept", "application/x-ndjson")], "");
    assert_eq!(list.lines().len(), 3);
}
