//! Paths of entities, and what is percent-encoded in paths and queries.
//!
//! Nearly every request is for an entity, so its path is taken apart where it stands, without copying it; everything else is
//! left to the route table. A key is one segment, percent-encoded: `a%2Fb` is the key `a/b`.

use std::borrow::Cow;

use apostate_core::EntityKey;
use percent_encoding::percent_decode_str;

/// What a path below `/entities/` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// `/entities/stock`.
    Kind(&'a str),
    /// `/entities/stock/tea`: kind and key, the key as it stands there.
    Entity(&'a str, &'a str),
    /// `/entities/stock/tea/receive`: kind, key and handler.
    Handler(&'a str, &'a str, &'a str),
}

impl<'a> Target<'a> {
    /// Takes `path` apart. None: it is no path of an entity.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        let rest = path.strip_prefix("/entities/")?;
        let Some((kind, rest)) = rest.split_once('/') else {
            return (!rest.is_empty()).then_some(Self::Kind(rest));
        };
        match rest.split_once('/') {
            None => Some(Self::Entity(kind, rest)),
            Some((key, handler)) => {
                (!handler.is_empty() && !handler.contains('/')).then_some(Self::Handler(kind, key, handler))
            }
        }
    }
}

/// The route that `path` belongs to, for traces: without the key.
pub(crate) fn route_of(path: &str) -> String {
    match Target::of(path) {
        Some(Target::Handler(kind, _, handler)) => format!("/entities/{kind}/{{key}}/{handler}"),
        Some(Target::Entity(kind, _)) => format!("/entities/{kind}/{{key}}"),
        Some(Target::Kind(kind)) => format!("/entities/{kind}"),
        None => path.to_owned(),
    }
}

/// The key that a segment of a path stands for, or why it stands for none.
pub(crate) fn key_of(segment: &str) -> Result<EntityKey, String> {
    if !segment.contains('%') {
        return EntityKey::new(segment).map_err(|error| error.to_string());
    }
    let bytes = percent_decoded(segment).ok_or_else(|| {
        format!("`{segment}` has a percent sign without two hexadecimal digits; a percent sign itself is `%25`")
    })?;
    EntityKey::from_bytes(&bytes).map_err(|error| error.to_string())
}

/// The bytes that a percent-encoded text stands for. None: a percent sign is not followed by two hexadecimal digits, which
/// `percent_decode_str` would leave as it is.
fn percent_decoded(text: &str) -> Option<Cow<'_, [u8]>> {
    let is_code = |rest: &str| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit);
    text.split('%').skip(1).all(is_code).then(|| percent_decode_str(text).into())
}

/// The text that a percent-encoded text stands for. None: it is not percent-encoded UTF-8.
pub(crate) fn decoded_text(text: &str) -> Option<String> {
    String::from_utf8(percent_decoded(text)?.into_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_kind_an_entity_or_a_handler() {
        assert_eq!(Target::of("/entities/stock"), Some(Target::Kind("stock")));
        assert_eq!(Target::of("/entities/stock/tea"), Some(Target::Entity("stock", "tea")));
        assert_eq!(Target::of("/entities/stock/a%2Fb/take"), Some(Target::Handler("stock", "a%2Fb", "take")));
        assert_eq!(Target::of("/entities/stock//take"), Some(Target::Handler("stock", "", "take")));
        for other in ["/", "/entities", "/entities/", "/entities/stock/tea/take/", "/entities/stock/tea/", "/parked"] {
            assert_eq!(Target::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_key_is_any_text_percent_encoded() {
        for (segment, key) in [("tea", "tea"), ("a%2Fb", "a/b"), ("BANK%20CHARGES", "BANK CHARGES"), ("%c2%A3", "£")] {
            assert_eq!(key_of(segment).expect("a key").as_str(), key);
        }
        assert_eq!(key_of("50%25").expect("a key").as_str(), "50%");
        for segment in ["", "%FF", "%", "%4", "%zz", "a%2", &"x".repeat(257)] {
            assert!(key_of(segment).is_err(), "{segment}");
        }
    }
}
