//! The committed inputs: small files, by layout.
//!
//! A file that begins with `good` is read by every build, as data that somebody has on disk has to be; one that begins with
//! `bad` is refused by every build, as damage has to be. Whoever changes a layout on purpose, before anybody has data in
//! it, removes its `good` files and writes new ones (`--preserve`).

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::{Layout, Verdict};

/// One committed input.
#[derive(Clone, Debug)]
pub struct Specimen {
    /// The file's name.
    pub name: String,
    /// The verdict that a decoder has to give; none if it may give either.
    pub verdict: Option<Verdict>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Where the specimens of a layout are.
#[must_use]
pub fn folder(layout: &Layout) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(layout.name)
}

/// Every specimen of a layout, in order of names.
///
/// # Errors
///
/// When they cannot be read.
pub fn specimens(layout: &Layout) -> io::Result<Vec<Specimen>> {
    let mut specimens = Vec::new();
    for entry in fs::read_dir(folder(layout))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let verdict = match name.split('-').next() {
            Some("good") => Some(Verdict::Read),
            Some("bad") => Some(Verdict::Refused),
            _ => None,
        };
        specimens.push(Specimen { name, verdict, bytes: fs::read(entry.path())? });
    }
    specimens.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(specimens)
}

/// Writes what the layout's encoder makes today as specimens that every later build must read, beside those that are there.
///
/// # Errors
///
/// When they cannot be written.
pub fn preserve(layout: &Layout) -> io::Result<()> {
    let folder = folder(layout);
    fs::create_dir_all(&folder)?;
    for (number, bytes) in (layout.made)().iter().enumerate() {
        let path = folder.join(format!("good-{number:02}"));
        if !path.exists() {
            fs::write(path, bytes)?;
        }
    }
    Ok(())
}
