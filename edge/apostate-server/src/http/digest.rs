//! What a JSON text says, as one number, however it is written: a repetition of a request with the same client key says the
//! same.
//!
//! It is taken of the text that came, not of what a handler makes of it: that may be another thing with each build, where an
//! argument has got a default, and with each reading, where it is a set without an order. It is remembered with the client
//! key, so it must never change.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// What a text says. None: it is no JSON, or has numbers that only a type can read, or fields twice.
pub(crate) fn digest(json: &[u8]) -> Option<u64> {
    if json.trim_ascii().is_empty() {
        // No text at all is an object without any arguments.
        return digest(b"{}");
    }
    serde_json::from_slice::<Digest>(json).ok().map(|digest| digest.0)
}

/// From here on, whole numbers do not fit exactly into what we are given of them.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Clone, Copy)]
struct Digest(u64);

impl Digest {
    fn of(tag: u64, bytes: &[u8]) -> Self {
        Self(xxh3_64_with_seed(bytes, tag))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Digest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Digest, E> {
        Ok(Digest::of(1, &[]))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Digest, E> {
        Ok(Digest::of(2, &[u8::from(value)]))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Digest, E> {
        Ok(Digest::of(3, &value.to_le_bytes()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Digest, E> {
        Ok(Digest::of(4, &value.to_le_bytes()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Digest, E> {
        if value.abs() >= EXACT {
            return Err(E::custom("perhaps a number of 128 bits, which has lost some"));
        }
        match value {
            // Whoever wants a whole number takes `5.0` for one.
            _ if value.fract() != 0.0 => Ok(Digest::of(5, &value.to_le_bytes())),
            0.0.. => self.visit_u64(value as u64),
            _ => self.visit_i64(value as i64),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Digest, E> {
        Ok(Digest::of(6, value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Digest, A::Error> {
        let mut all = 7;
        while let Some(Digest(item)) = items.next_element()? {
            all = xxh3_64_with_seed(&item.to_le_bytes(), all);
        }
        Ok(Digest::of(7, &all.to_le_bytes()))
    }

    /// Fields have no order: what they say is added up. Of two with the same name, which counts is up to whoever reads them.
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Digest, A::Error> {
        let (mut all, mut names) = (0_u64, Vec::new());
        while let Some((Digest(name), Digest(value))) = fields.next_entry()? {
            all = all.wrapping_add(xxh3_64_with_seed(&value.to_le_bytes(), name));
            names.push(name);
        }
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(A::Error::custom("two fields with the same name"));
        }
        Ok(Digest::of(xxh3_64(&(names.len() as u64).to_le_bytes()), &all.to_le_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_is_written_does_not_matter() {
        for (one, other) in [
            (r#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] , \"a\" : 1 }\n"),
            (r#""tea""#, r#""\u0074ea""#),
            ("", "{}"),
            ("[5,-5,0,0]", "[5.0,-50e-1,-0,-0.0]"),
            (r#"{"map":{"x":1,"y":2}}"#, r#"{"map":{"y":2,"x":1}}"#),
        ] {
            assert_eq!(digest(one.as_bytes()).expect("JSON"), digest(other.as_bytes()).expect("JSON"), "{one}");
        }
    }

    #[test]
    fn what_it_says_does() {
        let texts = [
            "null",
            "false",
            "true",
            "0",
            "1",
            "-1",
            "1.5",
            "\"\"",
            "\"1\"",
            "[]",
            "[1]",
            "[[1]]",
            "[1,2]",
            "[2,1]",
            "[null]",
            "{}",
            r#"{"a":1}"#,
            r#"{"b":1}"#,
            r#"{"a":2}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"a":2,"b":1}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":null}"#,
        ];
        let digests: std::collections::BTreeSet<_> = texts.iter().map(|text| digest(text.as_bytes())).collect();
        assert_eq!(digests.len(), texts.len());
        assert_eq!(digest(b"{"), None);
        assert_eq!(digest(br#"{"a":1,"b":2,"a":3}"#), None);
        assert_eq!(digest(b"340282366920938463463374607431768211455"), None);
        // Kept with client keys: another number would make every repetition over an update another request.
        assert_eq!(digest(br#"{"units":5}"#), Some(11_203_193_083_346_702_594));
    }
}
