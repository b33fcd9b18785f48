//! The few things that the engine does to a disk, and where a test can let them fail.
//!
//! A disk that is *full* has certainly not done what was asked; any other failure leaves it unknown. Only making room and
//! writing can be full: what a failed sync has left is never known, whatever it says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::faults::Faults;

/// Slices that one system call takes.
const SLICES_MAX: usize = 1024;

/// Bytes of zeros that are written at a time.
const ZEROS_BYTES: usize = 1 << 20;

/// Bytes that are read at a time where a disk does not give back all: what is lost with one place of it.
const PAGE_BYTES: usize = 4096;

/// Why something was not written.
#[derive(Debug)]
pub(super) enum DiskFailure {
    /// For want of room, certainly not.
    Full,
    /// In any other way: what is on the disk is not known.
    Other(io::Error),
}

impl DiskFailure {
    /// Of preallocating, or of writing to a file that is not read yet.
    pub(super) fn of_write(error: io::Error) -> Self {
        if is_full(&error) { Self::Full } else { Self::Other(error) }
    }

    pub(super) fn into_error(self) -> io::Error {
        match self {
            Self::Full => io::ErrorKind::StorageFull.into(),
            Self::Other(error) => error,
        }
    }
}

/// The folder of the log.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) dir: PathBuf,
    pub(super) faults: Faults,
}

/// One file of it.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    /// Tells it apart from others, under whatever name.
    id: u64,
    faults: Faults,
}

impl Disk {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names: Vec<String> = fs::read_dir(&self.dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }

    pub(super) fn open(&self, name: &str) -> io::Result<DiskFile> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(DiskFile { id: file_id(&file)?, file, faults: self.faults.clone() })
    }

    pub(super) fn create(&self, name: &str) -> io::Result<DiskFile> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.path(name))?;
        let id = file_id(&file)?;
        self.faults.created(id);
        Ok(DiskFile { file, id, faults: self.faults.clone() })
    }

    /// Reads a whole file. What the disk does not give back is zeros: that it is damaged, its checksums tell.
    pub(super) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.open(name)?;
        let length = usize::try_from(file.length()?).unwrap_or(usize::MAX);
        match file.read_at(length, 0) {
            Err(error) if is_unreadable(&error) => file.read_pages(length),
            read => read,
        }
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    /// Makes creations, renames and removals durable.
    pub(super) fn sync_dir(&self) -> io::Result<()> {
        self.faults.before_sync()?;
        self.faults.before_name_sync()?;
        sync_dir(&self.dir)?;
        self.faults.names_synced(&self.dir)
    }
}

impl DiskFile {
    /// Writes all of `slices`, one behind the other, from `offset` on.
    pub(super) fn write_all_at(&self, mut slices: &mut [IoSlice<'_>], mut offset: u64) -> io::Result<()> {
        if let Err(error) = self.faults.before_write(offset) {
            // A disk that fails has often taken the front of what it was given.
            if let Some(front) = slices.first() {
                self.overwrite_at(front, offset)?;
            }
            return Err(error);
        }
        slices.iter().fold(offset, |at, slice| self.faults.written(self.id, at, slice));
        while !slices.is_empty() {
            let count = slices.len().min(SLICES_MAX);
            let written = rustix::io::retry_on_intr(|| rustix::io::pwritev(&self.file, &slices[..count], offset))?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            offset += written as u64;
            IoSlice::advance_slices(&mut slices, written);
        }
        Ok(())
    }

    /// Overwrites what is there already: that needs no room.
    pub(super) fn overwrite_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.faults.written(self.id, offset, bytes);
        self.file.write_all_at(bytes, offset)
    }

    /// Fills the file with zeros, so that writing to it later changes its bytes and nothing else.
    pub(super) fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.faults.before_allocate(bytes)?;
        // Asks for the room at once: a disk that is too full says so before anything was written.
        rustix::fs::fallocate(&self.file, rustix::fs::FallocateFlags::empty(), 0, bytes).or_else(|error| {
            // Not every file system can; writing the zeros finds out as well.
            if error == rustix::io::Errno::OPNOTSUPP { Ok(()) } else { Err(error) }
        })?;
        let zeros = vec![0; ZEROS_BYTES];
        let mut at = 0;
        while at < bytes {
            let length = usize::try_from(bytes - at).map_or(ZEROS_BYTES, |left| left.min(ZEROS_BYTES));
            self.overwrite_at(&zeros[..length], at)?;
            at += length as u64;
        }
        Ok(())
    }

    pub(super) fn read_at(&self, length: usize, offset: u64) -> io::Result<Vec<u8>> {
        self.faults.before_read(offset, length)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// Reads piece by piece, with zeros for those that do not read.
    fn read_pages(&self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            let page = PAGE_BYTES.min(length - bytes.len());
            match self.read_at(page, bytes.len() as u64) {
                Ok(read) => bytes.extend_from_slice(&read),
                Err(error) if is_unreadable(&error) => bytes.resize(bytes.len() + page, 0),
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(super) fn cut(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.faults.cut(self.id, length);
        Ok(())
    }

    /// Makes the bytes durable, and the length where it changed.
    pub(super) fn sync(&self) -> io::Result<()> {
        if let Err(error) = self.faults.before_sync() {
            // As a system does: what was not written counts as written from now on.
            self.faults.forgotten(self.id);
            return Err(error);
        }
        self.file.sync_data()?;
        self.faults.synced(self.id);
        Ok(())
    }
}

fn file_id(file: &File) -> io::Result<u64> {
    Ok(std::os::unix::fs::MetadataExt::ino(&file.metadata()?))
}

/// Makes what happened to the entries of a folder durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Whether an error says that this place of the disk does not give back what was written.
pub(super) fn is_unreadable(error: &io::Error) -> bool {
    let code = rustix::io::Errno::from_io_error(error);
    matches!(code, Some(rustix::io::Errno::IO | rustix::io::Errno::BADMSG))
}

/// Whether an error says that there is no room, and nothing worse.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}
