//! Ids of what operators name in URLs and on command lines: bytes as letters.

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// Letters of ids: those of base64 for URLs, with `.` for `-`, so that no id looks like an option of a command line.
const ID_LETTERS: GeneralPurpose =
    match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._") {
        Ok(letters) => GeneralPurpose::new(&letters, NO_PAD),
        Err(_) => panic!("64 different letters"),
    };

/// Bytes as an id.
pub(crate) fn write(bytes: &[u8]) -> String {
    ID_LETTERS.encode(bytes)
}

/// The bytes of an id; none if it is not one.
pub(crate) fn read(id: &str) -> Option<Vec<u8>> {
    ID_LETTERS.decode(id).ok()
}
