//! The highest values that settings may have are values that a node runs with.

mod common;

use std::time::Duration;

use apostate_server::{HttpSettings, Node, Settings};
use common::{App, directory};

#[test]
fn a_node_with_the_most_of_everything_runs() {
    let (year, count) = (Duration::from_secs(365 * 24 * 3600), 1 << 20);
    let dir = directory();
    let settings = Settings {
        partition_requests_max: count,
        cache_bytes: 16 << 40,
        store_cache_bytes: 16 << 40,
        dirty_bytes_max: 16 << 40,
        checkpoint_log_bytes: 16 << 40,
        client_key_retention: year,
        retry_time_max: year,
        stop_patience: year,
        ..common::settings(dir.path(), 2)
    };
    let http = HttpSettings {
        streams_max: count,
        requests_max: count,
        header_timeout: year,
        body_timeout: year,
        idle_timeout: year,
        write_timeout: year,
        stop_patience: year,
        ..HttpSettings::at(([127, 0, 0, 1], 0).into())
    };
    let mut node = Node::open::<App>(settings).expect("a node");
    let serving = node.serve(http).expect("it listens");
    let url = format!("http://{}/entities/stock/tea/receive", serving.local_addr());
    let answer = ureq::post(&url).header("idempotency-key", "k").send(r#"{"units":1}"#).expect("an answer");
    assert_eq!(answer.status(), 200);
    drop(answer);
    serving.stop();
    node.stop().expect("stopped");
}
