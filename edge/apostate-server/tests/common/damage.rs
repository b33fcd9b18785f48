//! A store that a disk has damaged.

use std::path::{Path, PathBuf};

/// Flips a bit in the state of the first entity of `keys` whose key stands in one place of the store, and gives its key. One that stands in
/// two is in an index as well, which every entity needs.
pub(crate) fn damage(store: &Path, mut keys: impl Iterator<Item = String>) -> String {
    let files: Vec<_> = files(store).into_iter().map(|path| (std::fs::read(&path).expect("readable"), path)).collect();
    let found = keys.find_map(|key| {
        // As the key ends in a cell's own key: two zero bytes follow.
        let needle = &[key.as_bytes(), &[0, 0]].concat();
        let places = files.iter().flat_map(|(bytes, path)| {
            let windows = bytes.windows(needle.len()).enumerate().filter(|(_, window)| window == needle);
            windows.map(move |(at, _)| (path, at + needle.len() + 12)).collect::<Vec<_>>()
        });
        match places.collect::<Vec<_>>()[..] {
            [(path, at)] => Some((key, path, at)),
            _ => None,
        }
    });
    let (key, path, at) = found.expect("the store has one of the entities");
    let mut bytes = std::fs::read(path).expect("readable");
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("written");
    key
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("readable").map(|entry| entry.expect("readable").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
