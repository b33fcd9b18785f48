//! The process dies between any two steps of the log's writer and of a checkpoint: what was acknowledged is there.

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use apostate_log::{AppendResult, Expected, FAILPOINTS, Log, LsmStore, PartitionId, Position, Store, StoreExpect};

use common::{Rig, filled, read_all, settings};

const FOLDER: &str = "APOSTATE_TEST_FAILPOINTS";
const TEST: &str = "nothing_acknowledged_is_lost_whatever_step_the_process_dies_in";
const PARTITIONS: u64 = 3;
const CELLS: u64 = 200;

/// Appends, checkpoints and trims for ever, and says what was acknowledged; until the failpoint kills it.
fn work(folder: &Path) {
    let (positions, mark) = expected(folder);
    let rig = Rig::with(folder, settings(), &Expected { positions, mark, ..Expected::default() });
    assert_eq!(rig.stopped(), []);
    let store = LsmStore::open(&folder.join("store"), StoreExpect::Fresh, 1 << 20).expect("a store");
    let mut logs: Vec<_> = (1..=PARTITIONS).map(|partition| rig.log(partition)).collect();
    for round in 0..120 {
        for (partition, log) in (1..).zip(&mut logs) {
            let at = log.last().expect("a healthy log").0 + 1;
            rig.fill(log, at, at);
            println!("ack {partition} {at}");
        }
        if round % 10 == 9 {
            let lasts = logs.iter().map(|log| log.last().expect("a healthy log").0);
            let position = lasts.min().expect("partitions");
            checkpoint(&store, position, &rig.engine().mark());
            println!("checkpoint {position}");
            for log in &mut logs {
                log.trim(Position(position.saturating_sub(5)));
            }
        }
    }
}

/// A checkpoint that writes every cell: so a torn one shows.
fn checkpoint(store: &LsmStore, position: u64, mark: &[u8]) {
    let position = position.to_string().into_bytes();
    let mut cells: BTreeMap<Vec<u8>, &[u8]> = BTreeMap::new();
    for number in 0..CELLS {
        cells.insert(format!("cell/{number:04}").into_bytes(), &position);
    }
    cells.insert(b"mark".to_vec(), mark);
    cells.insert(b"position".to_vec(), &position);
    store.checkpoint(&mut cells.iter().map(|(key, value)| (key.as_slice(), Some(*value)))).expect("a checkpoint");
}

/// The positions that the store says must be in the log.
fn expected(folder: &Path) -> (BTreeMap<PartitionId, Position>, Option<bytes::Bytes>) {
    let store = LsmStore::open(&folder.join("store"), StoreExpect::Fresh, 1 << 20).expect("a store");
    let position = checkpointed(&store);
    let positions = (1..=PARTITIONS).filter(|_| position > 0).map(|id| (PartitionId(id), Position(position)));
    (positions.collect(), store.get(b"mark").expect("an answer"))
}

/// The position of the last checkpoint, having seen that all of it is there.
fn checkpointed(store: &LsmStore) -> u64 {
    let Some(position) = store.get(b"position").expect("an answer") else { return 0 };
    let cells = store.scan(b"cell/", b"cell0", usize::MAX).expect("cells");
    assert_eq!(cells.len() as u64, CELLS);
    assert!(cells.iter().all(|(_, value)| *value == position), "a checkpoint is there as a whole or not at all");
    String::from_utf8_lossy(&position).parse().expect("a number")
}

/// Lets a process work until it dies, and returns what it had acknowledged: by partition, and checkpoints under 0.
fn work_until(folder: &Path, failpoint: &str, count: u64) -> BTreeMap<u64, u64> {
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([TEST, "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .env("APOSTATE_FAILPOINT", format!("{failpoint}:{count}"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut acknowledged = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
        let line = line.expect("a line");
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["ack", partition, at] => {
                acknowledged.insert(partition.parse().expect("a number"), at.parse().expect("a number"))
            }
            ["checkpoint", position] => acknowledged.insert(0, position.parse().expect("a number")),
            _ => None,
        };
    }
    let status = child.wait().expect("its end");
    // A step that is taken now and then may not come so often; the first time it comes in any case.
    let is_killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    assert!(is_killed || (count > 1 && status.success()), "{failpoint}:{count} ended with {status}");
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_whatever_step_the_process_dies_in() {
    if let Ok(folder) = std::env::var(FOLDER) {
        // This is the process that dies.
        work(folder.as_ref());
        return;
    }
    for failpoint in FAILPOINTS {
        let dir = tempfile::tempdir().expect("a folder");
        // What was ever acknowledged, by whichever run: a run that dies before it says anything has lost nothing of it.
        let mut acknowledged = BTreeMap::new();
        // In its first passing, and in later ones, on a folder that has seen the earlier crash_count.
        for count in [1, 5] {
            acknowledged.extend(work_until(dir.path(), failpoint, count));
            let (positions, mark) = expected(dir.path());
            let checkpointed = positions.get(&PartitionId(1)).map_or(0, |position| position.0);
            let acknowledged_checkpoint = acknowledged.get(&0).copied().unwrap_or_default();
            assert!(checkpointed >= acknowledged_checkpoint, "a checkpoint is lost in {failpoint}:{count}");
            let rig = Rig::with(dir.path(), settings(), &Expected { positions, mark, ..Expected::default() });
            assert_eq!(rig.stopped(), [], "{failpoint}:{count}");
            for partition in 1..=PARTITIONS {
                let mut log = rig.log(partition);
                let last = log.last().expect("a healthy log").0;
                let due = acknowledged.get(&partition).copied().unwrap_or_default();
                assert!(last == due || last == due + 1, "{failpoint}:{count}: {last}, not {due}");
                let kept = log.read(Position(checkpointed + 1), usize::MAX).expect("records above the checkpoint");
                assert_eq!(kept, filled(checkpointed + 1, last));
                assert_eq!(rig.append(&mut log, last + 1, &common::body(last + 1)), AppendResult::Ok);
                acknowledged.insert(partition, last + 1);
            }
        }
        assert!(read_all(&Rig::open(dir.path(), &Expected::default()).log(9)).expect("nothing").is_empty());
    }
}
