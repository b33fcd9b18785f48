//! Opening a folder: lock it, find its segments, apply the rules, begin a new segment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::aside;
use super::disk::{Disk, DiskFile, is_unreadable, sync_dir};
use super::engine::FilesEngine;
use super::format::{ALIGN, Entry, HeaderError, Location, SegmentHeader};
use super::index::{LiveSegment, SegmentFile, SharedIndex};
use super::mark::decode_mark;
use super::recover::{Known, Piece, Recovered, recover};
use super::scan::{Found, scan};
use super::segments::{Continues, Segments, segment_name, segment_number};
use super::settings::{Expected, FilesSettings};
use super::spares::{Spares, spare_number};
use super::writer::{Batch, Writer};
use crate::{PartitionId, Position};

/// Why a folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works in it. End that one first.
    #[error("{dir} is in use by another process")]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// Another build wrote it.
    #[error(
        "{file} was written by a newer build: segment layout {version} is unknown to this one; start a build at least as new as the one that wrote it"
    )]
    Format {
        /// The file.
        file: PathBuf,
        /// The version that the file names.
        version: u32,
    },
    /// The log belongs to other data. Bring back the one that belongs here.
    #[error("{file} belongs to the log of other data; bring back the log that belongs to this store")]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The mark that was stored with the last checkpoint is not one of this build.
    #[error(
        "the mark of the log in {dir} has a layout that is unknown to this build; start a build at least as new as the one that wrote it"
    )]
    Mark {
        /// The folder.
        dir: PathBuf,
    },
    /// An I/O error.
    #[error("the log in {dir} cannot be opened")]
    Io {
        /// The folder.
        dir: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

const LOCK_FILE: &str = "LOCK";
const LOG_DIR: &str = "log";

impl FilesEngine {
    /// Opens the log in `dir`, or begins one there.
    ///
    /// Damage does not fail the opening: it stops the partitions that may have lost something, which
    /// [`stopped`](Self::stopped) lists, and whose logs answer with it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. What another process uses or another build wrote is left as it is.
    pub fn open(dir: &Path, settings: FilesSettings, expected: &Expected) -> Result<Self, OpenError> {
        open(dir, settings, expected)
    }
}

fn open(dir: &Path, settings: FilesSettings, expected: &Expected) -> Result<FilesEngine, OpenError> {
    let failed = |source: io::Error| OpenError::Io { dir: dir.to_owned(), source };
    let mark = match &expected.mark {
        Some(mark) => decode_mark(mark).ok_or_else(|| OpenError::Mark { dir: dir.to_owned() })?,
        None => Location::default(),
    };
    let disk = Disk { dir: dir.join(LOG_DIR), faults: settings.faults.clone() };
    make_dirs(dir, &disk.dir).map_err(failed)?;
    let lock = lock(dir)?;
    let headers = read_headers(&disk).map_err(failed)?.into_headers(&disk, expected.identity)?;
    start(&disk, settings, expected, mark, headers, lock).map_err(failed)
}

fn start(
    disk: &Disk,
    settings: FilesSettings,
    expected: &Expected,
    mark: Location,
    headers: BTreeMap<u64, Option<SegmentHeader>>,
    lock: File,
) -> io::Result<FilesEngine> {
    let names = clean(disk)?;
    let stopped = aside::stopped(disk, &names)?;
    let ends = headers.values().flatten().map(|header| (header.number - 1, header.previous_end)).collect();
    let pieces = read_pieces(disk, &headers, &ends)?;
    let first = headers.keys().next().copied().unwrap_or(1);
    let named = ends.iter().filter(|(number, _)| **number >= first);
    let mark = named.fold(mark, |mark, (segment, offset)| mark.max(Location { segment: *segment, offset: *offset }));
    let before: BTreeSet<PartitionId> = stopped.keys().copied().collect();
    let mut recovered =
        recover(&pieces, Known { expected: &expected.positions, gone_below: expected.gone_below, mark, stopped });
    set_aside(disk, &pieces, &mut recovered, &before)?;
    let older = settle(disk, &pieces, &recovered)?;

    let continues = Continues {
        number: recovered.end.segment.max(mark.segment) + 1,
        sequence: recovered.sequence,
        previous_end: recovered.end.offset,
    };
    let found: Vec<String> = names.into_iter().filter(|name| spare_number(name).is_some()).collect();
    let spares = Spares::start(disk.clone(), settings.segment_bytes, settings.spares_max, &found)?;
    // Cut when the next segment names its end, and not before.
    let tail = tail(&pieces, &recovered);
    let Recovered { mut index, sequence, flawed, end, .. } = recovered;
    let mut segments =
        Segments::start(disk.clone(), spares, settings.segment_bytes, older, flawed, expected.identity, continues)?;
    if let Some(tail) = tail.filter(|_| segments.current.is_some()) {
        tail.file.cut(end.offset)?;
        segments.set_length(end.segment, end.offset);
    }
    index.lengths = segments.lengths();
    let shared = Arc::new(SharedIndex::new(index, lock));
    let (requests, arrived) = crossbeam_channel::unbounded();
    let writer = Writer {
        shared: Arc::clone(&shared),
        requests: arrived,
        segments,
        sequence,
        group_bytes_max: settings.group_bytes_max,
        idle_after: settings.idle_after,
        batch: Batch::default(),
        table: Vec::new(),
    };
    let writer = std::thread::Builder::new().name("apostate-log".to_owned()).spawn(move || writer.run())?;
    Ok(FilesEngine { shared, requests, writer: Some(writer), disk: disk.clone() })
}

/// Creates the folders that are missing, durably.
fn make_dirs(dir: &Path, log: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = log.ancestors().take_while(|path| !path.exists()).collect();
    fs::create_dir_all(log)?;
    for parent in missing.iter().filter_map(|path| path.parent()) {
        sync_dir(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    }
    sync_dir(dir)
}

fn lock(dir: &Path) -> Result<File, OpenError> {
    let failed = |source: io::Error| OpenError::Io { dir: dir.to_owned(), source };
    let path = dir.join(LOCK_FILE);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(error) => Err(failed(error.into())),
    }
}

/// Removes what an interrupted process left half made. Returns the names of the rest.
fn clean(disk: &Disk) -> io::Result<Vec<String>> {
    let mut names = disk.names()?;
    for name in names.extract_if(.., |name| name.ends_with(".new")) {
        disk.remove(&name)?;
    }
    Ok(names)
}

/// The headers of all segments, before anything is changed.
struct Headers(BTreeMap<u64, Result<SegmentHeader, HeaderError>>);

fn read_headers(disk: &Disk) -> io::Result<Headers> {
    let mut headers = BTreeMap::new();
    for number in disk.names()?.iter().filter_map(|name| segment_number(name)) {
        let file = disk.open(&segment_name(number))?;
        let length = file.length()?.min(ALIGN);
        let bytes = match file.read_at(usize::try_from(length).unwrap_or(0), 0) {
            Err(error) if is_unreadable(&error) => Vec::new(),
            read => read?,
        };
        let header = SegmentHeader::decode(&bytes)
            .and_then(|header| if header.number == number { Ok(header) } else { Err(HeaderError::Damaged) });
        headers.insert(number, header);
    }
    Ok(Headers(headers))
}

impl Headers {
    /// Without those that are damaged or missing: between the first and the last there is none for such a number.
    fn into_headers(self, disk: &Disk, log: u64) -> Result<BTreeMap<u64, Option<SegmentHeader>>, OpenError> {
        let numbers = (self.0.keys().next().copied(), self.0.keys().next_back().copied());
        let mut headers = BTreeMap::new();
        if let (Some(first), Some(last)) = numbers {
            headers.extend((first..=last).map(|number| (number, None)));
        }
        for (number, header) in self.0 {
            match header {
                Ok(header) if header.log != log => {
                    return Err(OpenError::Foreign { file: disk.path(&segment_name(number)) });
                }
                Ok(header) => headers.insert(number, Some(header)),
                Err(HeaderError::Damaged) => None,
                Err(HeaderError::Format(version)) => {
                    return Err(OpenError::Format { file: disk.path(&segment_name(number)), version });
                }
            };
        }
        Ok(headers)
    }
}

fn read_pieces(
    disk: &Disk,
    headers: &BTreeMap<u64, Option<SegmentHeader>>,
    ends: &BTreeMap<u64, u64>,
) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for (number, header) in headers {
        let Some(header) = header else {
            pieces.push(Piece::Gap { number: *number });
            continue;
        };
        let name = segment_name(*number);
        let scanned = scan(header, &disk.read(&name)?, ends.get(number).copied());
        let file = Arc::new(SegmentFile { number: *number, file: disk.open(&name)? });
        pieces.push(Piece::Segment { file, scanned });
    }
    Ok(pieces)
}

/// Copies aside what can be read of the partitions that were found damaged now.
fn set_aside(
    disk: &Disk,
    pieces: &[Piece],
    recovered: &mut Recovered,
    before: &BTreeSet<PartitionId>,
) -> io::Result<()> {
    for (partition, indexed) in &mut recovered.index.partitions {
        let Some(damage) = &indexed.damage else { continue };
        if !before.contains(partition) {
            aside::write(disk, *partition, damage, &mut records_of(pieces, *partition))?;
        }
        indexed.is_aside = true;
        indexed.places.clear();
    }
    Ok(())
}

/// All whole records of a partition, wherever they stand, as far as the disk gives them back.
fn records_of(pieces: &[Piece], wanted: PartitionId) -> impl Iterator<Item = io::Result<(Position, Vec<u8>)>> + '_ {
    let mut places = Vec::new();
    for piece in pieces {
        let Piece::Segment { file, scanned } = piece else { continue };
        for found in &scanned.found {
            let Found::Group { group, damaged } = found else { continue };
            let mut offset = group.records_at();
            for (number, entry) in group.entries.iter().enumerate() {
                let Entry::Record { partition, position, length, .. } = *entry else { continue };
                if partition == wanted && !damaged.contains(&number) {
                    places.push((file, position, offset, length));
                }
                offset += u64::from(length);
            }
        }
    }
    places
        .into_iter()
        .map(|(file, position, offset, length)| Ok((position, file.file.read_at(length as usize, offset)?)))
        .filter(|record| !record.as_ref().is_err_and(is_unreadable))
}

/// Makes durable what is kept of the last segment. Returns the segments that stay.
///
/// What is behind the highest mark may stand in memory alone: the sync that was to write it failed, perhaps, and the system
/// has taken it for written since. Another sync would do nothing; so it is written again. Behind the end nothing is
/// cut off before the next segment names it: until then the length of this one tells whether it lost something.
fn settle(disk: &Disk, pieces: &[Piece], recovered: &Recovered) -> io::Result<VecDeque<LiveSegment>> {
    let mut older = VecDeque::new();
    for piece in pieces {
        let file = match piece {
            Piece::Segment { file, .. } => file,
            Piece::Gap { number } => {
                // It goes when those before it go, whether there is a file or not.
                older.push_back(LiveSegment { number: *number, length: 0 });
                continue;
            }
        };
        if file.number == recovered.end.segment {
            let Location { segment, offset } = recovered.mark.min(recovered.end);
            let from = if segment == file.number { offset.max(ALIGN) } else { ALIGN };
            // The zeros behind the last group may be missing.
            rewrite(&file.file, from, recovered.end.offset.min(file.file.length()?))?;
            file.file.sync()?;
        }
        older.push_back(LiveSegment { number: file.number, length: file.file.length()? });
    }
    disk.sync_dir()?;
    Ok(older)
}

/// The segment that the log ended in, if what is behind its end may go: without that it takes less room.
fn tail(pieces: &[Piece], recovered: &Recovered) -> Option<Arc<SegmentFile>> {
    let number = recovered.end.segment;
    let is_it = |piece: &Piece| match piece {
        Piece::Segment { file, .. } if file.number == number => Some(Arc::clone(file)),
        Piece::Segment { .. } | Piece::Gap { .. } => None,
    };
    pieces.iter().find_map(is_it).filter(|_| !recovered.flawed.contains(&number))
}

/// Writes the bytes between two offsets again as they are.
fn rewrite(file: &DiskFile, mut from: u64, end: u64) -> io::Result<()> {
    const PIECE_BYTES: u64 = 1 << 20;
    while from < end {
        let length = PIECE_BYTES.min(end - from);
        let bytes = file.read_at(usize::try_from(length).unwrap_or(usize::MAX), from)?;
        file.overwrite_at(&bytes, from)?;
        from += length;
    }
    Ok(())
}
