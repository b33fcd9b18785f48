//! The kinds that data was ever served with: a list of names, one a line, beside the manifest.
//!
//! A build that lacks one of them, because a kind was renamed or it is the program of another application, reads none of its
//! entities and lists none. That looks like data that is lost, so it is said. An operator who wants to be rid of a kind for ever
//! takes its line out of the file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use tracing::warn;

use crate::storage::manifest::sync_dir;

const FILE: &str = "kinds";

/// Kinds that the data in `dir` was served with and that are not among `known`. Adds `known` to the list, durably.
///
/// # Errors
///
/// When the list is there and cannot be read. A list that cannot be written is written at the next start.
pub(crate) fn missing<'a>(dir: &Path, known: impl Iterator<Item = &'a str>) -> io::Result<Vec<String>> {
    let recorded = read(dir)?;
    let known: BTreeSet<_> = known.map(str::to_owned).collect();
    if !known.is_subset(&recorded) {
        let all: BTreeSet<_> = known.union(&recorded).cloned().collect();
        if let Err(error) = write(dir, &all) {
            warn!(%error, "the list of kinds cannot be written; it is written at the next start");
        }
    }
    Ok(recorded.difference(&known).cloned().collect())
}

fn read(dir: &Path) -> io::Result<BTreeSet<String>> {
    match fs::read_to_string(dir.join(FILE)) {
        Ok(text) => Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}

fn write(dir: &Path, kinds: &BTreeSet<String>) -> io::Result<()> {
    let (draft, place) = (dir.join("kinds.new"), dir.join(FILE));
    let mut file = File::create(&draft)?;
    for kind in kinds {
        writeln!(file, "{kind}")?;
    }
    file.sync_all()?;
    fs::rename(&draft, &place)?;
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_was_there_before_is_missed_until_its_line_is_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let missing = |kinds: &[&str]| missing(dir.path(), kinds.iter().copied()).expect("a list");
        assert_eq!(missing(&["stock", "order"]), [""; 0]);
        assert_eq!(missing(&["stock", "invoice"]), ["order"]);
        assert_eq!(missing(&["account"]), ["invoice", "order", "stock"]);
        assert_eq!(missing(&["account", "invoice", "order", "stock"]), [""; 0]);
        fs::write(dir.path().join(FILE), "account\nstock\n").expect("written");
        assert_eq!(missing(&["stock"]), ["account"]);
    }
}
