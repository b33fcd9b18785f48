//! Names as keys: a name may be empty, the key of an entity may not.

/// Stands in front of names that would not be keys, or would be taken for one of these.
const MARK: char = '~';

/// The key for `name`. Different names have different keys.
///
/// ```
/// assert_eq!(store::key_of("17850"), "17850");
/// assert_eq!(store::key_of(""), "~");
/// ```
#[must_use]
pub fn key_of(name: &str) -> String {
    if name.is_empty() || name.starts_with(MARK) { format!("{MARK}{name}") } else { name.to_owned() }
}

/// The name of the entity with this key: undoes [`key_of`].
#[must_use]
pub fn name_of(key: &str) -> &str {
    key.strip_prefix(MARK).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_comes_back_and_meets_no_other() {
        let names = ["", "~", "~~", "~17850", "17850", "a/b", "BANK CHARGES", " "];
        for name in names {
            assert_eq!(name_of(&key_of(name)), name);
            assert!(!key_of(name).is_empty());
            for other in names {
                assert_eq!(name == other, key_of(name) == key_of(other), "{name:?} {other:?}");
            }
        }
    }
}
