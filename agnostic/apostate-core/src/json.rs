//! JSON for arguments, replies and states, by their types: the form that clients see.
//!
//! Messages, logs and stores keep MessagePack. A value crosses between the two as a value of its type, never
//! as text that is turned into other text: only the type knows that a number is 128 bits wide, that the keys of a map are
//! numbers, or that an id is a text outside and sixteen bytes inside.
//!
//! What a JSON text says is what is stored: the nearest double, every digit of a whole number, and nothing rounded to one.
//! What it cannot say, an infinity or a NaN, is neither taken nor shown.
//!
//! Each row of a handler table carries a [`Json`] for what goes in and one for what comes out. They are function pointers
//! beside the message path: a message between entities never meets them.
//!
//! Reading order: [`Json`]; `numbers`, whole numbers with a point; `names`, names said twice; `finite`, numbers that JSON has not.

mod finite;
mod names;
mod numbers;

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::json::numbers::NegativeZero;
use crate::limits::NESTING_MAX;
use crate::schema::SchemaOf;
use crate::{BodyError, codec, schema};

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

    /// The type's schema, complete in itself.
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
    let value = parse::<T>(json)?;
    // A number too large for an `f32` becomes an infinity on the way through a tagged or a flattened type.
    finite::check(&value).map_err(|found| BodyError(format!("{found}: it is too large for its type")))?;
    codec::try_encode(&value)
}

fn read_arguments<T: Serialize + DeserializeOwned>(json: &[u8]) -> Result<Vec<u8>, BodyError> {
    match json.trim_ascii_start().first() {
        None => return read::<T>(b"{}"),
        // A struct would take its fields from a list as well, in an order that is not part of the contract.
        Some(b'[') => return Err(BodyError("the arguments are an object by their names, not a list".to_owned())),
        Some(_) => {}
    }
    let arguments = read::<T>(json)?;
    // The outermost object is a struct, which takes each of its fields once.
    let has_objects = json.iter().filter(|byte| **byte == b'{').nth(1).is_some();
    let twice = if has_objects { str::from_utf8(json).ok().and_then(names::said_twice) } else { None };
    match twice {
        None => Ok(arguments),
        Some(name) => Err(BodyError(format!("an object says `{name}` twice"))),
    }
}

fn show<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
    text(&codec::decode::<T>(bytes)?)
        .map_err(|BodyError(error)| BodyError(format!("it cannot be shown as JSON: {error}")))
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
    let read = |zero| T::deserialize(&mut self::deserializer(&numbers::in_digits(json, zero)?)).ok();
    read(NegativeZero::Kept).or_else(|| read(NegativeZero::Unsigned))
}

/// `value` as JSON text.
///
/// # Errors
///
/// When it is none that JSON can say; then with the place of the number that JSON has not.
pub(crate) fn text<T: Serialize>(value: &T) -> Result<Vec<u8>, BodyError> {
    finite::check(value).map_err(|found| BodyError(found.to_string()))?;
    serde_json::to_vec(value).map_err(|error| BodyError(error.to_string()))
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
    }

    #[test]
    fn what_is_not_whole_is_not_rounded_to_what_is() {
        for number in ["0.99999999999999999999", "2.9999999999999999999", "1.00000000000000000001", "1e-400", "1e400"] {
            assert!(read::<Wide>(&format!(r#"{{"number":{number},"by_number":{{}}}}"#)).is_err(), "{number}");
            assert!((Json::open::<i64>().read)(format!("-{number}").as_bytes()).is_err(), "-{number}");
        }
        for (number, whole) in [("18446744073709551617.0", 18_446_744_073_709_551_617), ("-0", 0), ("-0.0", 0)] {
            let value = read::<Wide>(&format!(r#"{{"number":{number},"by_number":{{}}}}"#)).expect("a whole number");
            assert_eq!(value.number, whole, "{number}");
        }
    }

    #[test]
    fn a_double_keeps_the_sign_of_its_zero_beside_a_whole_number_with_a_point() {
        let value = read::<Wide>(r#"{"number":5.0,"by_number":{"7":-0.0}}"#).expect("both");
        assert_eq!(value.by_number[&7].map(f64::to_bits), Some((-0.0_f64).to_bits()));
    }

    /// A type that serde reads into a buffer of its own first.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "sort")]
    enum Tagged {
        Coarse { grams: f32 },
        Fine { grams: f64 },
    }

    #[test]
    fn a_number_is_the_nearest_of_its_type_or_refused() {
        fn check<T: Serialize + DeserializeOwned + fmt::Debug + PartialEq>(json: &str, expected: Option<T>) {
            let bytes = (Json::open::<T>().read)(json.as_bytes());
            assert_eq!(bytes.ok().map(|bytes| codec::decode::<T>(&bytes).expect("our encoding")), expected, "{json}");
        }
        check("117.63331139400017", Some(117.633_311_394_000_17_f64));
        check("0.12934022201868423", Some(0.129_340_222_018_684_23_f64));
        check("9007199254740993.0", Some(9_007_199_254_740_992_f64));
        check("1e400", None::<f64>);
        check("1e39", None::<f32>);
        // Halfway between two singles, and a little more: as a double first it would be halfway, and go down.
        check("1.00000005960464477540", Some(1.000_000_1_f32));
        check(r#"{"sort":"Coarse","grams":1e39}"#, None::<Tagged>);
        let grams = 117.633_311_394_000_17;
        check(r#"{"sort":"Fine","grams":117.63331139400017}"#, Some(Tagged::Fine { grams }));
    }

    #[test]
    fn a_wide_number_in_a_type_that_serde_buffers_is_refused_and_not_rounded() {
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(tag = "sort")]
        enum Wide {
            One { number: u128 },
        }

        for number in ["18446744073709551617", "18446744073709551617.0"] {
            let json = format!(r#"{{"sort":"One","number":{number}}}"#);
            assert!((Json::open::<Wide>().read)(json.as_bytes()).is_err(), "{json}");
        }
        assert!(codec::decode::<Wide>(&encode(&Wide::One { number: 7 })).is_err());
    }

    #[test]
    fn a_name_that_is_said_twice_is_refused_at_every_level() {
        for json in [r#"{"number":1,"by_number":{},"number":1}"#, r#"{"number":1,"by_number":{"7":1,"7":2}}"#] {
            assert!(read::<Wide>(json).is_err(), "{json}");
        }
        let BodyError(error) = read::<Wide>(r#"{"number":1,"by_number":{"7":1,"8":1,"7":1}}"#).expect_err("7 twice");
        assert_eq!(error, "an object says `7` twice");
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
        let value = Wide { number: 0, by_number: BTreeMap::from([(7, Some(f64::NAN))]), since: Timestamp(0) };
        let BodyError(error) = (Json::open::<Wide>().show)(&encode(&value)).expect_err("no number of JSON");
        assert_eq!(error, "it cannot be shown as JSON: by_number.7: NaN is no number in JSON");
    }
}
