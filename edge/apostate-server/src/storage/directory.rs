//! Data directory: the files in it, and the lock that one process holds.
//!
//! ```text
//!   DIR/manifest.json   layout, map of the partitions, identity
//!   DIR/LOCK            of the log's engine
//!   DIR/log/            the log's segments, of all partitions
//!   DIR/store/          the checkpoints
//!   DIR/running         which message each partition runs at the moment
//! ```
//!
//! The process that serves the data holds a lock on the directory itself.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use apostate_log::failpoint;
use apostate_partition::Map;
use tracing::warn;

use crate::Settings;
use crate::storage::manifest::{CreationState, Manifest, ManifestError, sync_dir};

/// A data directory that this process holds.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    manifest: Manifest,
    /// The directory itself, locked while it is open; the system unlocks it when the process ends, in whatever way.
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another process serves the data.
    #[error("data directory {dir} is in use by another process; stop it first, or choose another directory")]
    Held {
        /// The directory.
        dir: PathBuf,
    },
    /// A newer build wrote the data.
    #[error(
        "data directory {dir} was written by a newer build: layout {found} is unknown to this one; start a build at least as new as the one that wrote it"
    )]
    Newer {
        /// The directory.
        dir: PathBuf,
        /// The layout's number.
        found: u64,
    },
    /// The manifest cannot be read.
    #[error("manifest of {dir} is damaged ({detail}); restore it from a backup, the other files may be intact")]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// The damage.
        detail: String,
    },
    /// There is data and no manifest.
    #[error(
        "data directory {dir} holds `{found}` but no manifest; restore the manifest from a backup, or choose an empty directory"
    )]
    NoManifest {
        /// The directory.
        dir: PathBuf,
        /// The folder that was found.
        found: &'static str,
    },
    /// Log or store is missing, and the manifest says that it was created.
    #[error("`{missing}` is missing in data directory {dir}; mount its disk, or restore it from a backup")]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The folder that is missing.
        missing: &'static str,
    },
    /// An I/O error.
    #[error("cannot use data directory {dir}")]
    Io {
        /// The directory.
        dir: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

const LOG_DIR: &str = "log";
const STORE_DIR: &str = "store";

impl Directory {
    /// Takes the directory of `settings`, creating it if need be.
    pub(crate) fn open(settings: &Settings) -> Result<Self, DirectoryError> {
        let path = settings.data.clone();
        let io = |source| DirectoryError::Io { dir: path.clone(), source };
        create(&path).map_err(io)?;
        let lock = lock(&path)?;
        let manifest = match Manifest::read(&path) {
            Ok(Some(manifest)) => manifest,
            Ok(None) => first_manifest(&path, settings)?,
            Err(ManifestError::Newer(found)) => return Err(DirectoryError::Newer { dir: path, found }),
            Err(ManifestError::Damaged(detail)) => return Err(DirectoryError::Damaged { dir: path, detail }),
            Err(ManifestError::Io(source)) => return Err(io(source)),
        };
        let is = manifest.map.partitions();
        if let Some(asked) = settings.partitions.filter(|asked| *asked != is) {
            warn!(
                asked,
                partitions = is,
                "data has another number of partitions than was asked for; `partitions` says how new data begins, and changes nothing here"
            );
        }
        let mut directory = Self { path, manifest, _lock: lock };
        directory.check_parts()?;
        if directory.manifest.raise_format() {
            directory
                .manifest
                .write(&directory.path)
                .map_err(|source| DirectoryError::Io { dir: directory.path.clone(), source })?;
        }
        Ok(directory)
    }

    /// The map of the data's partitions.
    pub(crate) fn map(&self) -> &Map {
        &self.manifest.map
    }

    /// The name of this data for ever.
    pub(crate) fn identity(&self) -> &str {
        &self.manifest.identity
    }

    /// Whether log and store were created whole: then they must be there.
    pub(crate) fn is_ready(&self) -> bool {
        self.manifest.state == CreationState::Ready
    }

    /// Log and store are there now, durably, and hold nothing yet.
    pub(crate) fn set_ready(&mut self) -> Result<(), DirectoryError> {
        self.manifest.state = CreationState::Ready;
        self.manifest.write(&self.path).map_err(|source| DirectoryError::Io { dir: self.path.clone(), source })?;
        failpoint("directory.ready");
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn store_dir(&self) -> PathBuf {
        self.path.join(STORE_DIR)
    }

    fn check_parts(&self) -> Result<(), DirectoryError> {
        if !self.is_ready() {
            return Ok(());
        }
        let missing = |missing| DirectoryError::Missing { dir: self.path.clone(), missing };
        if !has_segments(&self.path.join(LOG_DIR)) {
            return Err(missing(LOG_DIR));
        }
        if self.path.join(STORE_DIR).is_dir() { Ok(()) } else { Err(missing(STORE_DIR)) }
    }
}

/// Whether there is any segment of the log. There always is one, from the first start on.
fn has_segments(log: &Path) -> bool {
    let is_segment =
        |name: &str| name.strip_suffix(".seg").is_some_and(|stem| stem.bytes().all(|b| b.is_ascii_digit()));
    let entries = fs::read_dir(log).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_str().is_some_and(is_segment))
}

fn create(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let missing: Vec<&Path> =
        path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(path)?;
    // Each of them is a name in the one above.
    for parent in missing.into_iter().filter_map(Path::parent) {
        sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, DirectoryError> {
    let io = |source| DirectoryError::Io { dir: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::Held { dir: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// The manifest of a first start. Files that are there without one are not overwritten.
fn first_manifest(path: &Path, settings: &Settings) -> Result<Manifest, DirectoryError> {
    if let Some(found) = [LOG_DIR, STORE_DIR].into_iter().find(|part| path.join(part).exists()) {
        return Err(DirectoryError::NoManifest { dir: path.to_owned(), found });
    }
    let manifest = Manifest::new(Map::first(settings.partitions_at_first_start()));
    manifest.write(path).map_err(|source| DirectoryError::Io { dir: path.to_owned(), source })?;
    failpoint("directory.manifest-written");
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(path: &Path, partitions: Option<u32>) -> Settings {
        Settings { partitions, ..Settings::new(path) }
    }

    #[test]
    fn a_directory_remembers_its_number_of_partitions_and_its_identity() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a/b");
        let first = Directory::open(&settings(&path, Some(7))).expect("opened");
        let identity = first.identity().to_owned();
        drop(first);
        let again = Directory::open(&settings(&path, None)).expect("opened");
        assert_eq!((again.map(), again.identity()), (&Map::first(7), identity.as_str()));
        drop(again);
        let other = Directory::open(&settings(&path, Some(2))).expect("opened as it is");
        assert_eq!((other.map(), other.identity()), (&Map::first(7), identity.as_str()));
    }

    #[test]
    fn a_directory_is_held_once() {
        let dir = tempfile::tempdir().expect("a directory");
        let held = Directory::open(&settings(dir.path(), None)).expect("opened");
        let second = Directory::open(&settings(dir.path(), None)).unwrap_err();
        assert!(matches!(second, DirectoryError::Held { .. }), "{second}");
        drop(held);
        Directory::open(&settings(dir.path(), None)).expect("opened after the first was dropped");
    }

    #[test]
    fn ready_data_without_log_or_store_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut directory = Directory::open(&settings(dir.path(), None)).expect("opened");
        assert!(!directory.is_ready());
        directory.set_ready().expect("written");
        drop(directory);
        let error = Directory::open(&settings(dir.path(), None)).unwrap_err();
        assert!(matches!(error, DirectoryError::Missing { missing: "log", .. }), "{error}");
        fs::create_dir(dir.path().join("log")).expect("created");
        let error = Directory::open(&settings(dir.path(), None)).unwrap_err();
        assert!(matches!(error, DirectoryError::Missing { missing: "log", .. }), "an empty log: {error}");
        fs::write(dir.path().join("log/0000000001.seg"), b"").expect("created");
        let error = Directory::open(&settings(dir.path(), None)).unwrap_err();
        assert!(matches!(error, DirectoryError::Missing { missing: "store", .. }), "{error}");
    }

    #[test]
    fn data_without_a_manifest_is_not_written_over() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("store")).expect("created");
        let error = Directory::open(&settings(dir.path(), None)).unwrap_err();
        assert!(matches!(error, DirectoryError::NoManifest { found: "store", .. }), "{error}");
    }
}
