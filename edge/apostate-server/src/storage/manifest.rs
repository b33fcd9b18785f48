//! Manifest of a data directory: a few lines of JSON, replaced whole or not at all.
//!
//! ```text
//!   first start:   manifest "creating"  ─▶  log and store created  ─▶  manifest "ready"  ─▶  served
//! ```
//!
//! It carries a checksum of itself: a digit that was changed would be another number of partitions, and with it another map.
//!
//! Nothing is served before *ready*, so whatever a crash leaves before it may be made again. After it, log and store
//! must be there: one that is missing is an error, never an empty start.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::random::random;

const FILE: &str = "manifest.json";

/// The layout of the directory that this build writes. It reads those before it too: messages of the first have no role, and nothing in the
/// second says when producers were heard.
const FORMAT: u64 = 3;
const FORMAT_MIN: u64 = 1;

/// The manifest of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    format: u64,
    /// How many partitions the data has, from its first start on.
    pub(crate) partitions: u32,
    /// The name of this data for ever, by which log and store belong together.
    pub(crate) identity: String,
    pub(crate) state: CreationState,
}

/// The lines of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    format: u64,
    partitions: u32,
    identity: String,
    state: CreationState,
    /// XXH3-64 over the other lines, as hexadecimal digits.
    checksum: String,
}

/// How far the first start came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CreationState {
    /// Log and store are being made, and hold nothing yet.
    Creating,
    /// Log and store are there.
    Ready,
}

/// Why a manifest cannot be had.
#[derive(Debug)]
pub(crate) enum ManifestError {
    /// A build with a newer layout wrote it.
    Newer(u64),
    /// The file is not a manifest.
    Damaged(String),
    Io(io::Error),
}

/// Read first, whatever else a later layout holds.
#[derive(Deserialize)]
struct Versioned {
    format: u64,
}

impl Manifest {
    /// The manifest of data that is about to be created.
    pub(crate) fn new(partitions: u32) -> Self {
        let identity = format!("{:016x}{:016x}", random(), random());
        Self { format: FORMAT, partitions, identity, state: CreationState::Creating }
    }

    /// Reads it from the directory `dir`; none if there is none.
    pub(crate) fn read(dir: &Path) -> Result<Option<Self>, ManifestError> {
        let bytes = match fs::read(dir.join(FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ManifestError::Io(error)),
        };
        let damaged = |error: serde_json::Error| ManifestError::Damaged(error.to_string());
        let Versioned { format } = serde_json::from_slice(&bytes).map_err(damaged)?;
        if format > FORMAT {
            return Err(ManifestError::Newer(format));
        }
        if format < FORMAT_MIN {
            return Err(ManifestError::Damaged(format!("there was no layout {format}")));
        }
        let Lines { format, partitions, identity, state, checksum } =
            serde_json::from_slice(&bytes).map_err(damaged)?;
        let manifest = Self { format, partitions, identity, state };
        if manifest.checksum() != checksum {
            return Err(ManifestError::Damaged("checksum mismatch".to_owned()));
        }
        Ok(Some(manifest))
    }

    /// Says that this build writes into the directory, so that one that knows less leaves it alone. False: it says so already.
    pub(crate) fn raise_format(&mut self) -> bool {
        std::mem::replace(&mut self.format, FORMAT) < FORMAT
    }

    fn checksum(&self) -> String {
        let Self { format, partitions, identity, state } = self;
        let text = format!("{format} {partitions} {identity} {state:?}");
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }

    /// Replaces the one in the directory `dir`, durably.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let (draft, place) = (dir.join("manifest.json.new"), dir.join(FILE));
        let Self { format, partitions, identity, state } = self.clone();
        let lines = Lines { format, partitions, identity, state, checksum: self.checksum() };
        let mut text = serde_json::to_string_pretty(&lines).map_err(io::Error::other)?;
        text.push('\n');
        let mut file = File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &place)?;
        sync_dir(dir)
    }
}

/// Makes the names in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_reads_back_and_none_is_none() {
        let dir = tempfile::tempdir().expect("a directory");
        assert!(Manifest::read(dir.path()).expect("readable").is_none());
        let manifest = Manifest::new(7);
        manifest.write(dir.path()).expect("written");
        assert_eq!(Manifest::read(dir.path()).expect("readable"), Some(manifest));
    }

    #[test]
    fn a_changed_character_is_never_read_as_something_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let manifest = Manifest::new(17);
        manifest.write(dir.path()).expect("written");
        let bytes = fs::read(dir.path().join(FILE)).expect("readable");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                fs::write(dir.path().join(FILE), flipped).expect("written");
                if let Ok(found) = Manifest::read(dir.path()) {
                    assert_eq!(found.as_ref(), Some(&manifest), "bit {bit} of byte {at}: white space, perhaps");
                }
            }
        }
    }

    #[test]
    fn a_later_format_is_refused_whatever_else_it_holds() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(FILE), r#"{"format": 4, "moons": 3}"#).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(ManifestError::Newer(4))));
        fs::write(dir.path().join(FILE), r#"{"format": 1, "parti"#).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(ManifestError::Damaged(_))));
    }

    #[test]
    fn two_new_manifests_have_two_identities() {
        assert_ne!(Manifest::new(1).identity, Manifest::new(1).identity);
    }
}
