//! The client where something else than a node answers, or half a node: nothing is guessed.

#[path = "strangers/canned.rs"]
mod canned;

use std::time::Duration;

use apostate_api::client::{Client, ClientError, EntityKey, ProducerError};
use apostate_api::{ErrorCode, JsonText, Problem};
use canned::{Canned, answer, problem};
use serde_json::json;

/// Runs a journey.
fn run<T>(journey: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(journey)
}

/// A client that asks three times.
fn client(canned: &Canned) -> Client {
    let client = Client::new(&canned.url()).expect("a client").with_retries(2);
    client.with_deadline(Duration::from_secs(20)).with_attempt(Duration::from_secs(5))
}

/// What a call, a dismissal and a look end with, when they get `answer` as often as they ask.
async fn errors(answer: &str) -> [ClientError; 3] {
    let canned = Canned::start(&[answer]).await;
    let key = EntityKey::new("tea").expect("a key");
    let call = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no node");
    let dismissal = client(&canned).dismiss_parked("7").await.expect_err("no node");
    let look = client(&canned).read_json("stock", &key, "level", &json!({})).await.expect_err("no node");
    [call, dismissal, look]
}

#[test]
fn what_says_no_and_is_no_node_has_done_nothing() {
    for status in [301, 403, 404] {
        for error in run(errors(&answer(status, "<html>"))) {
            assert!(matches!(error, ClientError::NoNode { status: said, .. } if said == status), "{error}");
        }
    }
}

#[test]
fn what_says_yes_and_is_no_node_is_not_believed() {
    run(async {
        let canned = Canned::start(&[&answer(200, "<html>")]).await;
        for error in [client(&canned).retry_parked("7").await, client(&canned).dismiss_parked("7").await] {
            assert!(matches!(&error, Err(ClientError::Unreadable(_))), "{error:?}");
        }
    });
}

#[test]
fn what_lost_the_answer_of_a_node_leaves_a_call_unknown() {
    for lost in [answer(502, "<html>"), answer(504, ""), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n5".to_owned()] {
        let [call, dismissal, look] = run(errors(&lost));
        assert!(matches!(&call, ClientError::Unknown { key: Some(_), .. }), "{call}");
        assert!(matches!(&dismissal, ClientError::Unknown { key: None, .. }), "{dismissal}");
        assert!(matches!(&look, ClientError::NoNode { .. } | ClientError::Unreachable { .. }), "{look}");
    }
}

#[test]
fn what_a_node_does_not_know_it_says_of_what_changes_something() {
    let newer = Problem { code: "on-the-moon".to_owned(), ..Problem::new(ErrorCode::Internal, "") };
    for said in [Problem::new(ErrorCode::OutcomeUnknown, ""), Problem::new(ErrorCode::Internal, ""), newer] {
        let [call, dismissal, look] = run(errors(&problem(&said)));
        assert!(matches!(&call, ClientError::Unknown { detail, .. } if detail.contains(&said.code)), "{call}");
        assert!(matches!(&dismissal, ClientError::Unknown { key: None, .. }), "{dismissal}");
        assert!(matches!(&look, ClientError::Problem(problem) if problem.code == said.code), "{look}");
    }
}

#[test]
fn what_was_unknown_once_stays_so_unless_the_entity_answers() {
    let stranger = answer(404, "<html>");
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        let canned = Canned::start(&["", &stranger]).await;
        let error = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no answer");
        assert!(matches!(&error, ClientError::Unknown { detail, .. } if detail.contains("404")), "{error}");
        // The first may be on its way still, and find the entity in another mood: only what is remembered holds for it too.
        let panicked = problem(&Problem::new(ErrorCode::HandlerPanicked, "it fell"));
        let canned = Canned::start(&["", &panicked]).await;
        let error = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no answer");
        assert!(matches!(&error, ClientError::Unknown { detail, .. } if detail.contains("it fell")), "{error}");
        let refused = problem(&Problem::refused(409, "out-of-stock", "only 7 left"));
        let canned = Canned::start(&["", &refused]).await;
        let error = client(&canned).call_json("stock", &key, "take", &json!({})).await.expect_err("there are 7");
        assert_eq!(error.refusal().map(|refusal| refusal.code.as_str()), Some("out-of-stock"), "{error}");
        // What was done and cannot be shown was done, whatever became of the attempt before.
        let unshown = problem(&Problem::new(ErrorCode::UnreadableReply, "NaN is no number in JSON"));
        let earlier = problem(&Problem::new(ErrorCode::DoneEarlier, "another build did it"));
        let canned = Canned::start(&["", &earlier]).await;
        let error = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no reply");
        assert!(matches!(&error, ClientError::Unshown(_)), "{error}");
        for answers in [&[unshown.as_str()][..], &["", &unshown]] {
            let canned = Canned::start(answers).await;
            let error = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no reply");
            assert!(matches!(&error, ClientError::Unshown(_)), "{error}");
            assert_eq!((error.code(), canned.asked().len()), (Some(ErrorCode::UnreadableReply), answers.len()));
        }
        let canned = Canned::start(&["", &stranger, &answer(200, "5")]).await;
        assert_eq!(client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect("a level"), "5");
        assert_eq!(canned.asked().len(), 3);
    });
}

#[test]
fn what_no_header_field_can_carry_is_no_client_key() {
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        let canned = Canned::start(&[&answer(200, "5")]).await;
        for bad in ["a\nb", "\u{7f}", "Schlüssel"] {
            let call = client(&canned).call_json_once(bad, "stock", &key, "receive", &json!({})).await;
            assert_eq!(call.expect_err("no key").code(), Some(ErrorCode::BadClientKey), "{bad:?}");
        }
        assert_eq!(canned.asked().len(), 0);
        let odd = client(&canned).call_json_once(r#"a "key" \"#, "stock", &key, "receive", &json!({})).await;
        assert_eq!(odd.expect("a level"), "5");
    });
}

#[test]
fn what_no_header_field_can_carry_whole_is_no_producers_name() {
    run(async {
        let canned = Canned::start(&[&answer(200, &json!({ "number": 1, "result": "done" }).to_string())]).await;
        for bad in ["a\nb", "\u{7f}", " till", "till\t"] {
            let error = client(&canned).producer(bad).expect_err("no name");
            assert_eq!(error.code(), Some(ErrorCode::BadProducer), "{bad:?}");
        }
        for good in ["till 7", "Schlüssel", "a\tb"] {
            client(&canned).producer(good).expect("a name").finish().await.expect("nothing was sent");
        }
        assert!(canned.asked().is_empty());
    });
}

#[test]
fn a_client_that_asks_once_says_at_once_what_it_was_told() {
    let patience = Duration::from_secs(60);
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        let busy = problem(&Problem::new(ErrorCode::Busy, ""));
        for (said, code) in [(busy.as_str(), Some(ErrorCode::Busy)), ("", None)] {
            let canned = Canned::start(&[said]).await;
            let client = Client::new(&canned.url()).expect("a client").asking_once(patience);
            let error = client.call_json("stock", &key, "receive", &json!({})).await.expect_err("no answer");
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(matches!(error, ClientError::Unknown { .. }), code.is_none(), "{error}");
            assert_eq!(canned.asked().len(), 1);
        }
        let nobody = Canned::start(&[""]).await.url();
        let client = Client::new(&nobody).expect("a client").asking_once(patience);
        let error = tokio::time::timeout(patience / 2, client.status()).await.expect("nobody is waited for");
        assert!(matches!(error, Err(ClientError::Unreachable { .. })), "{error:?}");
    });
}

#[test]
fn a_stream_whose_answer_has_no_end_breaks() {
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        for status in ["200 OK", "503 So"] {
            let canned = Canned::without_end(&format!("HTTP/1.1 {status}\r\nConnection: close\r\n\r\n")).await;
            let client = client(&canned).with_deadline(Duration::ZERO);
            let mut producer = client.producer("till").expect("a name");
            producer.send_json(1, "stock", &key, "receive", &json!({})).await.expect("it begins");
            let error = producer.finish().await.expect_err("no results");
            assert!(matches!(error, ProducerError::Broken { resume_from: 1, .. }), "{error}");
        }
    });
}

#[test]
fn a_stream_that_was_idle_tries_until_its_deadline_as_any_other() {
    const DEADLINE: Duration = Duration::from_secs(1);
    let key = EntityKey::new("tea").expect("a key");
    let result = |number: u64| format!("{}\n", json!({ "number": number, "result": "done", "reply": 5 }));
    run(async {
        // A node ends a stream that has been idle, and may ask for as much time as there is.
        for retry_after in [None, Some(DEADLINE.as_secs())] {
            let idle = Problem { retry_after, ..Problem::new(ErrorCode::RequestTimeout, "") };
            let idle = serde_json::to_string(&idle).expect("JSON");
            let answers = [answer(200, &(result(1) + &idle)), String::new(), answer(200, &result(2))];
            let canned = Canned::start(&answers.each_ref().map(String::as_str)).await;
            let mut producer = client(&canned).with_deadline(DEADLINE).producer("till").expect("a name");
            producer.send_json(1, "stock", &key, "receive", &json!({})).await.expect("it begins");
            assert_eq!(producer.wait_results().await.expect("a result").len(), 1);
            // It is idle for longer than it would try.
            tokio::time::sleep(DEADLINE + DEADLINE / 5).await;
            producer.send_json(2, "stock", &key, "receive", &json!({})).await.expect("it goes on");
            let summary = producer.finish().await.expect("it tries again");
            assert_eq!((summary.done, canned.asked().len()), (2, 3));
        }
    });
}

#[test]
fn what_is_too_long_for_a_url_is_said_at_once() {
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        let canned = Canned::start(&[&answer(414, "<html>"), &answer(431, "")]).await;
        let client = client(&canned);
        for (text, asked) in [("long".repeat(20_000), 0), ("short".to_owned(), 1), ("short".to_owned(), 2)] {
            let error = client.read_json("stock", &key, "has", &json!({ "text": text })).await.expect_err("no answer");
            assert!(matches!(error, ClientError::TooLong), "{error}");
            assert!(error.to_string().contains("too long for a URL"), "{error}");
            assert_eq!(canned.asked().len(), asked);
        }
    });
}

#[test]
fn no_time_is_too_long_to_be_said() {
    let key = EntityKey::new("tea").expect("a key");
    let later = |problem: &Problem| {
        let end = format!("\r\nRetry-After: {}\r\n\r\n", u64::MAX);
        self::problem(problem).replacen("\r\n\r\n", &end, 1)
    };
    run(async {
        let busy = Problem { retry_after: Some(u64::MAX), ..Problem::new(ErrorCode::Busy, "") };
        for said in [problem(&busy), later(&busy)] {
            let canned = Canned::start(&[&said]).await;
            let error = client(&canned).call_json("stock", &key, "receive", &json!({})).await.expect_err("no answer");
            assert_eq!(error.code(), Some(ErrorCode::Busy), "{error}");
            let mut producer = client(&canned).producer("till").expect("a name");
            producer.send_json(1, "stock", &key, "receive", &json!({})).await.expect("it begins");
            let error = producer.finish().await.expect_err("no results");
            assert!(matches!(error, ProducerError::Broken { resume_from: 1, .. }), "{error}");
        }
        let result = json!({ "number": 1, "result": "done", "reply": 5 });
        let canned = Canned::start(&[&answer(200, "5"), &answer(200, "5"), &answer(200, &format!("{result}\n"))]).await;
        let for_ever = client(&canned).with_deadline(Duration::MAX).with_attempt(Duration::MAX);
        for client in [for_ever.clone(), Client::new(&canned.url()).expect("a client").asking_once(Duration::MAX)] {
            assert_eq!(client.call_json("stock", &key, "receive", &json!({})).await.expect("a level"), "5");
        }
        let mut producer = for_ever.producer("till").expect("a name");
        producer.send_json(1, "stock", &key, "receive", &json!({})).await.expect("it begins");
        assert_eq!(producer.finish().await.expect("every result").done, 1);
    });
}

/// The keys of a list that is answered so, and how it ends.
async fn listed(canned: Canned) -> (Vec<String>, Option<ClientError>) {
    let mut keys = Vec::new();
    let mut listing = client(&canned).list_all_json("stock").await.expect("it begins");
    loop {
        match listing.next().await {
            Ok(Some(item)) => keys.push(item.key),
            Ok(None) => return (keys, None),
            Err(error) => {
                assert!(matches!(listing.next().await, Ok(None)), "it is over");
                return (keys, Some(error));
            }
        }
    }
}

#[test]
fn a_list_is_read_page_by_page_and_each_page_says_where_the_next_begins() {
    let page = |key: &str, next: Option<&str>| {
        let items = [json!({ "key": key, "version": 1, "state": { "on_hand": 5 } })];
        answer(200, &json!({ "items": items, "next": next }).to_string())
    };
    run(async {
        let canned = Canned::start(&[&page("a", Some("x/1")), &page("b", None)]).await;
        let first = client(&canned).list_json("stock", None, 1).await.expect("a page");
        assert_eq!(first.items[0].key, "a");
        assert_eq!(first.items[0].state.as_ref().map(JsonText::as_str), Ok(r#"{"on_hand":5}"#));
        let last = client(&canned).list_json("stock", first.next.as_deref(), 1).await.expect("a page");
        assert_eq!((last.items[0].key.as_str(), last.next), ("b", None));
        let expected = ["GET /entities/stock?limit=1 HTTP/1.1", "GET /entities/stock?limit=1&after=x%2F1 HTTP/1.1"];
        assert_eq!(canned.asked(), expected);
    });
}

#[test]
fn what_breaks_a_list_off_is_told_after_what_came_before() {
    let item = |key: &str| format!("{}\n", json!({ "key": key, "version": 1, "state": null }));
    let cut = |rest: &str| answer(200, &format!("{}{rest}", item("a"))).replace("Length: ", "Length: 9");
    let last = serde_json::to_string(&Problem::new(ErrorCode::NotReady, "")).expect("JSON");
    run(async {
        let (keys, end) = listed(Canned::start(&[&answer(200, &(item("a") + item("b").trim_end()))]).await).await;
        assert!(end.is_none(), "{end:?}");
        assert_eq!(keys, ["a", "b"]);
        let (_, end) = listed(Canned::start(&[&answer(200, "")]).await).await;
        assert!(end.is_none(), "{end:?}");
        let (keys, end) = listed(Canned::start(&[&answer(200, &(item("a") + &last))]).await).await;
        assert_eq!((keys.len(), end.and_then(|end| end.code())), (1, Some(ErrorCode::NotReady)));
        for broken in [cut(""), cut(&item("b")[..9])] {
            let (keys, end) = listed(Canned::start(&[&broken]).await).await;
            assert!(keys == ["a"] && matches!(end, Some(ClientError::Broken(_))), "{keys:?} {end:?}");
        }
        for odd in ["null", "{}", &item("b")[..9]] {
            let (keys, end) = listed(Canned::start(&[&answer(200, &(item("a") + odd))]).await).await;
            assert!(keys == ["a"] && matches!(end, Some(ClientError::Unreadable(_))), "{keys:?} {end:?}");
        }
    });
}

#[test]
fn an_answer_without_an_end_does_not_take_all_memory() {
    run(async {
        let canned = Canned::without_end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await;
        let client = client(&canned).asking_once(Duration::from_secs(60));
        let error = client.status().await.expect_err("no answer");
        assert!(matches!(&error, ClientError::Unreadable(_)), "{error}");
        let error = client.list_all_json("stock").await.expect("it begins").next().await.expect_err("no line");
        assert!(matches!(&error, ClientError::Unreadable(_)), "{error}");
    });
}
