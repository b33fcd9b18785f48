//! A shadow of the disk: what a power cut would leave of the log. For tests, under the feature `faults`.
//!
//! It is the harshest disk that keeps its word: nothing is durable before it was synced, neither bytes nor names; and what a
//! failed sync was about is never written, unless it is written again.

use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::{fs, io};

/// The durable bytes, by file, and by name.
#[derive(Debug)]
pub(super) struct Shadow {
    names: BTreeMap<String, u64>,
    durable: HashMap<u64, Vec<u8>>,
    /// Written, and not synced.
    pending: HashMap<u64, Vec<Change>>,
}

#[derive(Debug)]
enum Change {
    Bytes(u64, Vec<u8>),
    Cut(u64),
}

impl Shadow {
    /// Takes all that is in the folder for durable.
    pub(super) fn of(dir: &Path) -> io::Result<Self> {
        let mut shadow = Self { names: names(dir)?, durable: HashMap::new(), pending: HashMap::new() };
        for (name, file) in &shadow.names {
            shadow.durable.insert(*file, fs::read(dir.join(name))?);
        }
        Ok(shadow)
    }

    /// A file is new, or is begun anew.
    pub(super) fn created(&mut self, file: u64) {
        self.durable.remove(&file);
        self.pending.remove(&file);
    }

    pub(super) fn written(&mut self, file: u64, offset: u64, bytes: &[u8]) {
        self.pending.entry(file).or_default().push(Change::Bytes(offset, bytes.to_vec()));
    }

    pub(super) fn cut(&mut self, file: u64, length: u64) {
        self.pending.entry(file).or_default().push(Change::Cut(length));
    }

    pub(super) fn synced(&mut self, file: u64) {
        let durable = self.durable.entry(file).or_default();
        for change in self.pending.remove(&file).unwrap_or_default() {
            match change {
                Change::Cut(length) => durable.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
                Change::Bytes(offset, bytes) => {
                    let offset = usize::try_from(offset).expect("an offset");
                    durable.resize(durable.len().max(offset + bytes.len()), 0);
                    durable[offset..offset + bytes.len()].copy_from_slice(&bytes);
                }
            }
        }
    }

    /// A sync failed: the system takes for written what it was about.
    pub(super) fn forgotten(&mut self, file: u64) {
        self.pending.remove(&file);
    }

    pub(super) fn names_synced(&mut self, dir: &Path) -> io::Result<()> {
        self.names = names(dir)?;
        Ok(())
    }

    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        for (name, file) in &self.names {
            fs::write(dir.join(name), self.durable.get(file).map_or(&[][..], Vec::as_slice))?;
        }
        Ok(())
    }
}

fn names(dir: &Path) -> io::Result<BTreeMap<String, u64>> {
    let name = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.ino()))
    };
    if dir.exists() { fs::read_dir(dir)?.map(name).collect() } else { Ok(BTreeMap::new()) }
}
