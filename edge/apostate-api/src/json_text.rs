//! JSON of an author's own, kept as the text that it is. A general value of JSON would keep a number as a double, and fields in
//! another order; text keeps every digit of what an entity said.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Error;
use serde_json::value::RawValue;

/// One JSON value as text: arguments, a reply or a state whose type is not known.
///
/// Two are equal if they are written alike.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// The text `json`, taken as it is written.
    ///
    /// # Errors
    ///
    /// When it is no JSON.
    pub fn new(json: impl Into<String>) -> Result<Self, Error> {
        RawValue::from_string(json.into()).map(Self)
    }

    /// What `value` is in JSON.
    ///
    /// # Errors
    ///
    /// When the value does not serialize.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        serde_json::value::to_raw_value(value).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// The value that the text stands for.
    ///
    /// # Errors
    ///
    /// When it stands for no `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.as_str())
    }
}

/// Any value: what it is, its author's types say.
impl JsonSchema for JsonText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "JsonText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl PartialEq<&str> for JsonText {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_as_it_is_written() {
        let json = r#"{"z":18446744073709551617,"a":[1.50,1e3,null]}"#;
        let text: JsonText = serde_json::from_str(json).expect("JSON");
        assert_eq!((text.as_str(), text.to_string()), (json, serde_json::to_string(&text).expect("JSON")));
        assert_eq!(Ok(text), JsonText::new(json).map_err(|error| error.to_string()));
        assert!(JsonText::new("{").is_err());
        let wide = JsonText::of(&u128::MAX).expect("a number");
        assert_eq!(wide.read::<u128>().expect("a number"), u128::MAX);
        assert!(wide.read::<u8>().is_err());
    }
}
