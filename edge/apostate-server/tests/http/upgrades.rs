//! Two builds of one entity on the same data: what the older one did is not denied by the newer one.

use std::path::Path;

use apostate_server::{Node, Settings};

use crate::support::{Client, Response, settings};

/// The entity as the older build knows it.
mod older {
    use apostate::prelude::*;

    /// What a plan has come to.
    #[data]
    #[derive(Debug, Default, PartialEq)]
    pub enum Stage {
        #[default]
        Draft,
        Sent,
    }

    #[entity(name = "plan")]
    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Plan {
        pub total: u64,
        #[serde(default)]
        stage: Stage,
    }

    #[handlers]
    impl Plan {
        /// Adds.
        #[open]
        pub fn add(&mut self, n: u64) -> u64 {
            self.total += n;
            self.total
        }

        /// Ends it.
        #[open]
        pub fn close(&mut self) -> u64 {
            self.total += 1;
            self.total
        }

        /// Takes another stage, and gives the one before.
        #[open]
        pub fn stage(&mut self, stage: Stage) -> Stage {
            self.total += 1;
            std::mem::replace(&mut self.stage, stage)
        }

        /// Says whether there is enough.
        #[open]
        pub fn check(&mut self) -> u64 {
            self.total += 1;
            self.total
        }

        /// Says no.
        #[open]
        pub fn refuse(&mut self) -> Result<u64, Refusal> {
            Err(Refusal::with_code("never", "not today"))
        }
    }

    #[entity(name = "memo")]
    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Memo {
        lines: u32,
    }

    #[handlers]
    impl Memo {
        /// Writes a line.
        #[open]
        pub fn write(&mut self, line: String) -> u32 {
            self.lines += u32::from(!line.is_empty());
            self.lines
        }
    }
}

/// The entity now: `close` and `refuse` are gone, `add` takes less, `check` only looks, there are no drafts; nor is there a
/// kind `memo`.
mod newer {
    use apostate::prelude::*;

    /// What a plan has come to.
    #[data]
    #[derive(Debug, Default, PartialEq)]
    pub enum Stage {
        #[default]
        Sent,
    }

    #[entity(name = "plan")]
    #[derive(Debug, Default, Serialize, Deserialize)]
    pub struct Plan {
        pub total: u64,
    }

    #[handlers]
    impl Plan {
        /// Adds.
        #[open]
        pub fn add(&mut self, n: u32) -> u64 {
            self.total += u64::from(n);
            self.total
        }

        /// Takes another stage, and gives the one before.
        #[open]
        pub fn stage(&mut self, stage: Stage) -> Stage {
            self.total += 1;
            stage
        }

        /// Says whether there is enough.
        #[open]
        pub fn check(&self) -> u64 {
            self.total
        }
    }
}

fn call(client: &mut Client, path: &str, key: &str, body: &str) -> Response {
    client.ask("POST", &format!("/entities/{path}"), &[("idempotency-key", key)], body)
}

/// Calls of which only the older build knows what they are: path, body, and what the newer one answers to the same key.
const CALLS: [(&str, &str, &str); 6] = [
    ("plan/a/add", r#"{"n": 5000000000}"#, "200"),
    ("plan/a/close", "", "done-earlier"),
    ("plan/a/stage", r#"{"stage": "Sent"}"#, "unreadable-reply"),
    ("plan/a/check", "{}", "done-earlier"),
    ("plan/a/refuse", "", "refused"),
    ("memo/m/write", r#"{"line": "x"}"#, "done-earlier"),
];

fn serve(data: &Path, is_newer: bool, work: impl FnOnce(&mut Client)) {
    let node_settings = Settings { partitions: Some(2), segment_bytes: 1 << 20, ..Settings::new(data) };
    let node = match is_newer {
        true => Node::open::<(newer::Plan,)>(node_settings),
        false => Node::open::<(older::Plan, older::Memo)>(node_settings),
    };
    let mut node = node.expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    work(&mut Client::connect(serving.local_addr()));
    serving.stop();
    node.stop().expect("it stops");
}

#[test]
fn what_another_build_did_is_not_denied() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    serve(&data, false, |client| {
        for (path, body, _) in CALLS {
            let answer = call(client, path, path, body);
            assert_eq!(answer.status, if path.ends_with("refuse") { 409 } else { 200 }, "{path}");
        }
    });
    for _ in 0..2 {
        serve(&data, true, |client| {
            for (path, body, expected) in CALLS {
                let answer = call(client, path, path, body);
                match expected {
                    "200" => assert_eq!(answer.good(), 5_000_000_000_u64, "{path}"),
                    code => drop(answer.problem(code)),
                }
                assert_eq!(answer.header("idempotency-replayed"), Some("true"), "{path}");
            }
            // Another request under a key that was used is told so, and one under a new key that it cannot be.
            call(client, "plan/a/close", "plan/a/close", r#"{"now": true}"#).problem("client-key-reused");
            call(client, "plan/a/add", "plan/a/add", r#"{"n": 5000000001}"#).problem("client-key-reused");
            call(client, "plan/a/close", "new", "").problem("handler-missing");
            call(client, "plan/a/add", "new", r#"{"n": 5000000000}"#).problem("bad-json");
            call(client, "plan/a/check", "new", "").problem("read-is-get");
            call(client, "memo/m/write", "new", "").problem("kind-missing");
            call(client, "plan/b/close", "plan/a/close", "").problem("handler-missing");
            assert_eq!(client.get("/entities/plan/a/check").good(), 5_000_000_003_u64, "nothing is done again");
        });
    }
    // And the older one can still tell.
    serve(&data, false, |client| {
        let answer = call(client, "plan/a/close", "plan/a/close", "");
        assert_eq!((answer.good(), answer.header("idempotency-replayed")), (5_000_000_001_u64.into(), Some("true")));
    });
}
