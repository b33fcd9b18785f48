//! Segment files that wait for their use: filled with zeros ahead of time, or trimmed and used again.
//!
//! Writing into bytes that are there already changes no metadata, so a sync is one flush of the disk and no
//! journal commit of the file system: see `docs/design/files-engine.md` for what that saves. Filling happens on a
//! thread of its own, while the segment before is written to.

use std::io;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::disk::{Disk, DiskFailure};
use crate::failpoint::failpoint;

pub(super) struct Spares {
    disk: Disk,
    bytes: u64,
    /// As many as are kept for later; what is trimmed beyond that is removed.
    kept_max: usize,
    ready: Vec<String>,
    next: u64,
    is_asked: bool,
    requests: Option<Sender<String>>,
    filled: Receiver<Result<String, DiskFailure>>,
    thread: Option<JoinHandle<()>>,
}

impl Spares {
    /// `found` are the spare files that an earlier process left.
    pub(super) fn start(disk: Disk, bytes: u64, kept_max: usize, found: &[String]) -> io::Result<Self> {
        let mut ready = Vec::new();
        let mut next = 1;
        for name in found {
            next = next.max(spare_number(name).map_or(1, |number| number + 1));
            if disk.open(name)?.length()? == bytes && ready.len() < kept_max {
                ready.push(name.clone());
            } else {
                disk.remove(name)?;
            }
        }
        let (requests, requested) = bounded::<String>(1);
        let (done, filled) = bounded(1);
        let filler = disk.clone();
        let thread = std::thread::Builder::new().name("apostate-spares".to_owned()).spawn(move || {
            for name in requested {
                if done.send(fill(&filler, &name, bytes).map(|()| name)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            disk,
            bytes,
            kept_max,
            ready,
            next,
            is_asked: false,
            requests: Some(requests),
            filled,
            thread: Some(thread),
        })
    }

    /// Sees to it that one will be ready, without waiting for it.
    pub(super) fn ask(&mut self) {
        if self.ready.is_empty() && !self.is_asked {
            let name = self.name();
            self.is_asked = self.requests.as_ref().is_some_and(|requests| requests.try_send(name).is_ok());
        }
    }

    /// The name of a file of `bytes` or more that may be overwritten.
    pub(super) fn take(&mut self, bytes: u64) -> Result<String, DiskFailure> {
        if bytes > self.bytes {
            let name = self.name();
            fill(&self.disk, &name, bytes)?;
            return Ok(name);
        }
        if let Some(name) = self.ready.pop() {
            return Ok(name);
        }
        let was_asked = self.is_asked;
        self.ask();
        match self.filled() {
            // That was the answer of some time ago: there may be room now.
            Err(_) if was_asked => {
                self.ask();
                self.filled()
            }
            filled => filled,
        }
    }

    fn filled(&mut self) -> Result<String, DiskFailure> {
        self.is_asked = false;
        let gone = |_| DiskFailure::Other(io::Error::other("the thread that fills segments is gone"));
        self.filled.recv().map_err(gone)?
    }

    /// Takes the name away from a segment file that is not needed any more, or removes it. What is returned may be
    /// [kept](Self::keep) when the folder is synced: before that, the file is still a segment.
    pub(super) fn retire(&mut self, name: &str, length: u64) -> io::Result<Option<String>> {
        if length == self.bytes && self.ready.len() < self.kept_max {
            let spare = self.name();
            if self.disk.rename(name, &spare).is_ok() {
                return Ok(Some(spare));
            }
            // A file system that has no room for another name may still let one go.
        }
        self.disk.remove(name).map(|()| None)
    }

    /// Keeps a file to be written over.
    pub(super) fn keep(&mut self, spare: String) {
        self.ready.push(spare);
    }

    /// Takes back a spare that was not used after all.
    pub(super) fn give_back(&mut self, name: String, bytes: u64) {
        if bytes > self.bytes {
            // It is of no use to another segment; a file that stays is removed at the next opening.
            let _ = self.disk.remove(&name);
        } else {
            self.ready.push(name);
        }
    }

    fn name(&mut self) -> String {
        let name = format!("spare-{}.seg", self.next);
        self.next += 1;
        name
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.requests = None;
        // One that was being filled is sent and received, so that the thread can end; its file is found again.
        if self.is_asked {
            let _ = self.filled.recv();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The number in the name of a spare file.
pub(super) fn spare_number(name: &str) -> Option<u64> {
    name.strip_prefix("spare-")?.strip_suffix(".seg")?.parse().ok()
}

fn fill(disk: &Disk, name: &str, bytes: u64) -> Result<(), DiskFailure> {
    let file = disk.create(name).map_err(DiskFailure::of_write)?;
    failpoint("files.segment-created");
    let allocated = file.allocate(bytes).map_err(DiskFailure::of_write);
    let filled = allocated.and_then(|()| file.sync().map_err(DiskFailure::Other));
    if filled.is_err() {
        // Half a file would take the room that is short.
        let _ = disk.remove(name);
    }
    failpoint("files.segment-allocated");
    filled
}
