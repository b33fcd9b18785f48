//! The process dies between any two steps of a first start, of the log's writer and of a checkpoint: what was acknowledged
//! is there, once, after the next start.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use apostate_server::{Node, Settings};
use common::{App, Stock, directory, settings};

const DATA: &str = "APOSTATE_TEST_DATA";
const MESSAGES: u64 = 6_000;
const PRODUCTS: u64 = 100;

/// So small that segments change, checkpoints are made and the log is trimmed all the time.
fn small(data: &Path) -> Settings {
    Settings { segment_bytes: 64 << 10, checkpoint_log_bytes: 128 << 10, ..settings(data, 2) }
}

/// The process that dies. It is this test again, called by the other one; it says what was acknowledged.
#[test]
fn child() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let mut node = Node::open::<App>(small(data.as_ref())).expect("a node");
    let mut producer = node.client().producer("orders").expect("a stream");
    producer.count_only().window(300);
    for number in 1..=MESSAGES {
        producer.send(number, Stock::at(number % PRODUCTS).receive(1)).expect("sent");
        if number % 100 == 0 {
            tell(producer.lowest_unanswered() - 1);
        }
    }
    producer.finish().expect("answered");
    tell(MESSAGES);
    node.stop().expect("stopped");
}

fn tell(acknowledged: u64) {
    let mut out = std::io::stdout();
    writeln!(out, "\nacknowledged {acknowledged}").and_then(|()| out.flush()).expect("told");
}

/// Runs the child until it ends or dies. Up to where it said that messages were acknowledged, and whether it died.
fn run(data: &Path, failpoint: &str) -> (u64, bool) {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child", "--nocapture"])
        .env(DATA, data)
        .env("APOSTATE_FAILPOINT", failpoint)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let told = lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).max();
    (told.unwrap_or(0), !child.wait().expect("it ended").success())
}

#[test]
fn what_was_acknowledged_is_there_whatever_step_the_process_dies_in() {
    let failpoints = apostate_log::FAILPOINTS.iter().chain(apostate_server::FAILPOINTS);
    for failpoint in failpoints {
        let dir = directory();
        let mut crashes = 0;
        let mut acknowledged = 0;
        for count in [1, 2, 5] {
            let (told, died) = run(dir.path(), &format!("{failpoint}:{count}"));
            crashes += u32::from(died);
            acknowledged = acknowledged.max(told);
        }
        assert!(crashes > 0, "{failpoint} is never passed");
        // A node that cannot open says so; one that opens has everything.
        let node = Node::open::<App>(small(dir.path())).expect("a node");
        let received: u64 =
            node.client().list::<Stock>().map(|listed| u64::from(listed.expect("listed").entity.received)).sum();
        assert!(
            (acknowledged..=MESSAGES).contains(&received),
            "{failpoint}: {acknowledged} acknowledged, {received} there"
        );
        drop(node);
        assert_eq!(run(dir.path(), "none:1"), (MESSAGES, false), "{failpoint}");
        let node = Node::open::<App>(small(dir.path())).expect("a node");
        for listed in node.client().list::<Stock>() {
            let listed = listed.expect("listed");
            assert_eq!(u64::from(listed.entity.received), MESSAGES / PRODUCTS, "{failpoint}: {}", listed.key);
        }
    }
}
