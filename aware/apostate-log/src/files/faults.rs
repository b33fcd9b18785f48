//! Lets a test play a disk that fails. Without the feature `faults` there is nothing to set, and nothing fails.

use std::io;

/// Failures that a test injects into an engine; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    #[cfg(feature = "faults")]
    shared: std::sync::Arc<std::sync::Mutex<Set>>,
}

#[cfg(feature = "faults")]
#[derive(Debug, Default)]
struct Set {
    syncs_fail: bool,
    writes_fail: Option<io::ErrorKind>,
    room: Option<u64>,
}

#[cfg(not(feature = "faults"))]
#[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "its twin under the feature uses both")]
impl Faults {
    #[inline(always)]
    pub(super) fn before_sync(&self) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(super) fn before_write(&self) -> io::Result<()> {
        Ok(())
    }

    #[inline(always)]
    pub(super) fn before_allocate(&self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "faults")]
impl Faults {
    /// Lets every sync fail from now on, or none.
    pub fn fail_syncs(&self, fail: bool) {
        self.set().syncs_fail = fail;
    }

    /// Lets every write of a group fail from now on with this error, or none.
    pub fn fail_writes(&self, kind: Option<io::ErrorKind>) {
        self.set().writes_fail = kind;
    }

    /// Leaves room for so many bytes of new segments; none: as much as the disk has.
    pub fn leave_room(&self, room: Option<u64>) {
        self.set().room = room;
    }

    fn set(&self) -> std::sync::MutexGuard<'_, Set> {
        self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn before_sync(&self) -> io::Result<()> {
        if self.set().syncs_fail { Err(io::Error::other("a test lets syncs fail")) } else { Ok(()) }
    }

    pub(super) fn before_write(&self) -> io::Result<()> {
        self.set().writes_fail.map_or(Ok(()), |kind| Err(io::Error::new(kind, "a test lets writes fail")))
    }

    pub(super) fn before_allocate(&self, bytes: u64) -> io::Result<()> {
        if let Some(room) = &mut self.set().room {
            *room = room.checked_sub(bytes).ok_or_else(|| io::Error::from(io::ErrorKind::StorageFull))?;
        }
        Ok(())
    }
}
