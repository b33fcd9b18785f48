//! Table files that no version names: what a checkpoint or a merge leaves that did not find room for all of itself.
//!
//! On a full disk they would take the very room that is short. A file is left over when it is newer than the last clean-up, is
//! not in the current version, and never was in one: a scan may still read what was.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{fs, io};

use lsm_tree::{AbstractTree, AnyTree};

pub(super) struct Tables {
    dir: PathBuf,
    /// Older ones have been cleaned up.
    floor: u64,
    /// Newer ones that were in a version.
    entered: BTreeSet<u64>,
}

impl Tables {
    pub(super) fn new(dir: PathBuf, tree: &AnyTree) -> Self {
        Self { dir, floor: tree.get_next_table_id(), entered: BTreeSet::new() }
    }

    /// A checkpoint or a merge is done.
    pub(super) fn enter(&mut self, tree: &AnyTree) {
        let version = tree.current_version();
        self.entered.extend(version.iter_tables().map(lsm_tree::Table::id).filter(|table| *table >= self.floor));
    }

    /// Skips older ones from now on. Neither a checkpoint nor a merge must be under way.
    pub(super) fn forget(&mut self, tree: &AnyTree) {
        self.floor = tree.get_next_table_id();
        self.entered.clear();
    }

    /// Removes what is left over. Neither a checkpoint nor a merge must be under way.
    pub(super) fn clean(&mut self, tree: &AnyTree) -> io::Result<()> {
        self.enter(tree);
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let table = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            if table.is_some_and(|table| table >= self.floor && !self.entered.contains(&table)) {
                fs::remove_file(entry.path())?;
            }
        }
        self.forget(tree);
        Ok(())
    }
}
