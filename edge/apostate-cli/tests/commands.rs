//! The command against a live node: what an operator types, and what they see.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};

use apostate::prelude::*;
use apostate_server::{HttpSettings, Node, Serving, Settings};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the warehouse has of one product.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
struct Stock {
    on_hand: u32,
    mishaps: u32,
    upset: Activities<u32>,
}

#[handlers]
impl Stock {
    #[open]
    pub fn receive(&mut self, units: u32) -> u32 {
        self.on_hand += units;
        self.on_hand
    }

    #[open]
    pub fn take(&mut self, units: u32) -> Result<u32, Refusal> {
        refuse!(self.on_hand < units, code = "out-of-stock", "only {} left", self.on_hand);
        self.on_hand -= units;
        Ok(self.on_hand)
    }

    #[open]
    pub fn can_take(&self, units: u32) -> bool {
        self.on_hand >= units
    }

    /// Has another one fail for good.
    #[open]
    pub fn upset(&mut self, tx: &mut Tx, other: String) {
        *self.upset.with(Stock::at(&other)) += 1;
        tx.send(Stock::at(other).fail(7));
    }

    pub fn fail(&mut self, code: u32) {
        panic!("it fell off the shelf ({code})");
    }
}

/// What somebody wants.
#[entity(name = "order")]
#[derive(Default, Serialize, Deserialize)]
struct Order {}

#[handlers]
impl Order {}

/// Names and values of an environment.
type Variables<'a> = &'a [(&'a str, &'a str)];

struct World {
    node: Node,
    serving: Option<Serving>,
    url: String,
    _data: TempDir,
}

const TOKEN: &str = "a-long-and-secret-token";

fn world(token: Option<&str>) -> World {
    let data = tempfile::tempdir().expect("a directory");
    let retry_time_max = std::time::Duration::from_millis(1);
    let settings = Settings { retry_time_max, partitions: Some(2), ..Settings::new(data.path().join("data")) };
    let node = Node::open::<(Stock, Order)>(settings).expect("a node");
    let http = HttpSettings {
        token: token.map(str::to_owned),
        ..HttpSettings::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    };
    let serving = node.serve(http).expect("a free port");
    let url = format!("http://{}", serving.local_addr());
    World { node, serving: Some(serving), url, _data: data }
}

impl World {
    fn run(&self, arguments: &[&str]) -> Output {
        self.run_in(&[], arguments)
    }

    /// The same, in an environment that says more than where the node is.
    fn run_in(&self, environment: Variables<'_>, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_apostate"));
        command.env_clear().env("APOSTATE_URL", &self.url).envs(environment.iter().copied());
        command.args(arguments).output().expect("our own program")
    }

    /// What a command that succeeds prints.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The exit code of a command that fails, and what it says.
    fn fails(&self, arguments: &[&str]) -> (i32, String) {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeds");
        (output.status.code().expect("nobody killed it"), String::from_utf8(output.stderr).expect("text"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.stop();
        }
        self.node.stop().expect("a good end");
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn an_entity_is_called_looked_at_shown_and_listed() {
    let world = world(None);
    assert_eq!(world.says(&["entity", "call", "stock/tea", "receive", "units=5"]), "5\n");
    assert_eq!(world.says(&["entity", "call", "stock/tea", "can_take", "units=6"]), "false\n");
    assert_eq!(world.says(&["entity", "call", "stock/a/b", "receive", "--arguments", r#"{"units":1}"#]), "1\n");
    let shown = world.says(&["entity", "show", "stock/a/b"]);
    assert!(shown.starts_with("entity ") && shown.contains("on_hand"), "{shown}");
    let shown = world.says(&["entity", "show", "stock/tea", "--json"]);
    assert_eq!(lines(&shown)[0]["state"], json!({"on_hand": 5, "mishaps": 0}));
    let table = world.says(&["entity", "list", "stock"]);
    assert!(table.starts_with("KEY") && table.lines().count() == 3, "{table}");
    let mut keys: Vec<_> = lines(&world.says(&["entity", "list", "stock", "--json"]));
    keys.sort_by_key(|item| item["key"].as_str().map(str::to_owned));
    assert_eq!(keys.iter().map(|item| &item["key"]).collect::<Vec<_>>(), ["a/b", "tea"]);
    assert_eq!(world.says(&["entity", "list", "stock", "--limit", "1", "--json"]).lines().count(), 1);
}

#[test]
fn a_call_with_the_same_key_is_done_once() {
    let world = world(None);
    for _ in 0..2 {
        let call = ["entity", "call", "stock/tea", "receive", "units=5", "--key", "delivery-1"];
        assert_eq!(world.says(&call), "5\n");
    }
    for _ in 0..2 {
        let call = ["entity", "call", "stock/tea", "receive", "units=1", "--key", r#"the "second" \ delivery"#];
        assert_eq!(world.says(&call), "6\n");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_reply_that_cannot_be_written_is_shown_again_for_its_key() {
    let world = world(None);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let call = ["entity", "call", "stock/tea", "receive", "units=5"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_apostate"));
    let output = command.env_clear().env("APOSTATE_URL", &world.url).args(call).stdout(full).output().expect("it runs");
    let told = String::from_utf8(output.stderr).expect("text");
    let key = told.split_once("`--key ").and_then(|(_, rest)| rest.split_once('`')).expect("a key").0;
    assert_eq!(output.status.code(), Some(3), "it was done: {told}");
    assert_eq!(world.says(&[&call[..], &["--key", key]].concat()), "5\n");
}

#[test]
fn a_list_of_more_than_one_table_is_complete() {
    const ENTITIES: usize = 2_050;
    let world = world(None);
    let client = world.node.client();
    let pending: Vec<_> = (0..ENTITIES).map(|number| client.send(Stock::at(number as u64).receive(1))).collect();
    pending.into_iter().for_each(|sent| sent.wait().unwrap());
    let listed = lines(&world.says(&["entity", "list", "stock", "--json"]));
    assert_eq!(listed.len(), ENTITIES);
    let keys: std::collections::BTreeSet<_> = listed.iter().map(|item| item["key"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), ENTITIES);
    let table = world.says(&["entity", "list", "stock"]);
    assert_eq!(table.lines().filter(|line| !line.starts_with("KEY")).count(), ENTITIES);
}

#[test]
fn a_failure_says_what_and_what_to_try_next() {
    let world = world(None);
    let long = format!("units={}", "7".repeat(70_000));
    let long_key = "k".repeat(256);
    let cases: [(&[&str], i32, &str, &str); 13] = [
        (&["entity", "call", "stock/tea", "take", "units=1"], 4, "only 0 left (out-of-stock)", "/errors/refused"),
        (&["entity", "call", "stock/tea", "eat"], 5, "eat", "/openapi.json"),
        (&["entity", "call", "stock/tea", "receive", "units=many"], 2, "units", "/errors/bad-json"),
        (&["entity", "call", "stock/tea", "can_take", "units=many"], 2, "units", "/errors/bad-json"),
        (&["entity", "call", "stock/tea", "receive", "--arguments", "{units: 5}"], 2, "`{units: 5}`", "one object"),
        (&["entity", "call", "stock/tea", "receive", "units=5", "units=6"], 2, "`units` twice", "once"),
        (&["entity", "call", "stock/tea", "receive", "units=5", "--key", ""], 2, "(bad-client-key)", "1 to 255"),
        (
            &["entity", "call", "stock/tea", "receive", "units=5", "--key", "Schlüssel"],
            2,
            "(bad-client-key)",
            "1 to 255",
        ),
        (&["entity", "call", "stock/tea", "receive", "units=5", "--key", &long_key], 2, "(bad-client-key)", "1 to 255"),
        (&["entity", "call", "stock/tea", "receive", "units"], 2, "`units`", "name=value"),
        (&["entity", "call", "stock/tea", "can_take", &long], 2, "too long for a URL", "ask with less"),
        (&["entity", "show", "stock/coffee"], 5, "stock/coffee", "apostate entity list"),
        (&["entity", "show", "stock"], 2, "`stock`", "stock/tea"),
    ];
    for (arguments, code, what, next) in cases {
        let (exit, told) = world.fails(arguments);
        assert_eq!(exit, code, "{told}");
        let (error, then) = told.split_once("\n next: ").expect("what to try next");
        assert!(error.contains(what) && then.contains(next), "{told}");
    }
    let (_, told) = world.fails(&["node", "status", "--url", "http://127.0.0.1:1"]);
    assert!(told.contains("start the node"), "{told}");
}

#[test]
fn a_program_reads_a_failure_as_json() {
    let world = world(None);
    let (exit, told) = world.fails(&["entity", "call", "stock/tea", "take", "units=1", "--json"]);
    let failure: Value = serde_json::from_str(&told).expect("one JSON object");
    assert_eq!((exit, &failure["exit_code"], &failure["code"]), (4, &4.into(), &"refused".into()), "{told}");
    assert_eq!(failure["problem"]["refusal"]["code"], "out-of-stock");
    let (exit, told) = world.fails(&["node", "status", "--url", "http://127.0.0.1:1", "--json"]);
    let failure: Value = serde_json::from_str(&told).expect("one JSON object");
    assert_eq!((exit, &failure["code"]), (6, &"node-unreachable".into()), "{told}");
}

#[test]
fn a_parked_message_is_listed_shown_retried_and_dismissed() {
    let world = world(None);
    world.says(&["entity", "call", "stock/tea", "upset", "other=glass"]);
    world.node.client().settle().unwrap();
    let ids = || -> Vec<String> {
        let listed = lines(&world.says(&["parked", "list", "--json"]));
        listed.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = ids();
    assert_eq!(first.len(), 1);
    let shown = world.says(&["parked", "show", &first[0]]);
    for part in ["stock/glass", "fail", r#"{"code":7}"#, "stock/tea", "it fell off the shelf (7)"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    world.says(&["parked", "retry", &first[0]]);
    world.node.client().settle().unwrap();
    let second = ids();
    assert_eq!(second.len(), 1);
    assert_ne!(first, second, "parked again, it has another number");
    let (_, told) = world.fails(&["parked", "dismiss", &first[0]]);
    assert!(told.contains("apostate parked list"), "{told}");
    world.says(&["parked", "dismiss", &second[0]]);
    assert!(ids().is_empty());
}

#[test]
fn partners_of_an_entity_are_listed_or_one_alone() {
    let world = world(None);
    world.says(&["entity", "call", "stock/tea", "upset", "other=a/b"]);
    world.says(&["entity", "call", "stock/tea", "upset", "other=cup"]);
    let list = ["entity", "activities", "stock/tea"];
    assert!(world.says(&list).contains("stock/cup"));
    let one = lines(&world.says(&[&list[..], &["--partner", "stock/a/b", "--json"]].concat()));
    assert_eq!((one.len(), &one[0]["activity"]), (1, &1.into()));
}

#[test]
fn many_parked_messages_are_retried_and_dismissed_together() {
    let world = world(None);
    let others = ["glass", "cup", "plate", "bowl", "pot"];
    for other in others {
        world.says(&["entity", "call", "stock/tea", "upset", &format!("other={other}")]);
    }
    let ids = |arguments: &[&str]| -> Vec<String> {
        world.node.client().settle().unwrap();
        let listed = lines(&world.says(&[&["parked", "list", "--json"], arguments].concat()));
        listed.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = ids(&[]);
    assert_eq!(first.len(), others.len());
    assert_eq!(ids(&["--limit", "2"]), first[..2]);
    world.says(&["parked", "dismiss", &first[0], &first[1]]);
    assert_eq!(ids(&[]), first[2..]);
    world.says(&["parked", "retry", "--all", "order"]);
    assert_eq!(ids(&[]), first[2..], "they are of another kind");
    for verb in ["retry", "dismiss"] {
        let (exit, told) = world.fails(&["parked", verb, "--all", "stocks"]);
        assert!(exit == 5 && told.contains("(kind-missing)"), "{told}");
    }
    world.says(&["parked", "retry", "--all", "stock"]);
    let second = ids(&[]);
    assert!(second.len() == 3 && second.iter().all(|id| !first.contains(id)), "each was tried again: {second:?}");
    world.says(&["parked", "dismiss", "--all", "stock"]);
    assert!(ids(&[]).is_empty());
    assert_eq!(world.fails(&["parked", "retry"]).0, 2);
    assert_eq!(world.fails(&["parked", "retry", "a", "--all", "stock"]).0, 2);
}

#[test]
fn a_command_about_several_parked_messages_can_be_repeated_after_it_failed_in_the_middle() {
    let world = world(None);
    for other in ["glass", "cup", "plate"] {
        world.says(&["entity", "call", "stock/tea", "upset", &format!("other={other}")]);
    }
    let ids = || -> Vec<String> {
        world.node.client().settle().unwrap();
        let listed = lines(&world.says(&["parked", "list", "--json"]));
        listed.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let [first, second, third] = ids().try_into().expect("three are parked");
    world.says(&["parked", "dismiss", &first]);
    let (exit, told) = world.fails(&["parked", "dismiss", &first, &second, &third, "--json"]);
    assert!(exit == 5 && told.contains(&format!("{first}: ")) && told.contains("1 of 3"), "{told}");
    assert!(told.contains("apostate parked list"), "{told}");
    assert!(ids().is_empty(), "those that were there are dismissed");
    let (exit, told) = world.fails(&["parked", "retry", &first, &second]);
    assert!(exit == 5 && told.contains(&format!("{second}: ")) && told.contains("2 of 2"), "{told}");
    let (exit, told) = world.fails(&["parked", "retry", &first]);
    assert!(exit == 5 && told.contains("(parked-missing)") && !told.contains("1 of 1"), "{told}");
}

#[test]
fn the_node_and_its_partitions_say_how_they_are() {
    let world = world(None);
    let table = world.says(&["partition", "list"]);
    assert!(table.starts_with("ID") && table.matches("serving").count() == 2, "{table}");
    let status = world.says(&["node", "status"]);
    assert!(status.contains("ready") && status.contains("2, 0 of them stopped"), "{status}");
    assert_eq!(lines(&world.says(&["node", "status", "--json"])).len(), 1);
}

#[test]
fn a_token_is_said_or_asked_for() {
    let world = world(Some(TOKEN));
    let (_, told) = world.fails(&["partition", "list"]);
    assert!(told.contains("--token-file"), "{told}");
    world.says(&["partition", "list", "--token", TOKEN]);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    world.says(&["partition", "list", "--token-file", file.to_str().unwrap()]);
    for (wrong, code) in [("another-token", 7), ("a\nb", 2)] {
        let (exit, told) = world.fails(&["partition", "list", "--token", wrong]);
        assert!(exit == code && told.contains("--token-file"), "{told}");
    }
}

#[test]
fn a_token_on_the_command_line_counts_more_than_one_in_the_environment() {
    let world = world(Some(TOKEN));
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, token: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, token).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let (right, wrong) = (file("right", TOKEN), file("wrong", "another-token"));
    let in_wrong = [("APOSTATE_TOKEN", "another-token")];
    let in_wrong_file = [("APOSTATE_TOKEN_FILE", wrong.as_str())];
    let in_right = [("APOSTATE_TOKEN", TOKEN)];
    let in_both = [("APOSTATE_TOKEN", TOKEN), ("APOSTATE_TOKEN_FILE", &right)];
    let list = ["partition", "list"];
    let cases: [(Variables<'_>, &[&str], i32); 13] = [
        (&in_right, &[], 0),
        (&in_wrong, &[], 7),
        (&in_wrong, &["--token-file", &right], 0),
        (&in_wrong, &["--token", TOKEN], 0),
        (&in_wrong_file, &["--token", TOKEN], 0),
        (&in_wrong_file, &["--token-file", &right], 0),
        (&in_right, &["--token-file", &wrong], 7),
        (&in_right, &["--token", "another-token"], 7),
        (&[], &["--token", TOKEN, "--token-file", &right], 2),
        (&in_right, &["--token", TOKEN, "--token-file", &right], 2),
        (&in_both, &["--token", TOKEN], 0),
        (&in_both, &["--token-file", &right], 0),
        (&in_both, &[], 2),
    ];
    for (environment, said, code) in cases {
        for arguments in [[&list[..], said].concat(), [said, &list[..]].concat()] {
            let output = world.run_in(environment, &arguments);
            let told = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{environment:?} {arguments:?}: {told}");
        }
    }
    let apart = ["--token", TOKEN, "partition", "list", "--token-file", &right];
    let (exit, told) = world.fails(&apart);
    assert!(exit == 2 && told.contains("either --token or --token-file"), "{told}");
}

#[test]
fn a_shell_gets_what_it_needs_to_complete_commands() {
    let world = world(None);
    for shell in ["bash", "zsh", "fish"] {
        assert!(world.says(&["completions", shell]).contains("dismiss"), "{shell}");
    }
}
