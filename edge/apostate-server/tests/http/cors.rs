//! Pages of origins that the operator named ask from a browser; others cannot.

use apostate_server::HttpSettings;

use crate::support::{Server, settings};

const TOKEN: &str = "correct-horse-battery-staple";
const SHOP: &str = "https://shop.example";

fn preflight(origin: &str) -> [(&str, &str); 3] {
    [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization, content-type, idempotency-key"),
    ]
}

/// A page's call as a browser makes it: the preflight without a token, then the call.
fn check(token: Option<&str>) {
    let cors_origins = vec!["http://localhost:5173".to_owned(), SHOP.to_owned()];
    let server = Server::with(1, HttpSettings { token: token.map(str::to_owned), cors_origins, ..settings() });
    let mut client = server.client();
    let path = "/entities/stock/tea/receive";
    let answer = client.ask("OPTIONS", path, &preflight(SHOP), "");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(SHOP)));
    assert!(answer.header("access-control-allow-methods").is_some_and(|methods| methods.contains("POST")));
    let sent = answer.header("access-control-allow-headers").expect("fields");
    assert!(sent.contains("authorization") && sent.contains("idempotency-key"), "{sent}");
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("origin", SHOP), ("sec-fetch-site", "cross-site")];
    headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
    let answer = client.ask("POST", path, &headers, r#"{"units":1}"#);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(SHOP)));
    assert!(answer.header("access-control-expose-headers").is_some_and(|shown| shown.contains("entity-version")));
    assert_eq!(answer.header("vary"), Some("origin"));
    let answer = client.ask("GET", "/entities/stock/nothing", &headers, "");
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (404, Some(SHOP)),
        "problems are read, too"
    );
    let evil = "https://evil.example";
    let answer = server.client().ask("OPTIONS", path, &preflight(evil), "");
    assert!(answer.status >= 400 && answer.header("access-control-allow-origin").is_none(), "{}", answer.status);
    headers[0] = ("origin", evil);
    let answer = server.client().ask("GET", "/entities/stock/tea", &headers, "");
    assert_eq!(answer.status, if token.is_some() { 200 } else { 403 });
    assert!(answer.header("access-control-allow-origin").is_none());
}

#[test]
fn pages_of_named_origins_ask_with_a_token_and_without() {
    check(None);
    check(Some(TOKEN));
}

#[test]
fn what_is_no_origin_is_refused_before_anything_starts() {
    let server = Server::with(1, settings());
    for other in ["*", "shop.example", "https://shop.example/"] {
        let settings = HttpSettings { cors_origins: vec![other.to_owned()], ..settings() };
        let error = server.node.serve(settings).err().expect("refused");
        let text = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(text.contains("`cors-origins`") && text.contains("https://shop.example"), "{text}");
    }
}
