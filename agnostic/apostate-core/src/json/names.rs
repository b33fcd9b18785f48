//! Names that an object of a JSON text says twice. A map would take both, and keep the last in silence; a struct refuses
//! them itself.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::numbers::token_bytes;

/// A name that one object of `json` says twice. `json` is JSON; of other text the answer means nothing.
pub(super) fn said_twice(json: &str) -> Option<String> {
    // For each level the names of its object; none for a list.
    let mut levels: Vec<Option<BTreeSet<Cow<'_, str>>>> = Vec::new();
    let mut rest = json;
    while let Some(at) = rest.find(['"', '{', '}', '[', ']']) {
        let (token, behind) = rest[at..].split_at(match rest.as_bytes()[at] {
            b'"' => token_bytes(&rest[at..]),
            _ => 1,
        });
        rest = behind;
        match (token, levels.last_mut()) {
            ("{", _) => levels.push(Some(BTreeSet::new())),
            ("[", _) => levels.push(None),
            ("}" | "]", _) => drop(levels.pop()),
            // A name is what a colon follows.
            (_, Some(Some(names))) if behind.trim_ascii_start().starts_with(':') => {
                let name = unescaped(token);
                if names.contains(&name) {
                    return Some(name.into_owned());
                }
                names.insert(name);
            }
            _ => {}
        }
    }
    None
}

/// The text of a JSON string.
fn unescaped(token: &str) -> Cow<'_, str> {
    if token.contains('\\')
        && let Ok(text) = serde_json::from_str::<String>(token)
    {
        return text.into();
    }
    token.trim_matches('"').into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_said_twice_by_one_object_however_it_is_written() {
        for (json, name) in [
            (r#"{"a":1,"a":2}"#, "a"),
            (r#"{"x":[{"b" : {}, "c":{"a":1}, "b":[]}]}"#, "b"),
            (r#"{"tea":1,"\u0074ea":2}"#, "tea"),
            (r#"{"\"":1,"\"":2}"#, "\""),
            (r#"{"":1,"":2}"#, ""),
        ] {
            assert_eq!(said_twice(json).as_deref(), Some(name), "{json}");
        }
        for json in [
            r#"{"a":{"a":1},"b":{"a":"a"}}"#,
            r#"[{"a":1},{"a":2},"a","a"]"#,
            r#"{"a":"b","b":"b","c":["a","a:"]}"#,
            r#"{"{\"a\":1":1,"a":"}","b":"\\"}"#,
            "[]",
        ] {
            assert_eq!(said_twice(json), None, "{json}");
        }
    }
}
