//! Tokens: whoever has none is told no more than that there is a node.

use apostate_server::{HttpSettings, ServeError};

use crate::support::{Server, settings};

const TOKEN: &str = "correct-horse-battery-staple";

#[test]
fn without_the_token_nothing_is_read_or_changed() {
    let server = Server::with(1, HttpSettings { token: Some(TOKEN.to_owned()), ..settings() });
    let mut client = server.client();
    for (method, path) in [
        ("POST", "/entities/stock/tea/receive"),
        ("GET", "/entities/stock/tea"),
        ("GET", "/entities/stock"),
        ("POST", "/messages"),
        ("GET", "/parked"),
        ("GET", "/partitions"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/nothing"),
    ] {
        let answer = client.ask(method, path, &[], "");
        let page = answer.problem("token-missing")["type"].as_str().expect("a page").to_owned();
        assert_eq!(client.get(&page).status, 200, "who has no token can read what that means");
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
        for wrong in
            ["Bearer correct-horse-battery-stapl", "Bearer correct-horse-battery-staplee", "Basic x", "Bearer "]
        {
            client.ask(method, path, &[("authorization", wrong)], "").problem("token-wrong");
        }
    }
    for path in ["/", "/health", "/ready", "/errors/busy"] {
        assert_eq!(client.get(path).status, 200, "{path}");
    }
    let right = format!("Bearer {TOKEN}");
    let headers = [("authorization", right.as_str())];
    assert_eq!(client.ask("POST", "/entities/stock/tea/receive", &headers, r#"{"units":1}"#).good(), 1);
    for other in [right.as_str(), "Bearer wrong"] {
        let twice = [("authorization", right.as_str()), ("authorization", other)];
        client.ask("GET", "/entities/stock/tea/available", &twice, "").problem("bad-header");
        client = server.client();
    }
    let headers = [("authorization", right.as_str())];
    assert_eq!(client.ask("GET", "/entities/stock/tea/available", &headers, "").good(), 1);
    let lower = format!("bearer {TOKEN}");
    assert_eq!(client.ask("GET", "/entities/stock/tea/available", &[("authorization", &lower)], "").good(), 1);
}

#[test]
fn other_machines_are_let_in_with_a_token_or_when_somebody_says_so() {
    let server = Server::with(1, settings());
    let everywhere = || HttpSettings { listen: ([0, 0, 0, 0], 0).into(), ..settings() };
    let error = server.node.serve(everywhere()).err().expect("refused");
    assert!(matches!(error, ServeError::Settings(_)), "{error}");
    let allowed = [
        HttpSettings { insecure: true, ..everywhere() },
        HttpSettings { token: Some(TOKEN.to_owned()), ..everywhere() },
    ];
    for settings in allowed {
        server.node.serve(settings).expect("it listens").stop();
    }
}

#[test]
fn an_address_that_is_taken_is_named() {
    let server = Server::with(1, settings());
    let error = server.node.serve(HttpSettings { listen: server.address(), ..settings() }).err().expect("refused");
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address()));
}

#[test]
fn a_page_of_another_site_cannot_use_a_browser_of_this_machine() {
    let server = Server::with(1, settings());
    let mut client = server.client();
    let origin = [("origin", "http://evil.example")];
    client.ask("POST", "/entities/stock/tea/receive", &origin, r#"{"units":1}"#).problem("foreign-origin");
    let rebound = "GET /entities/stock/tea HTTP/1.1\r\nhost: evil.example:7070\r\n\r\n";
    server.client().send(rebound).response().problem("foreign-origin");
    let image = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")];
    server.client().ask("GET", "/entities/stock", &image, "").problem("foreign-origin");
    server.client().get("/entities/stock/tea").problem("entity-missing");
    let own = [("origin", "http://localhost")];
    assert_eq!(server.client().ask("POST", "/entities/stock/tea/receive", &own, r#"{"units":1}"#).good(), 1);
}
