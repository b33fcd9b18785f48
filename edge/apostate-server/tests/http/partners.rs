//! What an entity has to do with its partners, as clients see it.

use std::time::Duration;

use apostate::prelude::*;
use apostate_api::PartnerItem;
use apostate_api::client::{Client as TypedClient, EntityKey};
use apostate_server::{Node, Serving, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, settings};

/// What is remembered about one customer.
#[data]
#[derive(Clone, Debug, Default, PartialEq)]
struct Account {
    units: u32,
    share: f64,
}

/// An entity with much to do.
#[entity(name = "ledger")]
#[derive(Default, Serialize, Deserialize)]
struct Ledger {
    runs: u32,
    accounts: Activities<Account>,
}

#[handlers]
impl Ledger {
    /// Remembers units of so many customers.
    #[open]
    pub fn fill(&mut self, count: u32, units: u32) {
        for number in 0..count {
            self.accounts.with(Customer::at(number.to_string())).units = units;
        }
    }

    /// Remembers what no JSON can say.
    #[open]
    pub fn blur(&mut self, customer: String) {
        self.accounts.with(Customer::at(customer)).share = f64::NAN;
    }

    /// Asks a customer who does not answer, and reminds it later.
    #[open]
    pub fn wait_for(&mut self, tx: &mut Tx, customer: String) {
        let hour = Duration::from_secs(3600);
        tx.ask(Customer::at(&customer).answer()).within(hour).then(Self::ON_ANSWER);
        tx.timer("reminder").send_after(hour, Customer::at(&customer).hear());
        tx.send_after(2 * hour, Customer::at(&customer).hear());
    }

    /// Proposes to two customers, of whom one does not answer.
    #[open]
    pub fn promise(&mut self, tx: &mut Tx, one: String, other: String) {
        let asked = Agreement::within(Duration::from_secs(3600)).ask(Customer::at(one).hold(1));
        tx.propose(asked.ask(Customer::at(other).hold(0)).then(Self::DECIDED));
    }

    #[on]
    fn decided(&mut self, _outcome: Outcome) {
        self.runs += 1;
    }

    /// Asks a customer who answers later.
    #[open]
    pub fn wonder(&mut self, tx: &mut Tx, customer: String) {
        let hour = Duration::from_secs(3600);
        tx.ask(Customer::at(customer).think()).within(hour).then(Self::ON_ANSWER);
    }

    /// A handler of the name of the list, that changes: it has another method.
    #[open]
    pub fn activities(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// Ends it.
    #[open]
    pub fn end(&mut self, tx: &mut Tx) {
        tx.delete();
    }

    #[on]
    fn on_answer(&mut self, _answer: Answer<()>) {
        self.runs += 1;
    }
}

/// One that is not to be spoken to.
#[entity(name = "customer")]
#[derive(Default, Serialize, Deserialize)]
struct Customer {
    heard: u32,
}

#[handlers]
impl Customer {
    /// Never ends well, and is tried again.
    pub fn answer(&mut self) {
        panic!("it does not answer");
    }

    /// Holds something, or does not answer.
    #[tentative(confirm = keep, cancel = release)]
    pub fn hold(&mut self, units: u32) -> Result<(), Refusal> {
        assert!(units > 0, "it does not answer");
        Ok(())
    }

    fn keep(&mut self, _units: u32) {}

    fn release(&mut self, _units: u32) {}

    /// Is answered later, and by nobody.
    pub fn think(&mut self, tx: &mut Tx) -> Later<()> {
        tx.later().within(Duration::from_secs(1800))
    }

    /// Takes note.
    pub fn hear(&mut self) {
        self.heard += 1;
    }
}

type App = (Ledger, Customer);

fn node(dir: &TempDir, partitions: u32) -> (Node, Serving, Client) {
    let data = Settings { partitions: Some(partitions), ..Settings::new(dir.path().join("data")) };
    let node = Node::open::<App>(data).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    let client = Client::connect(serving.local_addr());
    (node, serving, client)
}

/// All items of the list, in pages of `limit`.
fn listed(client: &mut Client, path: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit={limit}&after={after}")).good();
        let page_items = page["items"].as_array().expect("items");
        assert!(page_items.len() <= limit, "{page}");
        items.extend(page_items.iter().cloned());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return items,
        }
    }
}

const LIST: &str = "/entities/ledger/a%2Fb/activities";

#[test]
fn what_an_entity_remembers_has_asked_and_will_send_is_listed_by_partner() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut seen = Vec::new();
    // The second time nothing of it is in memory.
    for is_first in [true, false] {
        let (node, serving, mut client) = node(&dir, 2);
        if is_first {
            client.get(LIST).problem("entity-missing");
            client.post("/entities/ledger/a%2Fb/fill", r#"{"count":5,"units":7}"#).good();
            client.post("/entities/ledger/a%2Fb/blur", r#"{"customer":"blurred"}"#).good();
            client.post("/entities/ledger/a%2Fb/wait_for", r#"{"customer":"3"}"#).good();
            client.post("/entities/ledger/a%2Fb/wait_for", r#"{"customer":"x/y"}"#).good();
        }
        for limit in [1, 2, 100] {
            let items = listed(&mut client, LIST, limit);
            let keys: Vec<_> = items.iter().map(|item| item["key"].as_str().expect("a key")).collect();
            assert_eq!(keys, ["0", "1", "2", "3", "4", "blurred", "x/y"]);
            seen.push(items);
        }
        let items = seen.last().expect("a list");
        let account = json!({ "kind": "customer", "key": "0", "activity": { "units": 7, "share": 0.0 }, "asks": [], "legs": [], "operations": [], "owed": [], "timers": [] });
        assert_eq!(items[0], account);
        let problem = &items[5]["problem"];
        assert_eq!((&problem["code"], items[5].get("activity")), (&json!("unreadable-state"), None));
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains("customer/blurred")), "{problem}");
        for (at, timers) in [(3, vec![None]), (6, vec![Some("reminder"), None])] {
            let item = &items[at];
            assert_eq!(
                (item["asks"].as_array().map(Vec::len), &item["asks"][0]["then"]),
                (Some(1), &json!("on_answer"))
            );
            let found: Vec<_> =
                item["timers"].as_array().expect("timers").iter().map(|timer| timer["name"].as_str()).collect();
            assert_eq!(found, timers, "a name is set anew for another partner");
            assert!(item["timers"].as_array().expect("timers").iter().all(|timer| timer["handler"] == "hear"));
        }
        assert_eq!(client.get(&format!("{LIST}?partner=customer/x%2Fy")).good()["items"], json!([items[6]]));
        assert_eq!(client.get(&format!("{LIST}?partner=customer/nobody")).good(), json!({ "items": [], "next": null }));
        drop((serving, node));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "however it is cut, and over a restart");
}

#[test]
fn what_is_uncertain_is_listed_at_both_sides() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node(&dir, 2);
    client.post("/entities/ledger/a%2Fb/promise", r#"{"one":"1","other":"2"}"#).good();
    // It exists once it has accepted.
    while client.get("/entities/customer/1").status == 404 {}
    let held = listed(&mut client, "/entities/customer/1/activities", 9).remove(0);
    assert_eq!((&held["kind"], &held["key"]), (&json!("ledger"), &json!("a/b")));
    let operation = &held["operations"][0];
    assert_eq!(operation["handler"], "hold");
    assert!(operation["deadline"].as_u64() > operation["since"].as_u64(), "{operation}");
    let legs = loop {
        let legs = listed(&mut client, LIST, 9);
        if legs.iter().any(|leg| leg["legs"][0]["has_accepted"].is_boolean()) {
            break legs;
        }
    };
    let seen: Vec<_> =
        legs.iter().map(|item| (&item["key"], &item["legs"][0]["leg"], &item["legs"][0]["has_accepted"])).collect();
    assert_eq!(seen, [(&json!("1"), &json!(0), &json!(true)), (&json!("2"), &json!(1), &Value::Null)]);
    assert_eq!(
        (&legs[0]["legs"][0]["handler"], &legs[0]["legs"][0]["deadline"]),
        (&json!("hold"), &operation["deadline"])
    );
}

#[test]
fn what_an_entity_owes_is_listed_under_the_one_that_asked() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node(&dir, 2);
    client.post("/entities/ledger/a%2Fb/wonder", r#"{"customer":"1"}"#).good();
    while client.get("/entities/customer/1").status == 404 {}
    let asked = listed(&mut client, LIST, 9).remove(0);
    let owes = listed(&mut client, "/entities/customer/1/activities", 9).remove(0);
    assert_eq!((&owes["kind"], &owes["key"], &owes["timers"]), (&json!("ledger"), &json!("a/b"), &json!([])));
    let owed = &owes["owed"][0];
    assert_eq!((&owed["number"], &owed["ask"]), (&json!(1), &asked["asks"][0]["number"]));
    assert!(owed["deadline"].as_u64() < asked["asks"][0]["deadline"].as_u64() && owed["deadline"].is_u64(), "{owed}");
    let counted: u64 = client.get("/partitions").good()["partitions"]
        .as_array()
        .expect("partitions")
        .iter()
        .map(|partition| partition["owed"].as_u64().expect("a count"))
        .sum();
    assert_eq!(counted, 1);
}

#[test]
fn a_list_of_partners_that_cannot_be_had_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, _serving, mut client) = node(&dir, 1);
    assert_eq!(client.post(LIST, "").good(), json!(1), "a handler that changes may have the name");
    let document = client.get("/openapi.json").good();
    let path = &document["paths"]["/entities/ledger/{key}/activities"];
    assert!(path["post"].is_object() && path["get"].is_object(), "{path}");
    let item =
        &path["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["items"]["items"];
    assert!(item["properties"]["activity"].is_object(), "{item}");
    let customers = &document["paths"]["/entities/customer/{key}/activities"]["get"];
    assert!(customers.is_object(), "one that remembers nothing may still have asked");
    for (query, code) in [
        ("partner=tea", "bad-query"),
        ("partner=customer/", "bad-query"),
        ("partner=nothing/tea", "kind-missing"),
        ("partner=customer/0&limit=1", "bad-query"),
        ("limit=0", "bad-query"),
        ("after=x", "bad-cursor"),
        ("x=1", "bad-query"),
    ] {
        client.get(&format!("{LIST}?{query}")).problem(code);
        let told = path["get"]["responses"].to_string();
        assert!(told.contains(&format!("[`{code}`]")), "{code}");
    }
    client.get("/entities/nothing/a/activities").problem("kind-missing");
    client.get("/entities/ledger/%FF/activities").problem("bad-key");
    client.post("/entities/ledger/a%2Fb/end", "").good();
    client.get(LIST).problem("entity-missing");
}

#[test]
fn the_typed_client_reads_what_is_remembered() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_node, serving, mut client) = node(&dir, 1);
    client.post("/entities/ledger/a%2Fb/fill", r#"{"count":3,"units":7}"#).good();
    let typed = TypedClient::new(&format!("http://{}", serving.local_addr())).expect("a client");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let first = typed.activities::<Ledger, Account>("a/b", None, 2).await.expect("a page");
        let rest = typed.activities::<Ledger, Account>("a/b", first.next.as_deref(), 2).await.expect("a page");
        let items: Vec<PartnerItem<Account>> = first.items.into_iter().chain(rest.items).collect();
        let found: Vec<_> =
            items.into_iter().map(|item| (item.key, item.activity.map(|account| account.units))).collect();
        assert_eq!(found, ["0", "1", "2"].map(|key| (key.to_owned(), Some(7))));
        let (key, partner) = (EntityKey::new("a/b").expect("a key"), EntityKey::new("1").expect("a key"));
        let one =
            typed.activity_json("ledger", &key, ("customer", &partner)).await.expect("an answer").expect("a partner");
        assert_eq!(one.typed::<Account>().activity, Some(Account { units: 7, share: 0.0 }));
    });
}
