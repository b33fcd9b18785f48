//! Looks: arguments in the query, and nothing changed.

use crate::support::Server;

#[test]
fn arguments_stand_in_the_query_and_are_what_the_handler_takes() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":9}"#);
    let quote = "/entities/stock/tea/quote";
    assert_eq!(client.get(&format!("{quote}?name=Ada&units=3")).good(), "Ada: 3 of 9");
    assert_eq!(client.get(&format!("{quote}?name=42&units=3")).good(), "42: 3 of 9", "a number, where a text is taken");
    assert_eq!(client.get(&format!("{quote}?name=true&units=3&express=true")).good(), "true: 3 of 9, at once");
    assert_eq!(client.get(&format!("{quote}?name=a%26b+c&units=3&express=null")).good(), "a&b c: 3 of 9");
    let exact = "?arguments=%7B%22name%22:%22Ada%22,%22units%22:3%7D";
    assert_eq!(client.get(&format!("{quote}{exact}")).good(), "Ada: 3 of 9");
    client.get(&format!("{quote}?name=Ada")).problem("bad-json");
    client.get(&format!("{quote}?name=Ada&units=three")).problem("bad-json");
    client.get(&format!("{quote}?name=Ada&name=Bob&units=1")).problem("bad-query");
    client.get(&format!("{quote}?name=%FF&units=1")).problem("bad-query");
}

#[test]
fn a_look_is_a_get_and_a_change_is_a_post() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":9}"#);
    let answer = client.post("/entities/stock/tea/available", "");
    answer.problem("read-is-get");
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    let answer = client.get("/entities/stock/tea/receive?units=1");
    answer.problem("changes-is-post");
    assert_eq!(answer.header("allow"), Some("POST"));
    client.ask("PUT", "/entities/stock/tea/receive", &[], "").problem("changes-is-post");
    assert_eq!(client.get("/entities/stock/tea/available").good(), 9);
}

#[test]
fn head_is_like_get_without_a_body() {
    let server = Server::start();
    let mut client = server.client();
    client.post("/entities/stock/tea/receive", r#"{"units":9}"#);
    for path in ["/entities/stock/tea/available", "/entities/stock/tea", "/entities/stock", "/health", "/"] {
        let (head, get) = (client.ask("HEAD", path, &[], ""), client.get(path));
        assert_eq!((head.status, get.status), (200, 200), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("entity-version"), get.header("entity-version"), "{path}");
    }
}

#[test]
fn looking_at_what_is_not_there_creates_nothing() {
    let server = Server::start();
    let mut client = server.client();
    for _ in 0..2 {
        client.get("/entities/stock/milk/available").problem("entity-missing");
        client.get("/entities/stock/milk").problem("entity-missing");
    }
    assert_eq!(client.get("/entities/stock").good()["next"], serde_json::Value::Null);
}
