//! How arguments, replies and states look to the world outside: JSON, by their types.
//!
//! Messages, logs and stores keep MessagePack. A value crosses between the two as a value of its type, never
//! as text that is turned into other text: only the type knows that a number is 128 bits wide, that the keys of a map are
//! numbers, or that an id is a text outside and sixteen bytes inside.
//!
//! Each row of a handler table carries a [`Json`] for what goes in and one for what comes out. They are function pointers
//! beside the message path: a message between entities never meets them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::limits::NESTING_MAX;
use crate::{BodyError, codec, schema};

/// Describes a type as JSON Schema. A type that other types share is described once, by the generator, and referred to.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// How values of one type look outside, as JSON.
#[derive(Clone, Copy)]
pub struct Json {
    /// Reads JSON text and gives the value in our own encoding. An error names the field that is at fault.
    pub read: fn(&[u8]) -> Result<Vec<u8>, BodyError>,
    /// Reads a value in our own encoding and gives it as JSON text, without a line break.
    pub show: fn(&[u8]) -> Result<Vec<u8>, BodyError>,
    /// Describes the type.
    pub schema: SchemaOf,
}

impl Json {
    /// Of a `T` that describes itself.
    #[must_use]
    pub const fn of<T: Serialize + DeserializeOwned + JsonSchema>() -> Self {
        Self::open::<T>().with_schema(schema::of::<T>)
    }

    /// Of a `T` that nothing is known of: its schema is open.
    #[must_use]
    pub const fn open<T: Serialize + DeserializeOwned>() -> Self {
        Self { read: read::<T>, show: show::<T>, schema: schema::open }
    }

    /// Of the arguments of a handler: an object, by their names. No text at all is an object without any.
    #[must_use]
    pub const fn arguments<T: Serialize + DeserializeOwned>() -> Self {
        Self { read: read_arguments::<T>, show: show::<T>, schema: schema::open }
    }

    /// The same, described otherwise.
    #[must_use]
    pub const fn with_schema(self, schema: SchemaOf) -> Self {
        Self { schema, ..self }
    }

    /// Its schema, complete in itself.
    #[must_use]
    pub fn root_schema(&self) -> Schema {
        let mut generator = SchemaGenerator::default();
        let mut schema = (self.schema)(&mut generator);
        let definitions = generator.take_definitions(true);
        if !definitions.is_empty() {
            schema.insert("$defs".to_owned(), definitions.into());
        }
        schema
    }
}

/// Shows the schema: it tells more than where three functions are.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root_schema().as_value())
    }
}

fn read<T: Serialize + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, BodyError> {
    codec::try_encode(&parse::<T>(json)?)
}

fn read_arguments<T: Serialize + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, BodyError> {
    match json.trim_ascii_start().first() {
        None => read::<T>(b"{}"),
        // A struct would take its fields from a list as well, in an order that nobody promised.
        Some(b'[') => Err(BodyError("the arguments are an object by their names, not a list".to_owned())),
        Some(_) => read::<T>(json),
    }
}

fn show<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
    text(&codec::decode::<T>(bytes)?).map_err(|error| BodyError(format!("it cannot be shown as JSON: {error}")))
}

/// The value that `json` stands for.
///
/// # Errors
///
/// When it is no JSON, nested deeper than [`NESTING_MAX`], or stands for no `T`; then with the field at fault.
fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, BodyError> {
    let json = str::from_utf8(json).map_err(|error| BodyError(format!("it is not UTF-8: {error}")))?;
    if is_deep(json.as_bytes()) {
        return Err(BodyError(codec::TOO_DEEP.to_owned()));
    }
    let mut deserializer = deserializer(json);
    let value = match T::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => return with_whole_numbers(json).ok_or_else(|| at_fault::<T>(json, &error)),
    };
    deserializer.end().map_err(|error| BodyError(error.to_string()))?;
    Ok(value)
}

/// Reads once more, with numbers such as `5.0` as the whole numbers that JSON Schema takes them for.
#[cold]
fn with_whole_numbers<T: DeserializeOwned>(json: &str) -> Option<T> {
    let mut deserializer = deserializer(json);
    IgnoredAny::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    T::deserialize(&mut self::deserializer(&whole_numbers(json)?)).ok()
}

/// The same JSON with whole numbers written as such. None: they all were.
fn whole_numbers(json: &str) -> Option<String> {
    let (mut text, mut rest, mut is_changed) = (String::with_capacity(json.len()), json, false);
    while let Some(at) = rest.find(|sign: char| matches!(sign, '"' | '-' | '0'..='9')) {
        let (between, from_here) = rest.split_at(at);
        let (token, behind) = from_here.split_at(token_bytes(from_here));
        text.push_str(between);
        match whole(token) {
            Some(whole) => {
                text.push_str(&whole.to_string());
                is_changed = true;
            }
            None => text.push_str(token),
        }
        rest = behind;
    }
    text.push_str(rest);
    is_changed.then_some(text)
}

/// How long the string or the number is that `json` begins with.
fn token_bytes(json: &str) -> usize {
    if !json.starts_with('"') {
        return json.find(|sign| !matches!(sign, '-' | '+' | '.' | 'e' | 'E' | '0'..='9')).unwrap_or(json.len());
    }
    let mut is_escaped = false;
    let ends = |byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    };
    json.bytes().skip(1).position(ends).map_or(json.len(), |end| end + 2)
}

/// The whole number that a number with a point or an exponent stands for.
fn whole(number: &str) -> Option<i64> {
    /// Beyond it, not every whole number is one that a double can tell from its neighbours.
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    let is_float = !number.starts_with('"') && number.contains(['.', 'e', 'E']);
    let float: f64 = is_float.then(|| number.parse().ok())??;
    (float.fract() == 0.0 && float.abs() <= WHOLE_MAX).then_some(float as i64)
}

/// `value` as JSON text.
pub(crate) fn text<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(value)
}

/// The depth was looked at before, and ours reaches one level further than the library's.
fn deserializer(json: &str) -> serde_json::Deserializer<serde_json::de::StrRead<'_>> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.disable_recursion_limit();
    deserializer
}

/// Reads once more, minding the way: what is right is not slowed down by it.
#[cold]
fn at_fault<T: DeserializeOwned>(json: &str, error: &serde_json::Error) -> BodyError {
    let Err(minded) = serde_path_to_error::deserialize::<_, T>(&mut deserializer(json)) else {
        return BodyError(error.to_string());
    };
    // Where no name was read yet, there is a `?`; and a lone `.` if the value as a whole is at fault.
    let path = minded.path().to_string();
    match path.trim_end_matches(['.', '?']) {
        "" => BodyError(error.to_string()),
        path => BodyError(format!("{path}: {error}")),
    }
}

/// Whether lists and objects stand in each other deeper than [`NESTING_MAX`]. Reading takes stack for each level.
fn is_deep(json: &[u8]) -> bool {
    let opens = |byte: &u8| matches!(byte, b'[' | b'{');
    if json.iter().filter(|byte| opens(byte)).count() <= NESTING_MAX {
        return false;
    }
    let (mut depth, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' if depth == NESTING_MAX => return true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::{Timestamp, encode};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wide {
        number: u128,
        by_number: BTreeMap<u8, Option<f64>>,
        #[serde(default)]
        since: Timestamp,
    }

    fn read<T: Serialize + DeserializeOwned>(json: &str) -> Result<T, BodyError> {
        let bytes = (Json::arguments::<T>().read)(json.as_bytes())?;
        Ok(codec::decode(&bytes).expect("our encoding"))
    }

    #[test]
    fn a_value_crosses_by_its_type() {
        let json = format!(r#"{{"number":{},"by_number":{{"7":null,"8":1.5}},"since":3}}"#, u128::MAX);
        let value = read::<Wide>(&json).expect("all fields");
        assert_eq!(value.number, u128::MAX);
        assert_eq!(value.by_number, BTreeMap::from([(7, None), (8, Some(1.5))]));
        let shown = (Json::open::<Wide>().show)(&encode(&value)).expect("JSON");
        assert_eq!(String::from_utf8(shown).expect("text"), json);
    }

    #[test]
    fn a_whole_number_may_have_a_point() {
        let value = read::<Wide>(r#"{"number":5.0,"by_number":{"7":1.5},"since":3.0}"#).expect("whole numbers");
        assert_eq!((value.number, value.since), (5, Timestamp(3)));
        assert!(read::<Wide>(r#"{"number":5.5,"by_number":{}}"#).is_err());
        assert!(read::<Wide>(r#"{"number":5.0,"by_number":{}} 2"#).is_err());
        for invalid in [r#"{"number":5.,"by_number":{}}"#, r#"{"number":5.0,"number":5.0,"by_number":{}}"#] {
            assert!(read::<Wide>(invalid).is_err(), "{invalid}");
        }
        let text = r#"{"a \\\" 5.0":[-5e0,1.5,-0.0,"6.0",1e400]}"#;
        assert_eq!(whole_numbers(text).as_deref(), Some(r#"{"a \\\" 5.0":[-5,1.5,0,"6.0",1e400]}"#));
    }

    #[test]
    fn an_error_names_the_field_at_fault() {
        let cases = [
            (r#"{"number":1}"#, "missing field `by_number`"),
            (r#"{"number":"x","by_number":{}}"#, "number: invalid number"),
            (r#"{"number":1,"by_number":{"7":"x"}}"#, "by_number.7: invalid type: string \"x\", expected f64"),
            (r#"{"number":1,"by_number":{}} 2"#, "trailing characters"),
            ("[1,{},3]", "the arguments are an object by their names, not a list"),
            ("7", "invalid type: integer `7`, expected struct Wide"),
            ("{", "EOF while parsing an object"),
        ];
        for (json, expected) in cases {
            let BodyError(error) = read::<Wide>(json).expect_err("not all right");
            assert!(error.starts_with(expected), "{json}: {error}");
        }
        assert!((Json::open::<String>().read)(b"\"\xFF\"").is_err());
    }

    #[test]
    fn no_text_is_an_object_without_fields() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Nothing {}

        for json in ["", " \n", "{}", r#"{"more":[1]}"#] {
            assert_eq!(read::<Nothing>(json), Ok(Nothing {}), "{json:?}");
        }
        assert!((Json::open::<Nothing>().read)(b"").is_err());
    }

    /// A value of any depth.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Nested(Vec<Self>);

    #[test]
    fn what_is_nested_too_deep_is_not_read_and_says_so() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        let read = Json::open::<Nested>().read;
        assert!(read(nested(NESTING_MAX).as_bytes()).is_ok());
        for depth in [NESTING_MAX + 1, 1_000_000] {
            let error = read(nested(depth).as_bytes()).expect_err("too deep");
            assert_eq!(error.to_string(), "it is nested deeper than 128 levels");
        }
        // Brackets in a text are no levels, and siblings add none.
        let text = format!(r#"["{}\"{}"]"#, "[".repeat(500), "{".repeat(500));
        assert!((Json::open::<Vec<String>>().read)(text.as_bytes()).is_ok());
        assert!(read(format!("[{}[]]", "[],".repeat(500)).as_bytes()).is_ok());
        // What no field is made of counts as well: it is walked through.
        let unknown = format!(r#"{{"more":{}}}"#, nested(NESTING_MAX));
        assert!(read_arguments::<BTreeMap<String, u8>>(unknown.as_bytes()).is_err());
    }

    #[test]
    fn what_json_cannot_say_is_an_error() {
        let by_pair = BTreeMap::from([((1_u8, 2_u8), 3_u8)]);
        let BodyError(error) =
            (Json::open::<BTreeMap<(u8, u8), u8>>().show)(&encode(&by_pair)).expect_err("no key of an object");
        assert!(error.starts_with("it cannot be shown as JSON"), "{error}");
    }
}
