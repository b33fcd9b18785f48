//! The connections of a client: used again, replaced when they are closed, and never more than there may be.

#[path = "connections/keeping.rs"]
mod keeping;

use std::time::Duration;

use apostate_api::client::{Client, ClientError, EntityKey};
use keeping::{Keeping, Reply, see_events};
use serde_json::json;

/// Runs a journey.
fn run<T>(journey: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(journey)
}

fn client(keeping: &Keeping) -> Client {
    Client::new(&keeping.url()).expect("a client").asking_once(Duration::from_secs(20))
}

/// A call, and the number that it was answered with.
async fn call(client: &Client) -> Result<u64, ClientError> {
    let key = EntityKey::new("tea").expect("a key");
    let reply = client.call_json("stock", &key, "receive", &json!({})).await?;
    Ok(reply.as_str().parse().expect("a number"))
}

#[test]
fn one_connection_carries_one_call_after_the_other_however_its_answers_end() {
    let keeping = Keeping::start(|number| Reply::keep(&[Reply::sized, Reply::chunked][number % 2](number)));
    run(async {
        let client = client(&keeping);
        for number in 0..20 {
            assert_eq!(call(&client).await.expect("an answer"), number);
        }
        assert_eq!(keeping.connections(), 1);
    });
}

#[test]
fn a_connection_that_was_closed_while_it_was_idle_costs_no_call() {
    for reply in [Reply::close, Reply::announce_close] {
        let keeping = Keeping::start(move |number| reply(&Reply::sized(number)));
        run(async {
            let client = client(&keeping);
            for number in 0..10 {
                // Without a key: what was sent once is not sent again.
                let error = client.dismiss_parked("x").await.expect_err("a number is no empty answer");
                assert!(matches!(&error, ClientError::Unreadable(_)), "{number}: {error}");
                keeping.wait_closed(number + 1);
                see_events().await;
            }
            assert_eq!((keeping.connections(), keeping.requests()), (10, 10));
        });
    }
}

#[test]
fn what_was_sent_and_got_no_answer_is_sent_again_only_with_a_key() {
    let lose_second = |number: usize| if number == 1 { Reply::Lose } else { Reply::keep(&Reply::sized(number)) };
    run(async {
        let keeping = Keeping::start(lose_second);
        let client = Client::new(&keeping.url()).expect("a client");
        assert_eq!(call(&client).await.expect("an answer"), 0);
        assert_eq!(call(&client).await.expect("an answer of the second attempt"), 2);
        let keeping = Keeping::start(lose_second);
        let client = Client::new(&keeping.url()).expect("a client");
        assert_eq!(call(&client).await.expect("an answer"), 0);
        let error = client.dismiss_parked("x").await.expect_err("no answer");
        assert!(matches!(error, ClientError::Unknown { key: None, .. }), "{error}");
        assert_eq!(keeping.requests(), 2);
    });
}

#[test]
fn an_answer_that_comes_too_late_is_not_taken_for_the_next_ones() {
    let keeping = Keeping::start(|number| match number {
        1 => Reply::Late(Reply::sized(number)),
        number => Reply::keep(&Reply::sized(number)),
    });
    run(async {
        let client = client(&keeping);
        assert_eq!(call(&client).await.expect("an answer"), 0);
        let hasty = client.clone().asking_once(Duration::from_millis(200));
        let error = call(&hasty).await.expect_err("no answer in time");
        assert!(matches!(error, ClientError::Unknown { key: Some(_), .. }), "{error}");
        keeping.answer_late();
        assert_eq!(call(&client).await.expect("an answer"), 2);
        assert_eq!(keeping.connections(), 2);
    });
}

#[test]
fn callers_beyond_the_connections_wait_for_one() {
    const CALLERS: usize = 64;
    let keeping = Keeping::start(|number| Reply::keep(&Reply::sized(number)));
    run(async {
        let client = client(&keeping).with_connections(3);
        let calls: Vec<_> = (0..CALLERS)
            .map(|_| {
                tokio::spawn({
                    let client = client.clone();
                    async move { call(&client).await }
                })
            })
            .collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.expect("no panic").expect("an answer"));
        }
        answers.sort_unstable();
        assert_eq!(answers, (0..CALLERS as u64).collect::<Vec<_>>());
        assert!(keeping.connections() <= 3, "{} connections", keeping.connections());
    });
}

#[test]
fn a_caller_who_waited_for_a_connection_in_vain_knows_that_nothing_was_done() {
    let keeping = Keeping::start(|number| Reply::Late(Reply::sized(number)));
    run(async {
        let client = client(&keeping).with_connections(1);
        let busy = tokio::spawn({
            let client = client.clone();
            async move { call(&client).await }
        });
        while keeping.requests() == 0 {
            tokio::task::yield_now().await;
        }
        let error = call(&client.clone().asking_once(Duration::from_millis(200))).await.expect_err("it is in use");
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        assert!(error.to_string().contains("all 1 connections of the client were in use"), "{error}");
        keeping.answer_late();
        assert_eq!(busy.await.expect("no panic").expect("an answer"), 0);
        assert_eq!(keeping.requests(), 1);
    });
}

#[test]
fn a_list_that_is_not_read_on_keeps_no_call_from_its_connection() {
    let line = |key: &str| format!("{}\n", json!({ "key": key, "version": 1, "state": null }));
    let keeping = Keeping::start(move |number| match number {
        0 => Reply::keep(&Reply::text(&(line("a") + &line("b")))),
        number => Reply::keep(&Reply::sized(number)),
    });
    run(async {
        let client = client(&keeping).with_connections(1);
        let mut listing = client.list_all_json("stock").await.expect("it begins");
        assert_eq!(call(&client).await.expect("an answer"), 1);
        let mut keys = Vec::new();
        while let Some(item) = listing.next().await.expect("an entity") {
            keys.push(item.key);
        }
        assert_eq!(keys, ["a", "b"]);
    });
}

#[test]
fn a_client_outlives_the_runtime_that_it_began_in() {
    let keeping = Keeping::start(|number| Reply::keep(&Reply::sized(number)));
    let client = client(&keeping);
    for number in 0..3 {
        assert_eq!(run(call(&client)).expect("an answer"), number);
    }
    // One that is there, and does nothing, does not answer for its connections.
    let idle = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    assert_eq!(idle.block_on(call(&client)).expect("an answer"), 3);
    assert_eq!(run(call(&client)).expect("an answer"), 4);
    assert_eq!(idle.block_on(call(&client)).expect("an answer"), 5);
    assert_eq!(keeping.connections(), 5);
}
