//! Agreements that are not over, as operators see them at both of their sides.

use std::time::Duration;

use apostate::prelude::*;
use apostate_api::client::{AuditFault, Client as TypedClient};
use apostate_api::{AgreementFilter, AgreementItem, AgreementState};
use apostate_core::{Address, EntityKey, KindId};
use apostate_log::{LsmStore, Store, StoreExpect};
use apostate_partition::cell::{self, Section};
use apostate_server::{HostClock, Node, Serving, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, settings};

/// One that proposes.
#[entity(name = "broker")]
#[derive(Default, Serialize, Deserialize)]
struct Broker {
    outcomes: Vec<String>,
}

#[handlers]
impl Broker {
    /// Asks each holder for so many units.
    #[open]
    pub fn promise(&mut self, tx: &mut Tx, holders: Vec<String>, units: u32) {
        let tries = holders.iter().map(|holder| Holder::at(holder).hold(units));
        tx.propose(Agreement::within(Duration::from_secs(3600)).ask_all(tries).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, outcome: Outcome) {
        self.outcomes.push(format!("{outcome:?}"));
    }
}

/// One that holds; in its key it says how it behaves.
#[entity(name = "holder")]
#[derive(Default, Serialize, Deserialize)]
struct Holder {
    held: u32,
    text: String,
}

#[handlers]
impl Holder {
    #[tentative(confirm = keep, cancel = release)]
    pub fn hold(&mut self, tx: &mut Tx, units: u32) -> Result<(), Refusal> {
        let key = tx.key().as_str();
        refuse!(key.starts_with("poor"), "it has none");
        assert!(!key.starts_with("silent"), "it does not answer");
        self.held += units;
        Ok(())
    }

    fn keep(&mut self, units: u32) {
        self.held -= units;
    }

    /// With that much, what it does is too large, and its message is parked.
    fn release(&mut self, tx: &mut Tx, units: u32) {
        if tx.key().as_str().starts_with("stuck") {
            self.text = "x".repeat(5 << 20);
        }
        self.held -= units;
    }
}

type App = (Broker, Holder);

fn node_at(dir: &TempDir, clock: &HostClock) -> (Node, Serving, Client) {
    let data = Settings { partitions: Some(2), clock: clock.clone(), ..Settings::new(dir.path().join("data")) };
    let node = Node::open::<App>(data).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let client = Client::connect(serving.local_addr());
    (node, serving, client)
}

fn promise(client: &mut Client, broker: &str, holders: &[&str]) {
    let body = json!({ "holders": holders, "units": 3 });
    client.post(&format!("/entities/broker/{broker}/promise"), &body.to_string()).good();
}

/// All items of the list, in pages of `limit`, once there are `count`.
fn listed(client: &mut Client, query: &str, limit: usize, count: usize) -> Vec<Value> {
    loop {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/agreements?limit={limit}&after={after}{query}")).good();
            let page_items = page["items"].as_array().expect("items");
            assert!(page_items.len() <= limit, "{page}");
            items.extend(page_items.iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => break,
            }
        }
        if items.len() >= count {
            return items;
        }
    }
}

fn seen(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_is_not_over_is_listed_at_both_sides_and_after_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = HostClock::shifted();
    let mut lists = Vec::new();
    for is_first in [true, false] {
        let (node, serving, mut client) = node_at(&dir, &clock);
        if is_first {
            assert_eq!(client.get("/agreements").good(), json!({ "items": [], "next": null }));
            promise(&mut client, "a", &["1", "silent"]);
            promise(&mut client, "b", &["2", "3", "silent"]);
        }
        let operations = listed(&mut client, "&state=uncertain", 100, 3);
        let is_answered = |item: &Value| seen_answers(item).iter().filter(|answer| answer.is_null()).count() == 1;
        while !listed(&mut client, "&state=open", 100, 2).iter().all(is_answered) {}
        for limit in [1, 2, 100] {
            let items = listed(&mut client, "", limit, 5);
            assert_eq!(seen(&items, "kind"), ["broker", "broker", "holder", "holder", "holder"]);
            assert_eq!(items[2..], operations);
            lists.push(items);
        }
        let items = lists.last().expect("a list");
        assert_eq!(listed(&mut client, "&state=open", 1, 2), items[..2]);
        assert_eq!(listed(&mut client, "&kind=holder", 1, 3), operations);
        for item in items {
            let id = item["id"].as_str().expect("an id");
            assert_eq!(client.get(&format!("/agreements/{id}")).good(), *item);
        }
        drop((client, serving, node));
    }
    assert!(lists.windows(2).all(|pair| pair[0] == pair[1]), "however it is cut, and over a restart");
}

/// What each partner has answered.
fn seen_answers(item: &Value) -> Vec<Value> {
    item["legs"].as_array().expect("legs").iter().map(|leg| leg["has_accepted"].clone()).collect()
}

#[test]
fn each_side_tells_what_it_knows_and_what_is_past_its_deadline() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = HostClock::shifted();
    let (_node, _serving, mut client) = node_at(&dir, &clock);
    promise(&mut client, "a", &["1", "silent"]);
    let agreement = loop {
        let item = listed(&mut client, "&state=open", 9, 1).remove(0);
        if seen_answers(&item)[0] == json!(true) {
            break item;
        }
    };
    assert_eq!((&agreement["state"], &agreement["needed"]), (&json!("undecided"), &json!(2)));
    assert_eq!(seen_answers(&agreement), [json!(true), Value::Null]);
    assert_eq!((&agreement["legs"][1]["key"], &agreement["legs"][1]["handler"]), (&json!("silent"), &json!("hold")));
    let operation = listed(&mut client, "&state=uncertain", 9, 1).remove(0);
    let told = (&operation["state"], &operation["proposer"], &operation["handler"], &operation["hold"]);
    assert_eq!(told, (&json!("tentative"), &json!("broker/a"), &json!("hold"), &json!({ "units": 3 })));
    assert_eq!(operation["deadline"], agreement["deadline"]);
    assert!(operation["since"].as_u64() >= agreement["since"].as_u64(), "{operation}");
    assert!(client.get("/agreements?state=past-deadline").good()["items"].as_array().is_some_and(Vec::is_empty));
    // Partition time does not follow a clock that jumps, so nothing expires.
    clock.set_wall_off(2 * 3600 * 1000);
    let past = listed(&mut client, "&state=past-deadline", 1, 2);
    assert_eq!(seen(&past, "kind"), ["broker", "holder"]);
    assert!(past.iter().all(|item| item["is_past_deadline"] == json!(true)), "{past:?}");
}

#[test]
fn an_operation_whose_ending_is_parked_says_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = HostClock::shifted();
    let (_node, serving, mut client) = node_at(&dir, &clock);
    promise(&mut client, "a", &["stuck", "poor"]);
    let operation = loop {
        let item = listed(&mut client, "&state=uncertain", 9, 1).remove(0);
        if item["parked"].is_string() {
            break item;
        }
    };
    let parked = client.get(&format!("/parked/{}", operation["parked"].as_str().expect("an id"))).good();
    assert_eq!((&parked["key"], &parked["from"]), (&json!("stuck"), &json!("broker/a")));
    let typed = TypedClient::new(&format!("http://{}", serving.local_addr())).expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let page = typed.agreements(Some(AgreementFilter::Uncertain), Some("holder"), None, 5).await.expect("a page");
        let [item] = &page.items[..] else { panic!("{page:?}") };
        assert_eq!((item.state, &item.proposer), (AgreementState::Tentative, &Some("broker/a".to_owned())));
        let shown: AgreementItem = typed.agreement(&item.id).await.expect("it is not over");
        assert_eq!(shown, *item);
    });
}

#[test]
fn a_list_of_agreements_that_cannot_be_had_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node_at(&dir, &HostClock::shifted());
    for (query, code) in [
        ("state=lost", "bad-query"),
        ("kind=ghost", "kind-missing"),
        ("after=x", "bad-cursor"),
        ("limit=0", "bad-query"),
        ("x=1", "bad-query"),
    ] {
        client.get(&format!("/agreements?{query}")).problem(code);
    }
    client.get("/agreements/x").problem("agreement-missing");
}

/// The only operation that is held at `key`, once its ending is parked, if that is wanted.
fn held_at(client: &mut Client, key: &str, is_parked: bool) -> Value {
    loop {
        let items = listed(client, "&state=uncertain", 100, 1);
        let found = items.into_iter().find(|item| item["key"] == key && item["parked"].is_string() == is_parked);
        if let Some(item) = found {
            return item;
        }
    }
}

#[test]
fn an_operator_settles_what_cannot_end_and_is_told_what_became_of_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node_at(&dir, &HostClock::shifted());
    promise(&mut client, "a", &["stuck", "stuck2", "poor"]);
    let settle = |client: &mut Client, item: &Value, key: &str, order: &Value| {
        let path = format!("/agreements/{}/settle", item["id"].as_str().expect("an id"));
        client.ask("POST", &path, &[("idempotency-key", key)], &order.to_string())
    };
    let order =
        |ending: &str, without: bool| json!({ "ending": ending, "reason": "stuck", "without_handler": without });
    let (one, two) = (held_at(&mut client, "stuck", true), held_at(&mut client, "stuck2", true));
    // Its handler still cannot.
    settle(&mut client, &one, "k1", &order("cancel", false)).problem("transaction-too-large");
    assert_eq!(held_at(&mut client, "stuck", true), one);
    for replayed in [None, Some("true")] {
        let answer = settle(&mut client, &one, "k2", &order("cancel", true));
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (204, replayed), "{}", answer.text());
    }
    settle(&mut client, &one, "k2", &order("confirm", true)).problem("client-key-reused");
    settle(&mut client, &one, "k3", &order("cancel", true)).problem("agreement-missing");
    // It was cancelled: to confirm it is against the decision, and kept.
    assert_eq!(settle(&mut client, &two, "k4", &order("confirm", true)).status, 204);
    settle(&mut client, &two, "k5", &order("cancel", true)).problem("cannot-settle");
    let kept = listed(&mut client, "&state=settled", 5, 1);
    let [kept] = &kept[..] else { panic!("{kept:?}") };
    let told = (&kept["state"], &kept["key"], &kept["settlement"]["ending"], &kept["settlement"]["reason"]);
    assert_eq!(told, (&json!("settled-otherwise"), &json!("stuck2"), &json!("confirm"), &json!("stuck")));
    assert!(kept["settlement"]["contradicted"].is_u64(), "{kept}");
    let metrics = client.get("/metrics");
    let is_counted = |line: &str| line.starts_with("apostate_partition_settled_otherwise{") && line.ends_with(" 1");
    assert!(metrics.text().lines().any(is_counted), "{}", metrics.text());
    assert_eq!(client.get("/parked").good()["items"], json!([]), "the parked endings are over too");
    let path = format!("/agreements/{}", kept["id"].as_str().expect("an id"));
    assert_eq!(client.ask("DELETE", &path, &[], "").status, 204);
    client.ask("DELETE", &path, &[], "").problem("agreement-missing");
    client.get(&path).problem("agreement-missing");
}

#[test]
fn what_cannot_be_settled_says_why_and_is_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node_at(&dir, &HostClock::shifted());
    promise(&mut client, "a", &["1", "silent"]);
    let held = held_at(&mut client, "1", false);
    let agreement = listed(&mut client, "&state=open", 5, 1).remove(0);
    let good = r#"{"ending":"cancel","reason":"gone"}"#;
    for (item, body, code) in [
        (&held, good, "cannot-settle"),
        (&agreement, good, "cannot-settle"),
        (&held, r#"{"ending":"cancel"}"#, "bad-json"),
        (&held, r#"{"ending":"cancel","reason":""}"#, "bad-json"),
        (&held, r#"{"ending":"stop","reason":"gone"}"#, "bad-json"),
        (&held, r#"{"ending":"cancel","reason":"gone","x":1}"#, "bad-json"),
        (&held, "", "bad-json"),
    ] {
        let path = format!("/agreements/{}/settle", item["id"].as_str().expect("an id"));
        client.post(&path, body).problem(code);
    }
    client.post("/agreements/x/settle", good).problem("agreement-missing");
    let path = format!("/agreements/{}", held["id"].as_str().expect("an id"));
    client.ask("DELETE", &path, &[], "").problem("agreement-missing");
    assert_eq!(client.get(&path).good(), held);
}

/// Takes cells out of the store of a node that has stopped, as no node does: those whose section and key these are.
fn tear(dir: &TempDir, sections: &[(Section, &Address)]) {
    let store = LsmStore::open(&dir.path().join("data/store"), StoreExpect::Existing, 1 << 20).expect("a store");
    for (section, entity) in sections {
        let (from, to) = cell::entity_bounds(*section, entity);
        let cells = store.scan(&from, &to, usize::MAX).expect("it reads");
        assert!(!cells.is_empty(), "{section:?} of {entity:?}");
        store.checkpoint(&mut cells.iter().map(|(key, _)| (&key[..], None))).expect("it is written");
    }
}

#[test]
fn an_audit_finds_each_side_that_has_lost_the_other() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = HostClock::shifted();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let audit = |serving: &Serving| {
        let typed = TypedClient::new(&format!("http://{}", serving.local_addr())).expect("a client");
        runtime.block_on(typed.audit_agreements(Duration::from_millis(500))).expect("an audit")
    };
    let (mut node, serving, mut client) = node_at(&dir, &clock);
    promise(&mut client, "a", &["1", "silent"]);
    promise(&mut client, "b", &["2", "3", "silent"]);
    let is_answered = |item: &Value| seen_answers(item).iter().filter(|answer| answer.is_null()).count() == 1;
    while !listed(&mut client, "&state=open", 9, 2).iter().all(is_answered) {}
    let whole = audit(&serving);
    assert_eq!((whole.agreements, whole.holds, &whole.findings), (2, 3, &vec![]));
    drop((client, serving));
    node.stop().expect("it stops");
    drop(node);
    let address = |kind: &str, key: &str| Address::new(KindId::of(kind), EntityKey::new(key).expect("a key"));
    tear(&dir, &[(Section::Agreements, &address("broker", "a")), (Section::Operations, &address("holder", "2"))]);
    let (_node, serving, _client) = node_at(&dir, &clock);
    let torn = audit(&serving);
    let found: Vec<_> = torn.findings.iter().map(|found| (found.what, &*found.entity, &*found.other)).collect();
    let expected = [
        (AuditFault::HoldWithoutAgreement, "holder/1", "broker/a"),
        (AuditFault::AgreementWithoutHold, "broker/b", "holder/2"),
    ];
    assert_eq!(found, expected);
}
