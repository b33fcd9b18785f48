//! The typed client against a node, with a network between them that breaks.

mod common;
#[path = "typed_client/proxy.rs"]
mod proxy;

use std::time::Duration;

use apostate_api::client::{Client, ClientError, EntityKey, ProducerError};
use apostate_api::{BulkEnding, ErrorCode, JsonText};
use apostate_server::{HttpSettings, Node, Serving};
use common::{Ghost, Stock};
use proxy::Proxy;
use serde_json::json;
use tempfile::TempDir;

/// A node that listens, and goes when the test ends.
struct Server {
    serving: Option<Serving>,
    node: Node,
    data: TempDir,
}

impl Server {
    fn start(settings: HttpSettings) -> Self {
        let data = common::directory();
        let node = common::open(&data.path().join("data"), 2);
        let serving = node.serve(settings).expect("a free port");
        Self { serving: Some(serving), node, data }
    }

    fn plain() -> Self {
        Self::start(settings())
    }

    fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    fn address(&self) -> std::net::SocketAddr {
        self.serving.as_ref().expect("it listens").local_addr()
    }

    /// Stops, and starts again at the same address.
    fn restart(&mut self) {
        let address = self.address();
        self.serving.take().expect("it listens").stop();
        self.node.stop().expect("a clean stop");
        self.node = common::open(&self.data.path().join("data"), 2);
        let settings = HttpSettings { listen: address, ..settings() };
        self.serving = Some(self.node.serve(settings).expect("the same port"));
    }

    fn client(&self) -> Client {
        Client::new(&self.url()).expect("a client")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop();
        }
        self.node.stop().expect("a clean stop");
    }
}

fn settings() -> HttpSettings {
    HttpSettings { listen: ([127, 0, 0, 1], 0).into(), threads: Some(1), ..HttpSettings::default() }
}

/// Runs a journey.
fn run<T>(journey: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(journey)
}

#[test]
fn what_goes_out_and_comes_back_has_the_types_of_the_application() {
    let server = Server::plain();
    let client = server.client();
    run(async {
        client.ready().await.expect("all partitions serve");
        assert_eq!(client.call(Stock::at("tea").receive(5)).await.expect("a level"), 5);
        client.send(Stock::at("tea").receive(2)).await.expect("it is durable");
        assert_eq!(client.read(Stock::at("tea").available()).await.expect("a level"), 7);
        let refused = client.call(Stock::at("tea").take(9)).await.expect_err("there are 7");
        let refusal = refused.refusal().expect("the entity's no");
        assert_eq!(
            (refusal.code.as_str(), refusal.text.as_str(), refusal.status()),
            ("out-of-stock", "only 7 left", 409)
        );
        let state = client.state::<Stock>("tea").await.expect("an answer").expect("it exists");
        assert_eq!((state.version, state.state), (2, Stock { on_hand: 7, received: 2 }));
        assert!(client.state::<Stock>("coffee").await.expect("an answer").is_none());
        let missing = client.read(Stock::at("coffee").available()).await.expect_err("nothing to look at");
        assert_eq!(missing.code(), Some(ErrorCode::EntityMissing));
        let unknown = client.call(Ghost::at("x").boo()).await.expect_err("the node does not know it");
        assert_eq!(unknown.code(), Some(ErrorCode::KindMissing));
        let panicked = client.call(Stock::at("tea").fumble(13)).await.expect_err("a bug");
        assert_eq!(panicked.code(), Some(ErrorCode::HandlerPanicked));
    });
}

#[test]
fn a_read_is_answered_or_too_long_however_long_its_arguments_are() {
    let server = Server::plain();
    let client = server.client();
    let key = EntityKey::new("tea").expect("a key");
    run(async {
        client.call(Stock::at("tea").receive(5)).await.expect("a level");
        // Around what a URL can have at most, and a head with it.
        for length in (64_000..66_000).step_by(50) {
            let look = client.read_json("stock", &key, "available", &json!({ "a": "a".repeat(length) })).await;
            match look {
                Ok(level) => assert_eq!(level, "5"),
                Err(error) => assert!(matches!(error, ClientError::TooLong), "{length}: {error}"),
            }
        }
    });
}

#[test]
fn any_key_reaches_its_entity() {
    let server = Server::plain();
    let client = server.client();
    run(async {
        let keys = ["a/b", "BANK CHARGES", "50%", "%2F", "?x=1#y", "£", "a\tb", "+", "..."];
        for (number, key) in (1..).zip(keys) {
            assert_eq!(client.call(Stock::at(key).receive(number)).await.expect("a level"), number, "{key:?}");
        }
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = client.list::<Stock>(after.as_deref(), 4).await.expect("a page");
            listed.extend(page.items.into_iter().map(|item| (item.state.expect("a state").on_hand, item.key)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (mut streamed, mut listing) = (Vec::new(), client.list_all::<Stock>().await.expect("it begins"));
        while let Some(item) = listing.next().await.expect("an entity") {
            streamed.push((item.state.expect("a state").on_hand, item.key));
        }
        assert_eq!(streamed, listed, "page by page, and all at once");
        listed.sort();
        let expected: Vec<_> = (1..).zip(keys.map(str::to_owned)).collect();
        assert_eq!(listed, expected);
        for key in [".", ".."] {
            let error = client.call(Stock::at(key).receive(1)).await.expect_err("no URL can say it");
            assert!(matches!(error, ClientError::NoPath(_)), "{error}");
        }
        assert!(matches!(client.call(Stock::at("").receive(1)).await, Err(ClientError::Key(_))));
    });
}

#[test]
fn a_call_whose_answer_is_lost_is_done_once_and_answered() {
    let server = Server::plain();
    run(async {
        let proxy = Proxy::start(server.address()).await;
        let client = Client::new(&proxy.url()).expect("a client");
        for call in 1..=20 {
            proxy.lose_answers(3);
            assert_eq!(client.call(Stock::at("tea").receive(1)).await.expect("a level"), call);
        }
        assert_eq!(proxy.lost(), 60);
        let state = client.state::<Stock>("tea").await.expect("an answer").expect("it exists");
        assert_eq!(state.state, Stock { on_hand: 20, received: 20 });
    });
}

#[test]
fn calls_in_the_middle_of_a_restart_are_done_once_each() {
    const CALLERS: u32 = 50;
    const CALLS_EACH: u32 = 10;
    const CALLS: u32 = CALLERS * CALLS_EACH;
    let mut server = Server::plain();
    let client = server.client();
    let (tell, told) = std::sync::mpsc::channel();
    let restarted = &mut server;
    std::thread::scope(|scope| {
        let restart = scope.spawn(move || {
            // Then most of them are still to come, and some under way.
            assert_eq!(told.iter().take(CALLS as usize / 5).count(), CALLS as usize / 5);
            restarted.restart();
        });
        run(async {
            let mut callers = tokio::task::JoinSet::new();
            for caller in 0..CALLERS {
                let (client, tell) = (client.clone(), tell.clone());
                callers.spawn(async move {
                    for _ in 0..CALLS_EACH {
                        client.call(Stock::at(caller % 7).receive(1)).await.expect("a level");
                        // Once the restart has begun it does not listen.
                        let _ = tell.send(());
                    }
                });
            }
            callers.join_all().await;
        });
        restart.join().expect("it is there again");
    });
    run(async {
        let (mut on_hand, mut received) = (0, 0);
        for key in 0..7_u32 {
            let stock = client.state::<Stock>(key).await.expect("an answer").expect("it exists").state;
            (on_hand, received) = (on_hand + stock.on_hand, received + stock.received);
        }
        assert_eq!((on_hand, received), (CALLS, CALLS));
    });
}

#[test]
fn what_stays_unknown_says_so_and_is_resolved_with_its_key() {
    let server = Server::plain();
    run(async {
        let proxy = Proxy::start(server.address()).await;
        let client = Client::new(&proxy.url()).expect("a client").with_deadline(Duration::from_secs(1));
        proxy.lose_answers(usize::MAX);
        let error = client.call_once("key-1", Stock::at("tea").receive(5)).await.expect_err("no answer came");
        let ClientError::Unknown { key, .. } = &error else { panic!("{error}") };
        assert_eq!(key.as_deref(), Some("key-1"));
        proxy.lose_answers(0);
        assert_eq!(client.call_once("key-1", Stock::at("tea").receive(5)).await.expect("the same answer"), 5);
        let reused = client.call_once("key-1", Stock::at("tea").receive(6)).await.expect_err("another request");
        assert_eq!(reused.code(), Some(ErrorCode::ClientKeyReused));
    });
}

#[test]
fn an_empty_bucket_ends_repetitions_before_the_deadline_does() {
    let server = Server::plain();
    run(async {
        let proxy = Proxy::start(server.address()).await;
        proxy.lose_answers(usize::MAX);
        let client = Client::new(&proxy.url()).expect("a client").with_retries(4);
        let error = client.call(Stock::at("tea").receive(5)).await.expect_err("no answer came");
        assert!(matches!(error, ClientError::Unknown { .. }), "{error}");
        assert_eq!(proxy.lost(), 5);
    });
}

#[test]
fn where_nobody_is_at_home_nothing_was_done() {
    let server = Server::plain();
    run(async {
        let nobody = Proxy::free_address().await;
        let client = Client::new(&format!("http://{nobody}")).expect("a client").with_deadline(Duration::from_secs(1));
        let error = client.call(Stock::at("tea").receive(5)).await.expect_err("nobody");
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
        // What begins to listen meanwhile is found.
        let client = Client::new(&format!("http://{nobody}")).expect("a client").with_retries(0);
        let call = tokio::spawn(async move { client.call(Stock::at("tea").receive(5)).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        let _proxy = Proxy::at(nobody, server.address()).await;
        assert_eq!(call.await.expect("no panic").expect("a level"), 5);
    });
    for url in ["", "127.0.0.1:7070", "ftp://127.0.0.1", "file:///etc"] {
        assert!(Client::new(url).is_err(), "{url}");
    }
}

#[test]
fn a_token_admits_the_client() {
    let token = "a-token-that-nobody-guesses";
    let server = Server::start(HttpSettings { token: Some(token.to_owned()), ..settings() });
    run(async {
        let client = server.client();
        let error = client.call(Stock::at("tea").receive(5)).await.expect_err("no token");
        assert_eq!(error.code(), Some(ErrorCode::TokenMissing));
        let wrong = client.clone().with_token("another-one-of-its-length..").expect("a token");
        let error = wrong.producer("till").expect("a name").finish_with(Stock::at("tea").receive(5)).await;
        assert!(matches!(error, Err(ProducerError::Ended { resume_from: 1, .. })), "{error:?}");
        let client = client.with_token(token).expect("a token");
        assert_eq!(client.call(Stock::at("tea").receive(5)).await.expect("a level"), 5);
    });
}

/// One message, and the end.
trait FinishWith {
    async fn finish_with(
        self,
        call: apostate::Call<Stock, u32>,
    ) -> Result<apostate_api::client::ProducerSummary, ProducerError>;
}

impl FinishWith for apostate_api::client::Producer {
    async fn finish_with(
        mut self,
        call: apostate::Call<Stock, u32>,
    ) -> Result<apostate_api::client::ProducerSummary, ProducerError> {
        self.send(1, call).await?;
        self.finish().await
    }
}

#[test]
fn a_stream_goes_on_where_its_connection_broke() {
    const MESSAGES: u64 = 5000;
    let server = Server::plain();
    run(async {
        let proxy = Proxy::start(server.address()).await;
        let client = Client::new(&proxy.url()).expect("a client");
        let mut producer = client.producer("till").expect("a name");
        for number in 1..=MESSAGES {
            producer.send(number, Stock::at(number % 7).receive(1)).await.expect("it goes on");
            if number % 1000 == 0 {
                // In the middle: some have their results, and others are on their way.
                while producer.unanswered() > 500 {
                    tokio::task::yield_now().await;
                }
                proxy.cut();
            }
        }
        let summary = producer.finish().await.expect("every result");
        // Accepted: it came while its entity was being fetched, and waits there.
        assert_eq!(summary.done + summary.duplicates + summary.accepted, MESSAGES, "{summary:?}");
        assert_eq!(summary.refused, 0);
        assert!(proxy.broken() >= 4, "{} connections were cut", proxy.broken());
        server.node.client().settle().expect("it answers");
        let mut received = 0;
        for key in 0..7 {
            received += u64::from(client.read(Stock::at(key).available()).await.expect("a level"));
        }
        assert_eq!(received, MESSAGES);
    });
}

#[test]
fn a_stream_tells_what_became_of_each_message() {
    let server = Server::plain();
    let client = server.client();
    run(async {
        let mut producer = client.producer("till").expect("a name");
        producer.send(1, Stock::at("tea").receive(5)).await.expect("sent");
        producer.send(3, Stock::at("tea").take(9)).await.expect("sent");
        producer.send(4, Stock::at("tea").receive(1)).await.expect("sent");
        let again = producer.send(4, Stock::at("tea").receive(1)).await.expect_err("not above 4");
        assert_eq!(again, ProducerError::NotAscending { number: 4, highest: 4 });
        let high = producer.send(u64::MAX, Stock::at("tea").receive(1)).await.expect_err("above all numbers");
        assert_eq!(high, ProducerError::NotAscending { number: u64::MAX, highest: 4 });
        let mut results = Vec::new();
        while producer.unanswered() > 0 || results.len() < 3 {
            results.extend(producer.wait_results().await.expect("results"));
        }
        results.sort_by_key(|result| result.number);
        let endings: Vec<_> = results.iter().map(|result| (result.number, result.result)).collect();
        assert_eq!(endings, [(1, BulkEnding::Done), (3, BulkEnding::Refused), (4, BulkEnding::Done)]);
        assert_eq!(results[0].reply, Some(JsonText::of(&5).expect("JSON")));
        assert_eq!(results[1].code.as_deref(), Some("out-of-stock"));
        let summary = producer.finish().await.expect("an end");
        assert_eq!((summary.done, summary.refused), (2, 1));
        // A message that the node cannot take ends the stream, and is sent again once it is righted.
        let mut producer = client.producer("till").expect("a name");
        producer.send(5, Ghost::at("x").boo()).await.expect("sent");
        let ended = producer.finish().await.expect_err("there are no ghosts");
        let ProducerError::Ended { problem, resume_from } = ended else { panic!("{ended}") };
        assert_eq!((problem.error_code(), resume_from), (Some(ErrorCode::KindMissing), 5));
        let mut producer = client.producer("till").expect("a name");
        producer.send(5, Stock::at("tea").receive(1)).await.expect("sent");
        assert_eq!(producer.finish().await.expect("an end").done, 1);
        // From the beginning, as after a crash of the producer.
        let mut producer = client.producer("till").expect("a name");
        producer.send(1, Stock::at("tea").receive(5)).await.expect("sent");
        assert_eq!(producer.finish().await.expect("an end").duplicates, 1);
        assert_eq!(client.read(Stock::at("tea").available()).await.expect("a level"), 7);
    });
}
