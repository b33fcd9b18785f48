//! Manifest of a data directory: a few lines of JSON, replaced whole or not at all.
//!
//! ```text
//!   first start:   manifest "creating"  ─▶  log and store created  ─▶  manifest "ready"  ─▶  served
//! ```
//!
//! It holds the map: which partition has which range of the ring. It carries a checksum of itself, for a digit that was changed would be
//! another map.
//!
//! Nothing is served before *ready*, so whatever a crash leaves before it may be made again. After it, log and store
//! must be there: one that is missing is an error, never an empty start.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use apostate_log::PartitionId;
use apostate_partition::{Map, Range};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::random::random;

const FILE: &str = "manifest.json";

/// The layout of the directory that this build writes. It reads those before it too: messages of the first have no role, nothing in the second
/// says when producers were heard, and up to the third there is a number of partitions in place of the map.
const FORMAT: u64 = 4;
const FORMAT_MIN: u64 = 1;

/// The newest layout with a number of partitions.
const FORMAT_OF_COUNT: u64 = 3;

/// The manifest of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    format: u64,
    pub(crate) map: Map,
    /// The name of this data for ever, by which log and store belong together.
    pub(crate) identity: String,
    pub(crate) state: CreationState,
}

/// The lines of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    format: u64,
    identity: String,
    state: CreationState,
    map_version: u64,
    /// In the order of the ring; each reaches to the next.
    partitions: Vec<PartitionLine>,
    /// XXH3-64 over the other lines, as hexadecimal digits.
    checksum: String,
}

/// One partition of the map.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartitionLine {
    id: u64,
    /// The lowest hash of its range, as 16 hexadecimal digits.
    first: String,
}

/// The lines of the file in layouts 1 to 3: their map is that many partitions of equal ranges.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountLines {
    format: u64,
    partitions: u32,
    identity: String,
    state: CreationState,
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
    pub(crate) fn new(map: Map) -> Self {
        let identity = format!("{:016x}{:016x}", random(), random());
        Self { format: FORMAT, map, identity, state: CreationState::Creating }
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
        let (manifest, is_whole) = if format <= FORMAT_OF_COUNT {
            serde_json::from_slice::<CountLines>(&bytes).map_err(damaged)?.manifest()
        } else {
            serde_json::from_slice::<Lines>(&bytes).map_err(damaged)?.manifest()?
        };
        if is_whole { Ok(Some(manifest)) } else { Err(ManifestError::Damaged("checksum mismatch".to_owned())) }
    }

    /// Says that this build writes into the directory, so that one that knows less leaves it alone. False: it says so already.
    pub(crate) fn raise_format(&mut self) -> bool {
        std::mem::replace(&mut self.format, FORMAT) < FORMAT
    }

    fn checksum(&self) -> String {
        let Self { format, map, identity, state } = self;
        let mut text = format!("{format} {identity} {state:?} {}", map.version);
        for (range, id) in &map.tiles {
            text.push_str(&format!(" {} {:016x}", id.0, range.first));
        }
        checksum_of(&text)
    }

    /// Replaces the one in the directory `dir`, durably.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let (draft, place) = (dir.join("manifest.json.new"), dir.join(FILE));
        let Self { format, map, identity, state } = self.clone();
        let line =
            |(range, id): &(Range, PartitionId)| PartitionLine { id: id.0, first: format!("{:016x}", range.first) };
        let partitions = map.tiles.iter().map(line).collect();
        let lines = Lines { format, identity, state, map_version: map.version, partitions, checksum: self.checksum() };
        let mut text = serde_json::to_string_pretty(&lines).map_err(io::Error::other)?;
        text.push('\n');
        let mut file = File::create(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, &place)?;
        sync_dir(dir)
    }
}

impl Lines {
    /// The manifest, and whether the checksum is right.
    fn manifest(self) -> Result<(Manifest, bool), ManifestError> {
        let Self { format, identity, state, map_version, partitions, checksum } = self;
        let starts = partitions
            .iter()
            .map(|PartitionLine { id, first }| u64::from_str_radix(first, 16).map(|first| (first, PartitionId(*id))));
        let starts: Vec<_> =
            starts.collect::<Result<_, _>>().map_err(|error| ManifestError::Damaged(error.to_string()))?;
        let map = Map::of(map_version, &starts)
            .ok_or_else(|| ManifestError::Damaged("the ranges of the partitions do not tile the ring".to_owned()))?;
        let manifest = Manifest { format, map, identity, state };
        let is_whole = manifest.checksum() == checksum;
        Ok((manifest, is_whole))
    }
}

impl CountLines {
    /// The manifest, and whether the checksum is right.
    fn manifest(self) -> (Manifest, bool) {
        let Self { format, partitions, identity, state, checksum } = self;
        let is_whole = checksum_of(&format!("{format} {partitions} {identity} {state:?}")) == checksum;
        (Manifest { format, map: Map::first(if is_whole { partitions } else { 1 }), identity, state }, is_whole)
    }
}

fn checksum_of(text: &str) -> String {
    format!("{:016x}", xxh3_64(text.as_bytes()))
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
        let manifest = Manifest::new(Map::first(7));
        manifest.write(dir.path()).expect("written");
        assert_eq!(Manifest::read(dir.path()).expect("readable"), Some(manifest));
    }

    #[test]
    fn a_changed_character_is_never_read_as_something_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let manifest = Manifest::new(Map::first(17));
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
        fs::write(dir.path().join(FILE), r#"{"format": 5, "moons": 3}"#).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(ManifestError::Newer(5))));
        fs::write(dir.path().join(FILE), r#"{"format": 1, "parti"#).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(ManifestError::Damaged(_))));
    }

    #[test]
    fn the_map_of_older_layouts_has_partitions_of_equal_ranges() {
        let dir = tempfile::tempdir().expect("a directory");
        let checksum = checksum_of("3 3 abc Ready");
        let text = format!(
            r#"{{"format": 3, "partitions": 3, "identity": "abc", "state": "ready", "checksum": "{checksum}"}}"#
        );
        fs::write(dir.path().join(FILE), &text).expect("written");
        let mut manifest = Manifest::read(dir.path()).expect("readable").expect("a manifest");
        assert_eq!((&manifest.map, &manifest.identity[..]), (&Map::first(3), "abc"));
        assert!(manifest.raise_format() && !manifest.raise_format());
        manifest.write(dir.path()).expect("written");
        assert_eq!(Manifest::read(dir.path()).expect("readable"), Some(manifest));
        fs::write(dir.path().join(FILE), text.replace("\"partitions\": 3", "\"partitions\": 4")).expect("written");
        assert!(matches!(Manifest::read(dir.path()), Err(ManifestError::Damaged(_))));
    }

    #[test]
    fn a_map_with_a_gap_is_damage() {
        let dir = tempfile::tempdir().expect("a directory");
        Manifest::new(Map::first(2)).write(dir.path()).expect("written");
        let text = fs::read_to_string(dir.path().join(FILE)).expect("readable");
        for (from, to) in [("0000000000000000", "0000000000000001"), ("8000000000000000", "0000000000000000")] {
            fs::write(dir.path().join(FILE), text.replace(from, to)).expect("written");
            let Err(ManifestError::Damaged(detail)) = Manifest::read(dir.path()) else { panic!("it was read") };
            assert!(detail.contains("tile the ring"), "{detail}");
        }
    }

    #[test]
    fn two_new_manifests_have_two_identities() {
        let new = || Manifest::new(Map::first(1));
        assert_ne!(new().identity, new().identity);
    }
}
