//! A store that a disk has damaged.

use std::path::{Path, PathBuf};

/// Flips a bit in the state of the entity `key`, wherever the store has it.
pub(crate) fn damage(store: &Path, key: &str) {
    // As the key ends in a cell's own key: two zero bytes follow.
    let needle = [key.as_bytes(), &[0, 0]].concat();
    let mut hits = 0;
    for path in files(store) {
        let mut bytes = std::fs::read(&path).expect("readable");
        let found = bytes.windows(needle.len()).enumerate().filter(|(_, window)| *window == needle);
        let found: Vec<usize> = found.map(|(at, _)| at).collect();
        for at in &found {
            bytes[at + needle.len() + 12] ^= 1;
        }
        hits += found.len();
        if !found.is_empty() {
            std::fs::write(&path, bytes).expect("written");
        }
    }
    assert!(hits > 0, "the store has the entity");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("readable").map(|entry| entry.expect("readable").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
