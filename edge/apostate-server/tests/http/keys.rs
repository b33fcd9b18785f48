//! Keys in paths: any text, percent-encoded.

use crate::support::Server;

#[test]
fn a_key_may_be_any_text() {
    let server = Server::start();
    let mut client = server.client();
    for (segment, key) in [
        ("a%2Fb", "a/b"),
        ("BANK%20CHARGES", "BANK CHARGES"),
        ("100%25", "100%"),
        ("%C2%A3", "£"),
        ("a+b", "a+b"),
        ("%22%0A%5C", "\"\n\\"),
        (&"k".repeat(256), &"k".repeat(256)),
    ] {
        let path = format!("/entities/stock/{segment}");
        assert_eq!(client.post(&format!("{path}/receive"), r#"{"units":7}"#).good(), 7, "{key}");
        let entity = client.get(&path).good();
        assert_eq!((&entity["key"], &entity["state"]["on_hand"]), (&key.into(), &7.into()));
    }
    let listed = client.get("/entities/stock").good();
    assert_eq!(listed["items"].as_array().expect("a list").len(), 7);
}

#[test]
fn a_key_that_cannot_be_one_is_told_so() {
    let server = Server::start();
    let mut client = server.client();
    for segment in ["%FF", "%", "%4", "%zz", "", &"k".repeat(257)] {
        client.post(&format!("/entities/stock/{segment}/receive"), r#"{"units":7}"#).problem("bad-key");
        client.get(&format!("/entities/stock/{segment}/available")).problem("bad-key");
        client.get(&format!("/entities/stock/{segment}")).problem("bad-key");
    }
    assert_eq!(client.get("/entities/stock").good()["items"].as_array().map(Vec::len), Some(0));
}
