//! Paths of a node, filled with names that a caller chose, percent-encoded as one segment each.

use hyper::Uri;
use hyper::http::uri::InvalidUri;
use url::{Url, form_urlencoded};

use crate::client::error::ClientError;

/// One of [`paths`](crate::paths), with `names` in the places of its `{…}`.
pub(crate) fn fill<const N: usize>(path: &str, names: [&str; N]) -> Result<String, ClientError> {
    let mut names = names.into_iter();
    let mut filled = String::with_capacity(path.len() + names.as_slice().iter().map(|name| name.len()).sum::<usize>());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let segment = if segment.starts_with('{') { names.next().expect("a name for each place") } else { segment };
        // A URL takes these for steps, however they are encoded.
        if let "." | ".." = segment {
            return Err(ClientError::NoPath(segment.to_owned()));
        }
        filled.push('/');
        encode(segment, &mut filled);
    }
    Ok(filled)
}

/// What a request names: a path of a node below the path of its URL, and what is asked there. An error if it is too long.
pub(crate) fn below(base: &Url, path: &str, query: &[(&str, String)]) -> Result<Uri, InvalidUri> {
    let mut target = [base.path().trim_end_matches('/'), path].concat();
    if !query.is_empty() {
        target.push('?');
        let start = target.len();
        target = form_urlencoded::Serializer::for_suffix(target, start).extend_pairs(query).finish();
    }
    Uri::try_from(target)
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
    use crate::paths;

    #[test]
    fn a_key_stands_in_its_path_as_one_segment() {
        let base = Url::parse("http://host:7070/behind/").unwrap();
        let path = |key: &str| {
            let path = fill(paths::HANDLER, ["stock", key, "receive"])?;
            Ok::<_, ClientError>(below(&base, &path, &[]).expect("it is short").path().to_owned())
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
        for step in [".", ".."] {
            let entity = |kind, key| fill(paths::ENTITY, [kind, key]);
            let handler = fill(paths::HANDLER, ["stock", "tea", step]);
            for path in [entity("stock", step), entity(step, "tea"), handler, fill(paths::PARKED_RETRY, [step])] {
                assert!(matches!(path, Err(ClientError::NoPath(name)) if name == step));
            }
        }
    }
}
