//! A log that lost something stops those whose it was, and nobody begins anew in silence.

mod common;

use std::path::{Path, PathBuf};

use apostate_log::PartitionId;
use apostate_server::{CallError, Node, StopError};
use common::{App, Stock, chain, directory, far_apart, open, settings};

/// The only segment of a log that was never trimmed.
fn segment(data: &Path) -> PathBuf {
    let names = std::fs::read_dir(data.join("log")).expect("a log").map(|entry| entry.expect("an entry").path());
    let is_segment = |path: &PathBuf| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit());
    let mut segments: Vec<_> = names.filter(is_segment).collect();
    segments.sort();
    segments.remove(0)
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).expect("a file");
    change(&mut bytes);
    std::fs::write(file, bytes).expect("a file");
}

#[test]
fn a_log_that_is_the_only_copy_is_never_taken_for_empty() {
    for is_cut in [false, true] {
        let dir = directory();
        let node = open(dir.path(), 2);
        node.client().call(Stock::at("tea").receive(5)).wait().expect("done");
        // Without a last checkpoint.
        drop(node);
        edit(&segment(dir.path()), |bytes| if is_cut { bytes.truncate(4096) } else { bytes[20] ^= 1 });
        let Err(error) = Node::open::<App>(settings(dir.path(), 2)) else { panic!("it began anew") };
        assert!(chain(&error).contains("damaged"), "{}", chain(&error));
    }
}

#[test]
fn a_damaged_record_stops_one_partition_and_its_neighbour_serves() {
    let dir = directory();
    let (low, high) = far_apart("stock");
    let node = open(dir.path(), 2);
    for key in [&low, &high] {
        node.client().call(Stock::at(key).receive(1)).wait().expect("done");
    }
    drop(node);
    edit(&segment(dir.path()), |bytes| {
        let found = bytes.windows(low.len()).position(|window| window == low.as_bytes()).expect("its record");
        bytes[found] ^= 1;
    });
    for level in 2..4 {
        let mut node = open(dir.path(), 2);
        let client = node.client();
        let error = client.call(Stock::at(&low).receive(1)).wait().unwrap_err();
        assert!(
            matches!(&error, CallError::Stopped { reason, .. } if reason.to_string().contains("damaged")),
            "{error}"
        );
        assert_eq!(client.call(Stock::at(&high).receive(1)).wait(), Ok(level), "the neighbour is well");
        let status = node.status();
        assert_eq!(status.stopped().map(|(partition, _)| partition).collect::<Vec<_>>(), [PartitionId(1)]);
        let error = node.stop().expect_err("one was stopped");
        assert!(matches!(error, StopError::Stopped { partition: PartitionId(1), .. }), "{error}");
    }
}
