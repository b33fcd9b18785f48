//! A handler that hangs: it holds up its own partition, and none of those that share its thread.

use std::thread;
use std::time::Duration;

use apostate_core::{EntityKey, KindId, ring_hash};
use apostate_server::{Node, Settings, StopError};

use crate::support::{App, Gate, OpenAtLast, Slow, wait_until};

const PARTITIONS: u32 = 7;

/// Seven partitions on one thread.
fn node(data: &std::path::Path) -> Node {
    let settings = Settings {
        partitions: Some(PARTITIONS),
        threads: Some(1),
        stop_patience: Duration::from_millis(100),
        segment_bytes: 1 << 20,
        ..Settings::new(data)
    };
    Node::open::<App>(settings).expect("a node")
}

/// A key of the kind `slow` for each partition, in the order of the ring.
fn one_key_each() -> Vec<String> {
    let width = u64::MAX / u64::from(PARTITIONS) + 1;
    let is_in = |part: u64, key: &str| {
        let hash = ring_hash(KindId::of("slow"), &EntityKey::new(key).expect("a key"));
        hash / width == part
    };
    let key_of = |part| (0..).map(|number| format!("key-{number}")).find(|key| is_in(part, key)).expect("one of many");
    (0..u64::from(PARTITIONS)).map(key_of).collect()
}

#[test]
fn the_neighbours_of_a_handler_that_hangs_go_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = node(&dir.path().join("data"));
    let _open = OpenAtLast("neighbours");
    let keys = one_key_each();
    let client = node.client();
    let hanging = client.call(Slow::at(&keys[2]).pass("neighbours".to_owned())).start();
    wait_until("it hangs", || Gate::is_waited_for("neighbours"));
    // The same partition waits, in the order in which it was asked.
    let behind = client.call(Slow::at(&keys[2]).tick()).start();
    let calls = |done: u32| {
        for key in keys.iter().filter(|key| **key != keys[2]) {
            assert_eq!(client.call(Slow::at(key).tick()).wait(), Ok(done));
        }
    };
    calls(1);
    calls(2);
    let status = node.status();
    assert_eq!(status.silent.len(), 1, "{status:?}");
    assert_eq!(status.partitions.len(), 6);

    Gate::open("neighbours");
    assert_eq!((hanging.wait(), behind.wait()), (Ok(1), Ok(2)));
    calls(3);
    assert_eq!(client.call(Slow::at(&keys[2]).tick()).wait(), Ok(3));
    assert!(node.status().silent.is_empty());
    node.stop().expect("it stops as before");
}

#[test]
fn two_handlers_that_hang_at_one_thread_leave_two_threads_behind() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = node(&dir.path().join("data"));
    let _open = (OpenAtLast("first of two"), OpenAtLast("second of two"));
    let keys = one_key_each();
    let client = node.client();
    let first = client.call(Slow::at(&keys[0]).pass("first of two".to_owned())).start();
    wait_until("one hangs", || Gate::is_waited_for("first of two"));
    let second = client.call(Slow::at(&keys[6]).pass("second of two".to_owned())).start();
    wait_until("both hang", || Gate::is_waited_for("second of two"));
    assert_eq!(client.call(Slow::at(&keys[3]).tick()).wait(), Ok(1));
    assert_eq!(node.status().silent.len(), 2);
    Gate::open("second of two");
    assert_eq!(second.wait(), Ok(1));
    Gate::open("first of two");
    assert_eq!(first.wait(), Ok(1));
    node.stop().expect("it stops");
}

#[test]
fn a_stop_leaves_the_one_behind_that_hangs_and_names_its_partition() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut node = node(&dir.path().join("data"));
    let _open = OpenAtLast("left behind");
    let keys = one_key_each();
    let client = node.client();
    let hanging = client.call(Slow::at(&keys[4]).pass("left behind".to_owned())).start();
    wait_until("it hangs", || Gate::is_waited_for("left behind"));
    assert_eq!(client.call(Slow::at(&keys[3]).tick()).wait(), Ok(1));
    let held = client.call(Slow::at(&keys[4]).tick()).start();
    let silent = node.status().silent;
    let error = node.stop().expect_err("it does not end");
    assert!(matches!(error, StopError::Endless { partition } if silent == [partition]), "{error} {silent:?}");
    assert_eq!(held.wait(), Err(apostate_server::CallError::Closed), "it was not begun");
    Gate::open("left behind");
    let hanging = thread::spawn(move || hanging.wait());
    wait_until("its caller hears of the end", || hanging.is_finished());
    assert!(matches!(hanging.join().expect("no panic"), Err(apostate_server::CallError::Unknown { .. })));
}
