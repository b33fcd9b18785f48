//! A directory of our own on the disk to measure, removed afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::{Failure, io};

/// A directory of our own.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

/// Scratch directories made so far: each gets another name.
static MADE: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    /// A new directory in `parent`, which is made if it is not there.
    pub(crate) fn new(parent: &Path) -> Result<Self, Failure> {
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("apostate-bench-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).map_err(io(format!("{} cannot be made", path.display())))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{} could not be removed: {error}", self.0.display());
        }
    }
}
