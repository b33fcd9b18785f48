//! Paths: names that a caller chose as segments, percent-encoded.

use apostate_core::EntityKey;
use reqwest::Url;

use crate::client::ClientError;

/// The segments of an entity's path, or of one of its handlers.
pub(crate) fn of(kind: &str, key: &EntityKey, handler: Option<&str>) -> Result<Vec<String>, ClientError> {
    segments(["entities", kind, key.as_str()].into_iter().chain(handler))
}

/// The segments of any path.
pub(crate) fn segments<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<String>, ClientError> {
    let segment = |name: &str| match name {
        // A URL takes these for steps, however they are encoded.
        "." | ".." => Err(ClientError::NoPath(name.to_owned())),
        name => Ok(name.to_owned()),
    };
    names.into_iter().map(segment).collect()
}

/// `base` with more segments.
pub(crate) fn below(base: &Url, segments: &[String], query: &[(&str, String)]) -> Url {
    let mut url = base.clone();
    let mut path = base.path().trim_end_matches('/').to_owned();
    for segment in segments {
        path.push('/');
        encode(segment, &mut path);
    }
    url.set_path(&path);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// Percent-encodes all that is not plain, before a URL can see it: it would leave some letters out in silence, and the
/// message would go to another entity.
fn encode(segment: &str, into: &mut String) {
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => into.push(char::from(byte)),
            _ => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Bytes that are JSON, as the text that they are.
pub(crate) fn text(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_in_its_path_as_one_segment() {
        let base = Url::parse("http://host:7070/behind/").unwrap();
        let path = |key: &str| {
            let segments = of("stock", &EntityKey::new(key).unwrap(), Some("receive"))?;
            Ok::<_, ClientError>(below(&base, &segments, &[]).path().to_owned())
        };
        for (key, encoded) in [
            ("tea", "tea"),
            ("a/b", "a%2Fb"),
            ("BANK CHARGES", "BANK%20CHARGES"),
            ("50%", "50%25"),
            ("%2e", "%252e"),
            ("?#", "%3F%23"),
            ("£", "%C2%A3"),
            ("a\tb\n", "a%09b%0A"),
            ("...", "..."),
        ] {
            assert_eq!(path(key).unwrap(), format!("/behind/entities/stock/{encoded}/receive"), "{key:?}");
        }
    }

    #[test]
    fn no_name_is_a_step_to_another_path() {
        let tea = EntityKey::new("tea").unwrap();
        for step in [".", ".."] {
            let key = EntityKey::new(step).unwrap();
            for path in [of("stock", &key, None), of(step, &tea, None), of("stock", &tea, Some(step))] {
                assert!(matches!(path, Err(ClientError::NoPath(name)) if name == step));
            }
            assert!(segments(["parked", step, "retry"]).is_err());
        }
    }
}
