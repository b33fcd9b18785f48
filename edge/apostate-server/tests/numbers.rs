//! Numbers over every way in and out: what JSON says is what is stored and shown, the nearest double and every digit of a whole
//! number; what JSON cannot say is an error of the entity that holds it, and of no other.

#![allow(unreachable_pub, reason = "the modules of one test see each other")]

#[path = "numbers/support.rs"]
mod support;

use apostate::EntityKey;
use apostate_api::client::{Client, ClientError};
use apostate_api::{EntityItem, ErrorCode, JsonText};
use serde_json::Value;
use support::{Bits, Scale, ScaleRef, Server, Weights, run};

const ROUNDS: usize = 40;
/// So few that their arguments fit a URL.
const NUMBERS: usize = 60;

fn scale(key: &str) -> ScaleRef {
    Scale::at(key)
}

/// The state in a JSON text that holds one.
fn state_in(text: &str) -> Weights {
    let item: Value = serde_json::from_str(text).expect("JSON");
    // Read from the text itself: a general value has no numbers of 128 bits.
    let start = text.find(r#""state":"#).expect("a state") + r#""state":"#.len();
    assert!(!item["state"].is_null());
    let mut states = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Scale>();
    states.next().expect("a state").expect("of a scale").weights
}

#[test]
fn random_numbers_come_back_to_the_bit_over_http() {
    let server = Server::start();
    let mut bits = Bits(1);
    for round in 0..ROUNDS {
        let (json, expected) = Weights::random(&mut bits, NUMBERS);
        let path = format!("/entities/scale/http-{round}");
        let arguments = format!(r#"{{"weights":{json}}}"#);
        let reply = server.post(&format!("{path}/put"), &arguments);
        assert_eq!(serde_json::from_str::<Weights>(&reply).expect("weights"), expected, "{arguments}");
        // What is shown says the same when it is sent back.
        assert_eq!(server.post(&format!("{path}/put"), &format!(r#"{{"weights":{reply}}}"#)), reply);
        assert_eq!(state_in(&server.get(&path)), expected);
        for arguments in
            [format!("arguments={}", support::encoded(&arguments)), format!("weights={}", support::encoded(&json))]
        {
            let echoed = server.get(&format!("{path}/echo?{arguments}"));
            assert_eq!(echoed, reply);
        }
    }
}

#[test]
fn random_numbers_come_back_to_the_bit_over_messages_and_lists() {
    let server = Server::start();
    let mut bits = Bits(2);
    let mut lines = String::new();
    let mut expected = std::collections::BTreeMap::new();
    for number in 1..=ROUNDS {
        let (json, weights) = Weights::random(&mut bits, NUMBERS);
        let key = format!("bulk-{number:03}");
        lines += &format!(
            "{{\"number\":{number},\"entity\":\"scale/{key}\",\"handler\":\"put\",\"arguments\":{{\"weights\":{json}}}}}\n"
        );
        expected.insert(key, weights);
    }
    let results =
        server.ask("POST", "/messages", &[("producer", "bits"), ("content-type", "application/x-ndjson")], &lines);
    assert_eq!(results.lines().filter(|line| line.contains(r#""result":"done""#)).count(), ROUNDS, "{results}");
    let mut found = std::collections::BTreeMap::new();
    for line in server.ask("GET", "/entities/scale", &[("accept", "application/x-ndjson")], "").lines() {
        let key: EntityItem = serde_json::from_str(line).expect("an item");
        found.insert(key.key, state_in(line));
    }
    assert_eq!(found, expected);
    let page: apostate_api::Page<EntityItem> =
        serde_json::from_str(&server.get("/entities/scale?limit=1000")).expect("a page");
    let paged = page
        .items
        .into_iter()
        .map(|item| (item.key, item.state.expect("a state").read::<Scale>().expect("a scale").weights));
    assert_eq!(paged.collect::<std::collections::BTreeMap<_, _>>(), expected);
}

#[test]
fn random_numbers_come_back_to_the_bit_through_the_typed_client() {
    let server = Server::start();
    let client = server.client();
    let mut bits = Bits(3);
    run(async {
        let mut producer = client.producer("typed").expect("a name");
        let mut expected = std::collections::BTreeMap::new();
        for round in 1..=ROUNDS as u64 {
            let (json, weights) = Weights::random(&mut bits, NUMBERS);
            let key = format!("typed-{round}");
            assert_eq!(client.call(scale(&key).put(weights.clone())).await.expect("weights"), weights);
            assert_eq!(client.read(scale(&key).echo(weights.clone())).await.expect("weights"), weights);
            let state = client.state::<Scale>(key.as_str()).await.expect("an answer").expect("it is there");
            assert_eq!(state.state.weights, weights);
            // Without types, text stays text.
            let named = EntityKey::new(&key).expect("a key");
            let arguments = JsonText::new(format!(r#"{{"weights":{json}}}"#)).expect("JSON");
            let reply = client.call_json("scale", &named, "put", &arguments).await.expect("weights");
            assert_eq!(reply.read::<Weights>().expect("weights"), weights);
            let seen = client.read_json("scale", &named, "echo", &arguments).await.expect("weights");
            assert_eq!(seen, reply);
            let state = client.state_json("scale", &named).await.expect("an answer").expect("it is there");
            assert_eq!(state.state.as_str(), format!(r#"{{"weights":{reply}}}"#));
            producer.send(2 * round, scale(&format!("sent-{round}")).put(weights.clone())).await.expect("sent");
            producer.send_json(2 * round + 1, "scale", &named, "put", &arguments).await.expect("sent");
            expected.insert(format!("sent-{round}"), weights.clone());
            expected.insert(key, weights);
        }
        for result in producer.wait_results().await.expect("results") {
            result.reply.expect("a reply").read::<Weights>().expect("weights");
        }
        producer.finish().await.expect("every result");
        let page = client.list::<Scale>(None, 1000).await.expect("a page");
        let of = |item: EntityItem<Scale>| (item.key, item.state.expect("a state").weights);
        assert_eq!(page.items.into_iter().map(of).collect::<std::collections::BTreeMap<_, _>>(), expected);
        let (mut found, mut listing) =
            (std::collections::BTreeMap::new(), client.list_all::<Scale>().await.expect("a list"));
        while let Some(item) = listing.next().await.expect("an item") {
            found.extend([of(item)]);
        }
        assert_eq!(found, expected);
    });
}

#[test]
fn what_is_not_whole_or_too_large_is_refused_on_every_way_in() {
    let server = Server::start();
    for (field, numbers) in [
        (
            "units",
            &["0.99999999999999999999", "2.9999999999999999999", "-1.00000000000000000001", "1.5", "1e400", "1e19"][..],
        ),
        ("wide", &["1e39", "0.5", "-1", "340282366920938463463374607431768211456"]),
        ("coarse", &["1e39", "-1e39", "1e400"]),
        ("fine", &["1e400", "-1e400", "NaN", "null"]),
    ] {
        for number in numbers {
            let json = format!(r#"{{"{field}":{number}}}"#);
            let problem = server.ask("POST", &format!("/entities/scale/a/{field}"), &[], &json);
            assert!(problem.contains(r#""code":"bad-json""#), "{json}: {problem}");
            for query in [format!("{field}={number}"), format!("arguments={}", support::encoded(&json))] {
                let problem = server.get(&format!("/entities/scale/a/see_{field}?{query}"));
                assert!(problem.contains(r#""code":"bad-json""#), "{query}: {problem}");
            }
            if *number != "NaN" {
                let line =
                    format!("{{\"number\":1,\"entity\":\"scale/a\",\"handler\":\"{field}\",\"arguments\":{json}}}\n");
                let result = server.ask("POST", "/messages", &[("producer", &format!("{field}{number}"))], &line);
                assert!(result.contains(r#""code":"bad-json""#), "{line}: {result}");
            }
        }
    }
    assert!(server.get("/entities/scale/a").contains("entity-missing"), "nothing was done");
    for (field, number, reply) in [
        ("units", "5.0", "5"),
        ("units", "-0", "0"),
        ("units", "-9223372036854775808.0", "-9223372036854775808"),
        ("wide", "-0.0", "0"),
        ("wide", "1.8446744073709551617e19", "18446744073709551617"),
        ("fine", "9007199254740993.0", "9007199254740992.0"),
        ("coarse", "16777217", "16777216.0"),
    ] {
        assert_eq!(server.post(&format!("/entities/scale/b/{field}"), &format!(r#"{{"{field}":{number}}}"#)), reply);
    }
}

#[test]
fn a_number_that_json_has_not_is_an_error_with_its_place_and_hides_no_other_entity() {
    let server = Server::start();
    server.post("/entities/scale/before/units", r#"{"units":1}"#);
    let problem = server.ask("POST", "/entities/scale/nan/divide", &[], r#"{"a":0,"b":0}"#);
    assert!(problem.contains(r#""code":"unreadable-reply""#) && problem.contains("scale/nan did it"), "{problem}");
    server.post("/entities/scale/behind/units", r#"{"units":2}"#);
    let problem = server.get("/entities/scale/nan");
    assert!(problem.contains(r#""code":"unreadable-state""#), "{problem}");
    assert!(problem.contains("the state of scale/nan cannot be read") && problem.contains("fine: NaN"), "{problem}");
    let line = "{\"number\":1,\"entity\":\"scale/nan\",\"handler\":\"divide\",\"arguments\":{\"a\":1,\"b\":0}}\n";
    let result = server.ask("POST", "/messages", &[("producer", "p")], line);
    assert!(result.contains(r#""result":"done""#) && result.contains("infinity is no number"), "{result}");
    let client: Client = server.client();
    run(async {
        let unshown = client.call(scale("nan").divide(0.0, 0.0)).await.expect_err("no reply to show");
        assert!(matches!(unshown, ClientError::Unshown(_)), "{unshown}");
        let unsaid = client.call(scale("nan").fine(f64::NAN)).await.expect_err("nothing to send");
        assert!(matches!(unsaid, ClientError::Arguments(_)), "{unsaid}");
        let (mut states, mut problems) = (Vec::new(), Vec::new());
        let mut listing = client.list_all::<Scale>().await.expect("a list");
        let mut items = client.list::<Scale>(None, 10).await.expect("a page").items;
        while let Some(item) = listing.next().await.expect("the list goes on") {
            items.push(item);
        }
        for EntityItem { key, version: _, state } in items {
            match state {
                Ok(state) => states.push((key, state.units)),
                Err(problem) => problems.push((key, problem.error_code())),
            }
        }
        states.sort();
        assert_eq!(
            states,
            [("before", 1), ("before", 1), ("behind", 2), ("behind", 2)].map(|(key, units)| (key.to_owned(), units))
        );
        assert_eq!(problems, vec![("nan".to_owned(), Some(ErrorCode::UnreadableState)); 2]);
    });
}
