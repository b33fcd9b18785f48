//! A node whose host has a wrong clock: what callers and operators see, then and afterwards.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apostate_server::{HostClock, Node, Settings};

use crate::support::{App, Client, settings};

const HOUR: i64 = 3_600_000;

/// A UUIDv7 that an honest client makes now, the `number`th of a test.
fn uuid_v7(number: u32) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    let made = format!("{:012x}", now.as_millis());
    format!("{}-{}-7abc-8def-{number:012x}", &made[..8], &made[8..])
}

/// Has a node serve on clocks like these while `work` goes on, and stops it in good order.
fn serve(data: &Path, clock: &HostClock, trust_clock: bool, work: impl FnOnce(&mut Client)) {
    let node_settings = Settings {
        partitions: Some(1),
        segment_bytes: 1 << 20,
        clock: clock.clone(),
        trust_clock,
        ..Settings::new(data)
    };
    let mut node = Node::open::<App>(node_settings).expect("a node");
    let serving = node.serve(settings()).expect("it listens");
    work(&mut Client::connect(serving.local_addr()));
    serving.stop();
    node.stop().expect("it stops");
}

/// Takes in five units, and gives the new level.
fn receive(client: &mut Client, key: &str) -> u64 {
    let answer = client.ask("POST", "/entities/stock/tea/receive", &[("idempotency-key", key)], r#"{"units":5}"#);
    answer.good().as_u64().expect("a level")
}

/// What the node says of partition time: whether `/ready` warns, and how far it is ahead as `/partitions` has it.
fn told(client: &mut Client) -> (bool, i64) {
    let ready = client.get("/ready").good();
    let offset = client.get("/partitions").good()["partitions"][0]["time_offset"].as_i64().expect("a figure");
    let metrics = String::from_utf8(client.get("/metrics").body).expect("text");
    let metric = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(name)).expect("a figure");
        line.rsplit(' ').next().and_then(|value| value.parse::<i64>().ok()).expect("a number")
    };
    let side = if offset < 0 { "behind" } else { "ahead" };
    let seconds = metric(&format!("apostate_partition_time_{side}_seconds"));
    assert!((seconds - offset.abs() / 1000).abs() <= 2, "{seconds} seconds, {offset} milliseconds");
    (ready["warnings"].is_array(), offset)
}

#[test]
fn one_start_with_a_wrong_clock_harms_no_call_and_people_are_told() {
    for off in [-48 * HOUR, 25 * HOUR, 48 * HOUR, 30 * 365 * 24 * HOUR] {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        let (clock, first, second) = (HostClock::shifted(), uuid_v7(1), uuid_v7(2));
        serve(&data, &clock, false, |client| {
            assert_eq!(receive(client, &first), 5);
            assert!(!told(client).0);
        });
        clock.set_wall_off(off);
        serve(&data, &clock, false, |client| {
            assert_eq!(receive(client, &second), 10, "{off}: a key of the caller's right clock");
            assert_eq!(receive(client, &first), 5, "{off}: it was done before");
            let (is_warned, offset) = told(client);
            assert!(is_warned && (offset + off).abs() < HOUR, "{off}: {offset}");
            // It is set right while the node runs.
            clock.set_wall_off(0);
            assert_eq!(receive(client, &uuid_v7(3)), 15, "{off}");
            clock.set_wall_off(off);
            assert_eq!(receive(client, &uuid_v7(4)), 20, "{off}");
        });
        clock.set_wall_off(0);
        serve(&data, &clock, false, |client| {
            assert_eq!(receive(client, &uuid_v7(5)), 25, "{off}: the clock is right again");
            assert_eq!((receive(client, &first), receive(client, &second)), (5, 10), "{off}");
            assert!(!told(client).0, "{off}: no harm is left");
        });
    }
}

#[test]
fn a_machine_that_was_suspended_goes_on_as_if_it_had_waited() {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = HostClock::shifted();
    serve(&dir.path().join("data"), &clock, false, |client| {
        assert_eq!(receive(client, &uuid_v7(1)), 5);
        clock.suspend(Duration::from_secs(3600));
        assert_eq!(receive(client, &uuid_v7(2)), 10);
        let (is_warned, offset) = told(client);
        assert!(!is_warned && offset.abs() < 10_000, "{offset}");
    });
}

#[test]
fn an_operator_gives_their_word_for_a_clock_after_a_long_stop() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data");
    let clock = HostClock::shifted();
    serve(&data, &clock, false, |client| assert_eq!(receive(client, "one"), 5));
    clock.suspend(Duration::from_secs(3 * 24 * 3600));
    serve(&data, &clock, false, |client| assert!(told(client).0, "nobody knows"));
    serve(&data, &clock, true, |client| {
        assert!(!told(client).0);
        assert_eq!(receive(client, "one"), 10, "three days have passed: the key is forgotten");
    });
}
