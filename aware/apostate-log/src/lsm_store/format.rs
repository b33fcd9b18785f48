//! Opening: which layout is on disk, and whether there is one at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lsm_tree::config::{
    BlockSizePolicy, BloomConstructionPolicy, CompressionPolicy, FilterPolicy, FilterPolicyEntry, PartitioningPolicy,
    PinningPolicy,
};
use lsm_tree::{AbstractTree, AnyTree, Cache, CompressionType, Config, SequenceNumberCounter};
use xxhash_rust::xxh3::xxh3_128;

/// The caller's knowledge of the store that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreExpect {
    /// There is one: not to find it is an error.
    Existing,
    /// There may be none yet: it is created. One from a first start that was cut short is opened.
    Fresh,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum StoreOpenError {
    /// The store should be there, and is not. Find the disk or the backup that it is on; starting empty would lose
    /// what the log was trimmed for.
    #[error("the store in {dir} is missing ({detail}); what it held is nowhere else")]
    Missing {
        /// Where it should be.
        dir: PathBuf,
        /// The part that is missing.
        detail: String,
    },
    /// Another process has it open. End that one first.
    #[error("the store in {dir} is in use by another process")]
    Locked {
        /// Where it is.
        dir: PathBuf,
    },
    /// Another build wrote it.
    #[error(
        "the store in {dir} was written by another build: layout `{found}` is unknown to this one; start a build at least as new as the one that wrote it"
    )]
    Format {
        /// Where it is.
        dir: PathBuf,
        /// The format that the store names.
        found: String,
    },
    /// The store's files are not those that were written.
    #[error("the store in {dir} is damaged: {detail}")]
    Damaged {
        /// Where it is.
        dir: PathBuf,
        /// In what way.
        detail: String,
    },
    /// An I/O error.
    #[error("the store in {dir} cannot be opened: {detail}")]
    Io {
        /// Where it is.
        dir: PathBuf,
        /// The system's message.
        detail: String,
    },
}

const LOCK_FILE: &str = "LOCK";
const FORMAT_FILE: &str = "FORMAT";
const FORMAT: &str = "apostate store 1\n";
const TREE_DIR: &str = "cells";

/// Names the version of the tree that counts; without it the tree would start empty.
const TREE_CURRENT: &str = "current";

/// Bits in a filter for each cell: one lookup in a hundred asks a run in vain.
const FILTER_BITS_PER_CELL: f32 = 10.0;

/// Larger blocks make checkpoints and merges cheaper, and single lookups dearer.
const BLOCK_BYTES: u32 = 4 << 10;

pub(super) fn open(
    dir: &Path,
    expect: StoreExpect,
    cache_bytes: u64,
    sequence: &SequenceNumberCounter,
) -> Result<(AnyTree, File), StoreOpenError> {
    let io = |error: std::io::Error| StoreOpenError::Io { dir: dir.to_owned(), detail: error.to_string() };
    let missing = |detail: &str| StoreOpenError::Missing { dir: dir.to_owned(), detail: detail.to_owned() };
    if expect == StoreExpect::Existing && !dir.join(FORMAT_FILE).try_exists().map_err(io)? {
        // ReadOnly for it must not create anything.
        return Err(missing("there is no FORMAT file"));
    }
    fs::create_dir_all(dir).map_err(io)?;
    // Opening the tree removes what no version names: the unfinished tables of a process that is still at work.
    let lock = lock(dir)?;
    let is_created = check_format(dir)?;
    let has_tree = dir.join(TREE_DIR).join(TREE_CURRENT).try_exists().map_err(io)?;
    match (is_created, has_tree, expect) {
        (true, true, _) | (false, _, StoreExpect::Fresh) => {}
        (true, false, _) => return Err(missing("its tree has no current version")),
        (false, _, StoreExpect::Existing) => return Err(missing("there is no FORMAT file")),
    }
    if has_tree {
        // The tree does not verify this checksum itself, and removes what the version does not name.
        check_version(&dir.join(TREE_DIR)).map_err(|error| match error {
            VersionError::Io(error) => io(error),
            VersionError::Damaged(detail) => StoreOpenError::Damaged { dir: dir.to_owned(), detail },
        })?;
    }
    let tree = tree_config(&dir.join(TREE_DIR), cache_bytes, sequence).open().map_err(|error| match error {
        lsm_tree::Error::Io(error) if !is_damage(&error) => io(error),
        other => StoreOpenError::Damaged { dir: dir.to_owned(), detail: detail(&other) },
    })?;
    // What is ingested from now on is newer than anything that is there.
    sequence.fetch_max(tree.get_highest_seqno().map_or(1, |highest| highest + 1));
    if !is_created {
        write_format(dir).map_err(io)?;
    }
    Ok((tree, lock))
}

/// Why the tree's version cannot be trusted.
enum VersionError {
    Io(std::io::Error),
    Damaged(String),
}

/// Which version of the tree counts: `current` is its number, the XXH3-128 of its file, and a byte for that kind of checksum.
fn read_current(tree: &Path) -> Result<(u64, u128), VersionError> {
    const BYTES: usize = 25;
    let damaged = || VersionError::Damaged(format!("`{TREE_DIR}/{TREE_CURRENT}` does not read"));
    let found: [u8; BYTES] = read(&tree.join(TREE_CURRENT))?.try_into().map_err(|_| damaged())?;
    let (number, rest) = found.split_first_chunk().ok_or_else(damaged)?;
    let (hash, kind) = rest.split_first_chunk().ok_or_else(damaged)?;
    if kind != [0] {
        return Err(damaged());
    }
    Ok((u64::from_le_bytes(*number), u128::from_le_bytes(*hash)))
}

/// Whether the file that names all tables is the one that was written.
fn check_version(tree: &Path) -> Result<(), VersionError> {
    let (number, hash) = read_current(tree)?;
    let name = format!("v{number}");
    if xxh3_128(&read(&tree.join(&name))?) == hash {
        return Ok(());
    }
    Err(VersionError::Damaged(format!("`{TREE_DIR}/{name}` is not the version that `{TREE_DIR}/{TREE_CURRENT}` names")))
}

fn read(file: &Path) -> Result<Vec<u8>, VersionError> {
    fs::read(file).map_err(|error| match error {
        error if is_damage(&error) => VersionError::Damaged(format!("{}: {error}", file.display())),
        error => VersionError::Io(error),
    })
}

/// Whether the disk names no later version than there is in memory: then what failed has changed nothing.
pub(super) fn is_unchanged(dir: &Path, tree: &AnyTree) -> bool {
    // Held, so that no checkpoint or merge is between writing a version down and taking it up.
    let versions = tree.get_version_history_lock();
    let current = read_current(&dir.join(TREE_DIR));
    drop(versions);
    matches!(current, Ok((number, _)) if number <= tree.current_version().id())
}

/// Where the tables are, each under its number.
pub(super) fn tables_dir(dir: &Path) -> PathBuf {
    dir.join(TREE_DIR).join("tables")
}

/// Held as long as the store is open.
fn lock(dir: &Path) -> Result<File, StoreOpenError> {
    let io = |error: std::io::Error| StoreOpenError::Io { dir: dir.to_owned(), detail: error.to_string() };
    let path = dir.join(LOCK_FILE);
    let file = File::options().write(true).create(true).truncate(false).open(path).map_err(io)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreOpenError::Locked { dir: dir.to_owned() }),
        Err(error) => Err(io(error.into())),
    }
}

/// Whether the store was created whole.
fn check_format(dir: &Path) -> Result<bool, StoreOpenError> {
    match fs::read(dir.join(FORMAT_FILE)) {
        Ok(found) if found == FORMAT.as_bytes() => Ok(true),
        Ok(found) => {
            let found = String::from_utf8_lossy(&found).trim().chars().take(80).collect();
            Err(StoreOpenError::Format { dir: dir.to_owned(), found })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreOpenError::Io { dir: dir.to_owned(), detail: error.to_string() }),
    }
}

fn write_format(dir: &Path) -> std::io::Result<()> {
    let draft = dir.join("FORMAT.new");
    let mut file = File::create(&draft)?;
    file.write_all(FORMAT.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, dir.join(FORMAT_FILE))?;
    File::open(dir)?.sync_all()?;
    // The directory itself may be new as well.
    dir.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn tree_config(dir: &Path, cache_bytes: u64, sequence: &SequenceNumberCounter) -> Config {
    Config::new(dir, sequence.clone(), SequenceNumberCounter::default())
        .use_cache(Arc::new(Cache::with_capacity_bytes(cache_bytes)))
        .filter_policy(FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(
            FILTER_BITS_PER_CELL,
        ))))
        .filter_block_partitioning_policy(PartitioningPolicy::all(false))
        .filter_block_pinning_policy(PinningPolicy::all(true))
        .index_block_partitioning_policy(PartitioningPolicy::all(false))
        .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
        .data_block_compression_policy(CompressionPolicy::all(CompressionType::None))
}

/// Whether the files are to blame, and not the disk: they end too early, or name what is not there.
pub(super) fn is_damage(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | NotFound | UnexpectedEof)
}

/// Whether there was no room, and nothing worse.
pub(super) fn is_full(error: &lsm_tree::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error, lsm_tree::Error::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded))
}

/// The tree's error, in words.
pub(super) fn detail(error: &lsm_tree::Error) -> String {
    match error {
        lsm_tree::Error::Io(error) => error.to_string(),
        lsm_tree::Error::ChecksumMismatch { .. } => "a block does not match its checksum".to_owned(),
        lsm_tree::Error::Unrecoverable => "a file of the tree is missing or unreadable".to_owned(),
        lsm_tree::Error::InvalidVersion(version) => format!("the tree has an unknown format ({version})"),
        other => other.to_string(),
    }
}
