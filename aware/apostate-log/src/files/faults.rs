//! Lets a test play a disk that fails. Without the feature `faults` there is nothing to set, and nothing fails.
//!
//! A test may also ask for a *shadow*: what would be there if the power went now. That is the bytes that were synced, in
//! files under the names that were synced, and nothing else.

use std::io;
use std::path::Path;

#[cfg(feature = "faults")]
use crate::sync::{lock, wait};

/// Failures that a test injects into an engine; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    #[cfg(feature = "faults")]
    shared: std::sync::Arc<std::sync::Mutex<Set>>,
    #[cfg(feature = "faults")]
    released: std::sync::Arc<std::sync::Condvar>,
}

#[cfg(feature = "faults")]
#[derive(Debug, Default)]
struct Set {
    syncs_fail: Option<io::ErrorKind>,
    name_syncs_fail: bool,
    syncs_held: bool,
    /// Syncs that wait.
    waiting: usize,
    writes_fail: Option<io::ErrorKind>,
    merges_fail: Option<io::ErrorKind>,
    unreadable: Option<std::ops::Range<u64>>,
    room: Option<u64>,
    shadow: Option<super::shadow::Shadow>,
}

#[cfg(not(feature = "faults"))]
#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "its twin under the feature uses both")]
impl Faults {
    #[inline(always)]
    pub(crate) fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn before_name_sync(&self) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn before_write(&self, _offset: u64) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn before_allocate(&self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn before_read(&self, _offset: u64, _length: usize) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn before_merge(&self) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(crate) fn written(&self, _file: u64, offset: u64, bytes: &[u8]) -> u64 {
        offset + bytes.len() as u64
    }

    #[inline(always)]
    pub(crate) fn created(&self, _file: u64) {}

    #[inline(always)]
    pub(crate) fn cut(&self, _file: u64, _length: u64) {}

    #[inline(always)]
    pub(crate) fn synced(&self, _file: u64) {}

    #[inline(always)]
    pub(crate) fn forgotten(&self, _file: u64) {}

    #[inline(always)]
    pub(crate) fn names_synced(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "faults")]
impl Faults {
    /// Lets every sync fail from now on, or none.
    pub fn fail_syncs(&self, fail: bool) {
        self.set().syncs_fail = fail.then_some(io::ErrorKind::Other);
    }

    /// Lets every sync fail from now on, with this error.
    pub fn fail_syncs_with(&self, kind: io::ErrorKind) {
        self.set().syncs_fail = Some(kind);
    }

    /// Lets every sync wait from now on, or all go on.
    pub fn hold_syncs(&self, hold: bool) {
        self.set().syncs_held = hold;
        self.released.notify_all();
    }

    /// How many syncs wait.
    #[must_use]
    pub fn held_syncs(&self) -> usize {
        self.set().waiting
    }

    /// Lets every sync of names fail from now on.
    pub fn fail_name_syncs(&self) {
        self.set().name_syncs_fail = true;
    }

    /// Lets every write of a group fail from now on with this error, or none.
    pub fn fail_writes(&self, kind: Option<io::ErrorKind>) {
        self.set().writes_fail = kind;
    }

    /// Lets every merge of the store fail from now on with this error, or none.
    pub fn fail_merges(&self, kind: Option<io::ErrorKind>) {
        self.set().merges_fail = kind;
    }

    /// Lets these bytes, of whatever file, not be read any more.
    pub fn fail_reads(&self, bytes: Option<std::ops::Range<u64>>) {
        self.set().unreadable = bytes;
    }

    /// Leaves room for so many bytes of new segments, or of a checkpoint; none: as much as the disk has.
    pub fn leave_room(&self, room: Option<u64>) {
        self.set().room = room;
    }

    /// Whether no shadow is kept yet.
    #[must_use]
    pub fn has_no_shadow(&self) -> bool {
        self.set().shadow.is_none()
    }

    /// Notes from now on what is durable; what is in the folder `log` already counts as that.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn keep_shadow(&self, log: &Path) -> io::Result<()> {
        let shadow = super::shadow::Shadow::of(log)?;
        self.set().shadow = Some(shadow);
        Ok(())
    }

    /// Writes into the folder `log` what would be in it after a power cut now.
    ///
    /// # Errors
    ///
    /// When that cannot be written.
    ///
    /// # Panics
    ///
    /// When no shadow is kept.
    pub fn write_shadow(&self, log: &Path) -> io::Result<()> {
        self.set().shadow.as_ref().expect("a shadow is kept").write(log)
    }

    fn set(&self) -> std::sync::MutexGuard<'_, Set> {
        lock(&self.shared)
    }

    fn with_shadow(&self, change: impl FnOnce(&mut super::shadow::Shadow)) {
        if let Some(shadow) = &mut self.set().shadow {
            change(shadow);
        }
    }

    pub(crate) fn before_sync(&self) -> io::Result<()> {
        let mut set = self.set();
        set.waiting += 1;
        while set.syncs_held {
            set = wait(&self.released, set);
        }
        set.waiting -= 1;
        set.syncs_fail.map_or(Ok(()), |kind| Err(io::Error::new(kind, "a test lets syncs fail")))
    }

    pub(crate) fn before_name_sync(&self) -> io::Result<()> {
        if self.set().name_syncs_fail { Err(io::Error::other("a test lets syncs of names fail")) } else { Ok(()) }
    }

    /// Headers stand at the beginning of a file; all else is a group.
    pub(crate) fn before_write(&self, offset: u64) -> io::Result<()> {
        let kind = self.set().writes_fail.filter(|_| offset > 0);
        kind.map_or(Ok(()), |kind| Err(io::Error::new(kind, "a test lets writes fail")))
    }

    pub(crate) fn before_allocate(&self, bytes: u64) -> io::Result<()> {
        if let Some(room) = &mut self.set().room {
            *room = room.checked_sub(bytes).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        }
        Ok(())
    }

    pub(crate) fn before_read(&self, offset: u64, length: usize) -> io::Result<()> {
        let asked = offset..offset + length as u64;
        match &self.set().unreadable {
            Some(bytes) if bytes.start < asked.end && asked.start < bytes.end => Err(rustix::io::Errno::IO.into()),
            _ => Ok(()),
        }
    }

    pub(crate) fn before_merge(&self) -> io::Result<()> {
        self.set().merges_fail.map_or(Ok(()), |kind| Err(io::Error::new(kind, "a test lets merges fail")))
    }

    /// Returns the offset behind `bytes`.
    pub(crate) fn written(&self, file: u64, offset: u64, bytes: &[u8]) -> u64 {
        self.with_shadow(|shadow| shadow.written(file, offset, bytes));
        offset + bytes.len() as u64
    }

    pub(crate) fn created(&self, file: u64) {
        self.with_shadow(|shadow| shadow.created(file));
    }

    pub(crate) fn cut(&self, file: u64, length: u64) {
        self.with_shadow(|shadow| shadow.cut(file, length));
    }

    pub(crate) fn synced(&self, file: u64) {
        self.with_shadow(|shadow| shadow.synced(file));
    }

    pub(crate) fn forgotten(&self, file: u64) {
        self.with_shadow(|shadow| shadow.forgotten(file));
    }

    pub(crate) fn names_synced(&self, dir: &Path) -> io::Result<()> {
        self.set().shadow.as_mut().map_or(Ok(()), |shadow| shadow.names_synced(dir))
    }
}
