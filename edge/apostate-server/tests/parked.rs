//! Messages that can go no further: listed, retried, dismissed. Nobody waits for them.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use apostate::prelude::*;
use apostate_server::{CallError, Client, Node, ParkedMessage, Settings};
use common::{directory, far_apart, settings};

/// Has ovens bake, by message.
#[entity(name = "baker")]
#[derive(Default, Serialize, Deserialize)]
pub struct Baker {
    sent: u32,
}

#[handlers]
impl Baker {
    /// Sends a loaf to an oven.
    #[open]
    pub fn send(&mut self, tx: &mut Tx, oven: String, loaf: String) {
        self.sent += 1;
        tx.send(Oven::at(oven).bake(loaf));
    }

    /// Sends an oven something that does not fit.
    #[open]
    pub fn garble(&mut self, tx: &mut Tx, oven: String, loaf: u32) {
        self.sent += 1;
        tx.send(apostate::Call::<Oven, ()>::new(oven.to_key(), "bake", &BTreeMap::from([("loaf", loaf)])));
    }
}

/// Bakes what it is sent.
#[entity(name = "oven")]
#[derive(Default, Serialize, Deserialize)]
pub struct Oven {
    jammed_by: String,
    baked: Vec<String>,
}

#[handlers]
impl Oven {
    /// Bakes a loaf, unless it is one that jams it.
    #[open]
    pub fn bake(&mut self, loaf: String) {
        self.baked.push(loaf.clone());
        assert!(loaf != self.jammed_by, "the oven is jammed");
    }

    /// From now on this loaf jams it.
    #[open]
    pub fn jam(&mut self, loaf: String) {
        self.jammed_by = loaf;
    }

    /// The loaves that were baked.
    #[open]
    pub fn baked(&self) -> Vec<String> {
        self.baked.clone()
    }
}

/// A later build of the same application.
mod later {
    use apostate::prelude::*;

    /// Bakes what it is sent; loaves are numbers now.
    #[entity(name = "oven")]
    #[derive(Default, Serialize, Deserialize)]
    pub(super) struct Oven {
        baked: Vec<String>,
    }

    #[handlers]
    impl Oven {
        /// Bakes a loaf.
        pub fn bake(&mut self, loaf: u32) {
            self.baked.push(loaf.to_string());
        }

        /// The loaves that were baked.
        #[open]
        pub fn baked(&self) -> Vec<String> {
            self.baked.clone()
        }
    }
}

/// Panics are tried again for a second, not for half a minute.
fn impatient(data: &Path, partitions: u32) -> Settings {
    Settings { retry_time_max: Duration::from_secs(1), ..settings(data, partitions) }
}

fn open(data: &Path, partitions: u32) -> Node {
    Node::open::<(Baker, Oven)>(impatient(data, partitions)).expect("a node")
}

fn send(client: &Client, baker: &str, oven: &str, loaf: &str) {
    client.call(Baker::at(baker).send(oven.to_owned(), loaf.to_owned())).wait().expect("sent");
}

fn garble(client: &Client, baker: &str, oven: &str, loaf: u32) {
    client.call(Baker::at(baker).garble(oven.to_owned(), loaf)).wait().expect("sent");
}

fn jam(client: &Client, oven: &str, loaf: &str) {
    client.call(Oven::at(oven).jam(loaf.to_owned())).wait().expect("jammed");
}

fn baked(client: &Client, oven: &str) -> Vec<String> {
    client.settle().expect("quiet");
    client.read(Oven::at(oven).baked()).wait().expect("an oven")
}

fn parked(client: &Client) -> Vec<ParkedMessage> {
    client.settle().expect("quiet");
    client.parked().collect::<Result<_, _>>().expect("listed")
}

fn only(messages: Vec<ParkedMessage>) -> ParkedMessage {
    <[ParkedMessage; 1]>::try_from(messages).expect("one message").into_iter().next().expect("one message")
}

fn assert_gone(result: Result<(), CallError>, message: &ParkedMessage) {
    let error = result.expect_err("it is gone");
    let (entity, number) = (format!("{}/{}", message.kind, message.key), message.number);
    assert_eq!(error, CallError::Gone { entity, number });
    assert!(error.to_string().contains("was retried or dismissed before"), "{error}");
}

/// An oven in the lower half of the ring, a baker in the upper: with two partitions each has one.
fn oven_and_baker() -> (String, String) {
    (far_apart("oven").0, far_apart("baker").1)
}

#[test]
fn a_message_whose_handler_goes_on_panicking_is_parked_and_holds_up_nobody_after_it() {
    let (oven, baker) = oven_and_baker();
    for partitions in [1, 2] {
        let dir = directory();
        let node = open(dir.path(), partitions);
        let client = node.client();
        jam(&client, &oven, "rye");
        for loaf in ["oat", "rye", "wheat", "spelt"] {
            send(&client, &baker, &oven, loaf);
        }
        assert_eq!(baked(&client, &oven), ["oat", "wheat", "spelt"]);
        let message = only(parked(&client));
        assert_eq!((message.kind.as_str(), message.key.as_str(), message.handler.as_str()), ("oven", &*oven, "bake"));
        assert_eq!(message.from, Some(format!("baker/{baker}")));
        assert_eq!(message.reason, "the handler panicked: the oven is jammed");
        assert!(message.since > Timestamp(0));
        let body: BTreeMap<String, String> = apostate_core::decode(&message.body).expect("arguments");
        assert_eq!(body, BTreeMap::from([("loaf".to_owned(), "rye".to_owned())]));
    }
}

#[test]
fn a_retried_message_is_applied_once_as_if_sent_at_the_retry_when_its_cause_is_gone() {
    let (oven, baker) = oven_and_baker();
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    jam(&client, &oven, "rye");
    send(&client, &baker, &oven, "rye");
    send(&client, &baker, &oven, "wheat");
    let first = only(parked(&client));

    client.retry_parked(&first).expect("retried");
    let second = only(parked(&client));
    assert!(second.number > first.number, "the cause was still there");
    assert_gone(client.retry_parked(&first), &first);

    jam(&client, &oven, "");
    client.retry_parked(&second).expect("retried");
    send(&client, &baker, &oven, "spelt");
    assert_eq!(baked(&client, &oven), ["wheat", "rye", "spelt"]);
    assert_gone(client.retry_parked(&second), &second);
    assert_gone(client.dismiss_parked(&second), &second);
    drop(node);

    let node = open(dir.path(), 2);
    assert_eq!(baked(&node.client(), &oven), ["wheat", "rye", "spelt"]);
    assert_eq!(parked(&node.client()), []);
    assert_gone(node.client().retry_parked(&second), &second);
}

#[test]
fn messages_retried_one_after_the_other_are_applied_in_that_order() {
    let (oven, baker) = oven_and_baker();
    let dir = directory();
    let node = open(dir.path(), 2);
    for loaf in [1, 2, 3] {
        garble(&node.client(), &baker, &oven, loaf);
    }
    let messages = parked(&node.client());
    assert_eq!(messages.len(), 3, "a body that does not fit is parked at once");
    assert!(messages.is_sorted_by_key(|message| message.number), "oldest first");
    let reason = "the message does not fit the handler: invalid type: integer `1`, expected a string";
    assert_eq!(messages[0].reason, reason);
    drop(node);

    let node = Node::open::<(Baker, later::Oven)>(impatient(dir.path(), 2)).expect("a node");
    let client = node.client();
    assert_eq!(parked(&client), messages);
    for index in [2, 0, 1] {
        client.retry_parked(&messages[index]).expect("retried");
    }
    client.settle().expect("quiet");
    let baked = client.read(later::Oven::at(&oven).baked()).wait().expect("an oven");
    assert_eq!(baked, ["3", "1", "2"]);
    assert_eq!(parked(&client), []);
}

#[test]
fn a_parked_message_is_there_after_every_kind_of_end() {
    let (oven, baker) = oven_and_baker();
    let dir = directory();
    let node = open(dir.path(), 2);
    garble(&node.client(), &baker, &oven, 7);
    node.client().settle().expect("quiet");
    drop(node);
    let mut node = open(dir.path(), 2);
    let message = only(parked(&node.client()));
    node.stop().expect("stopped");
    assert_eq!(node.client().parked().collect::<Vec<_>>(), [Err(CallError::Closed)]);
    assert_eq!(node.client().retry_parked(&message), Err(CallError::Closed));
    let node = open(dir.path(), 2);
    assert_eq!(parked(&node.client()), [message]);
}

#[test]
fn a_dismissed_message_is_gone_for_ever() {
    let (oven, baker) = oven_and_baker();
    let dir = directory();
    let node = open(dir.path(), 2);
    let client = node.client();
    garble(&client, &baker, &oven, 7);
    garble(&client, &baker, &oven, 8);
    send(&client, &baker, &oven, "rye");
    let messages = parked(&client);
    client.dismiss_parked(&messages[0]).expect("dismissed");
    // Nothing but the log has it now.
    drop(node);
    let node = open(dir.path(), 2);
    let client = node.client();
    assert_gone(client.dismiss_parked(&messages[0]), &messages[0]);
    assert_gone(client.retry_parked(&messages[0]), &messages[0]);
    assert_eq!(parked(&client), messages[1..]);
    assert_eq!(baked(&client, &oven), ["rye"]);
}

#[test]
fn the_list_is_the_same_for_any_number_of_partitions() {
    let mut lists = Vec::new();
    for partitions in [1, 2, 7] {
        let dir = directory();
        let node = open(dir.path(), partitions);
        for oven in ["c", "a", "e", "b", "d", "a"] {
            garble(&node.client(), "anna", oven, 7);
        }
        let keys: Vec<String> = parked(&node.client()).into_iter().map(|message| message.key.to_string()).collect();
        lists.push(keys);
    }
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:?}");
    lists[0].sort();
    assert_eq!(lists[0], ["a", "a", "b", "c", "d", "e"]);
}

#[test]
fn a_message_for_a_kind_that_the_build_does_not_know_is_listed_by_its_ids_and_can_be_dismissed() {
    let (oven, baker) = oven_and_baker();
    let dir = directory();
    let node = open(dir.path(), 2);
    garble(&node.client(), &baker, &oven, 7);
    node.client().settle().expect("quiet");
    drop(node);
    let node = Node::open::<(Baker,)>(impatient(dir.path(), 2)).expect("a node");
    let message = only(parked(&node.client()));
    let id = apostate_core::KindId::of("oven").0;
    assert_eq!((message.kind.clone(), message.key.as_str()), (format!("{id:08x}"), &*oven));
    node.client().dismiss_parked(&message).expect("dismissed");
    assert_eq!(parked(&node.client()), []);
}
