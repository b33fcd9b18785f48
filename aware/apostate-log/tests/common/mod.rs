//! Code that the tests of the engines share.

#![allow(dead_code, reason = "every test uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use apostate_log::files::format::{ALIGN, Group, Location, SegmentHeader};
use apostate_log::{
    AppendResult, Epoch, Expected, FilesEngine, FilesLog, FilesSettings, Log, LogError, PartitionId, Position,
    RECORD_HEADER_BYTES, RecordHeader, Wake,
};
use bytes::Bytes;

/// Rung by an engine when results are ready.
pub(crate) struct Doorbell {
    ring: crossbeam_channel::Sender<()>,
    rung: crossbeam_channel::Receiver<()>,
}

impl Default for Doorbell {
    fn default() -> Self {
        let (ring, rung) = crossbeam_channel::bounded(1);
        Self { ring, rung }
    }
}

impl Doorbell {
    pub(crate) fn wake(&self) -> Wake {
        let ring = self.ring.clone();
        Arc::new(move || {
            let _ = ring.try_send(());
        })
    }

    pub(crate) fn wait(&self) {
        self.rung.recv_timeout(Duration::from_secs(60)).expect("the engine is stuck");
    }
}

/// Small segments, so that tests see many; and no empty groups but at a proper end, so that they see what a crash
/// leaves right after an acknowledgement.
pub(crate) fn settings() -> FilesSettings {
    let idle_after = Duration::from_secs(3600);
    FilesSettings { segment_bytes: 64 << 10, idle_after, ..FilesSettings::default() }
}

/// An engine, and the logs of some partitions.
pub(crate) struct Rig {
    pub(crate) dir: PathBuf,
    pub(crate) settings: FilesSettings,
    pub(crate) engine: Option<FilesEngine>,
    bell: Doorbell,
}

impl Rig {
    pub(crate) fn open(dir: &Path, expected: &Expected) -> Self {
        Self::with(dir, settings(), expected)
    }

    pub(crate) fn with(dir: &Path, settings: FilesSettings, expected: &Expected) -> Self {
        if settings.faults.has_no_shadow() {
            settings.faults.keep_shadow(&dir.join("log")).expect("a folder");
        }
        let engine = FilesEngine::open(dir, settings.clone(), expected).expect("an engine");
        Self { dir: dir.to_owned(), settings, engine: Some(engine), bell: Doorbell::default() }
    }

    pub(crate) fn engine(&self) -> &FilesEngine {
        self.engine.as_ref().expect("an engine")
    }

    pub(crate) fn log(&self, partition: u64) -> FilesLog {
        self.engine().log(PartitionId(partition), self.bell.wake())
    }

    /// Appends one record behind the last, and gives its result.
    pub(crate) fn append(&self, log: &mut FilesLog, at: u64, body: &[u8]) -> AppendResult {
        log.append(Position(at), record(at, body));
        self.result(log)
    }

    /// Waits for one result.
    pub(crate) fn result(&self, log: &mut FilesLog) -> AppendResult {
        let mut done = Vec::new();
        loop {
            log.poll(&mut done);
            match done.pop() {
                Some((_, result)) if done.is_empty() => return result,
                Some(_) => panic!("one result was asked for"),
                None => self.bell.wait(),
            }
        }
    }

    /// Appends records `from..=to`, each made durable before the next: so each is a group of its own.
    pub(crate) fn fill(&self, log: &mut FilesLog, from: u64, to: u64) {
        for at in from..=to {
            assert_eq!(self.append(log, at, &body(at)), AppendResult::Ok, "record {at}");
        }
    }

    /// The disk's contents if the power went now: what was synced, and nothing else.
    pub(crate) fn crash(&self) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        self.settings.faults.write_shadow(&dir.path().join("log")).expect("a folder");
        dir
    }

    /// The stopped partitions, and their positions.
    pub(crate) fn stopped(&self) -> Vec<(u64, u64)> {
        self.engine().stopped().iter().map(|stopped| (stopped.partition.0, stopped.position.0)).collect()
    }
}

pub(crate) fn body(at: u64) -> Vec<u8> {
    format!("record {at} ").repeat(20).into_bytes()
}

pub(crate) fn record(at: u64, body: &[u8]) -> Bytes {
    let mut bytes = vec![0; RECORD_HEADER_BYTES];
    bytes.extend_from_slice(body);
    let header =
        RecordHeader { partition: PartitionId(1), epoch: Epoch(1), position: Position(at), previous: 0, time: 0 };
    header.seal(&mut bytes);
    Bytes::from(bytes)
}

/// The segment files of a log, oldest first.
pub(crate) fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir.join("log"))
        .expect("a log")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes()[0].is_ascii_digit()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    found.sort();
    found
}

/// Whether a file waits to be the next segment, filled.
pub(crate) fn has_spare(dir: &Path) -> bool {
    let files = std::fs::read_dir(dir.join("log")).expect("a log").map(|entry| entry.expect("an entry"));
    let is_spare = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(b"spare-");
    files.into_iter().any(|file| is_spare(&file.file_name()) && file.metadata().expect("its size").len() >= 64 << 10)
}

/// All records of a log.
pub(crate) fn read_all(log: &FilesLog) -> Result<Vec<Bytes>, LogError> {
    log.read(Position(1), usize::MAX)
}

/// The same records as `Rig::fill` appends.
pub(crate) fn filled(from: u64, to: u64) -> Vec<Bytes> {
    (from..=to).map(|at| record(at, &body(at))).collect()
}

/// The groups of a segment, one behind the other.
pub(crate) fn groups(segment: &Path) -> (SegmentHeader, Vec<Group>) {
    let bytes = std::fs::read(segment).expect("a segment");
    let header = SegmentHeader::decode(&bytes).expect("a header");
    let mut groups = Vec::new();
    let mut offset = ALIGN;
    while let Some(group) = Group::decode(&bytes, header.seed, Location { segment: header.number, offset }) {
        offset = group.end();
        groups.push(group);
    }
    (header, groups)
}

/// The last segment with records of at least `count` groups in it, and its groups.
pub(crate) fn last_segment(dir: &Path) -> (PathBuf, SegmentHeader, Vec<Group>) {
    let segment = segments(dir).pop().expect("a segment");
    let (header, groups) = groups(&segment);
    (segment, header, groups)
}

/// Changes the bytes of a file.
pub(crate) fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).expect("a file");
    change(&mut bytes);
    std::fs::write(file, bytes).expect("a file");
}

/// Copies a folder and what is in it: the state of a disk at this moment.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
