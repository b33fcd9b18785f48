//! The JSON types that a handler's arguments may have, by its schema: they decide whether a value in a query is read as JSON or
//! as text.

use apostate_core::Json;
use serde_json::{Map, Value};

use crate::http::path::decoded_text;

/// References within one schema that are followed, one behind the other.
const REFERENCES_MAX: usize = 16;

/// The arguments of one handler.
#[derive(Clone, Debug, Default)]
pub(crate) struct ArgumentTypes(Vec<(String, JsonTypes)>);

/// A set of JSON types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonTypes(u8);

impl JsonTypes {
    const NULL: Self = Self(1);
    const BOOLEAN: Self = Self(2);
    const NUMBER: Self = Self(4);
    const STRING: Self = Self(8);
    const ARRAY: Self = Self(16);
    const OBJECT: Self = Self(32);
    const ALL: Self = Self(63);

    /// Whether the schema leaves the type open.
    pub(crate) fn is_open(self) -> bool {
        self == Self::ALL
    }

    /// Whether the JSON text `json` has one of these types.
    pub(crate) fn admit(self, json: &str) -> bool {
        let of = match json.trim_ascii_start().as_bytes().first() {
            Some(b'n') => Self::NULL,
            Some(b't' | b'f') => Self::BOOLEAN,
            Some(b'"') => Self::STRING,
            Some(b'[') => Self::ARRAY,
            Some(b'{') => Self::OBJECT,
            _ => Self::NUMBER,
        };
        self.0 & of.0 != 0
    }

    fn of_value(value: &Value) -> Self {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Number(_) => Self::NUMBER,
            Value::String(_) => Self::STRING,
            Value::Array(_) => Self::ARRAY,
            Value::Object(_) => Self::OBJECT,
        }
    }

    fn of_name(name: &str) -> Self {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "integer" | "number" => Self::NUMBER,
            "string" => Self::STRING,
            "array" => Self::ARRAY,
            "object" => Self::OBJECT,
            _ => Self::ALL,
        }
    }

    fn any(sets: impl Iterator<Item = Self>) -> Self {
        Self(sets.fold(0, |all, set| all | set.0))
    }

    fn all(sets: impl Iterator<Item = Self>) -> Self {
        Self(sets.fold(Self::ALL.0, |all, set| all & set.0))
    }
}

impl ArgumentTypes {
    /// Reads them off the schema of a handler's arguments.
    pub(crate) fn of(arguments: &Json) -> Self {
        Self::of_schema(&arguments.root_schema().to_value())
    }

    /// Reads them off a schema that is complete in itself.
    pub(crate) fn of_schema(root: &Value) -> Self {
        let properties = root.get("properties").and_then(Value::as_object).into_iter().flatten();
        Self(properties.map(|(name, schema)| (name.clone(), types(schema, root, REFERENCES_MAX))).collect())
    }

    /// The types of the argument `name`; open if the schema does not know it.
    pub(crate) fn get(&self, name: &str) -> JsonTypes {
        self.0.iter().find(|(other, _)| other == name).map_or(JsonTypes::ALL, |(_, types)| *types)
    }
}

/// The types that every keyword of `schema` leaves.
fn types(schema: &Value, root: &Value, references: usize) -> JsonTypes {
    let fields: &Map<String, Value> = match schema {
        Value::Object(fields) if references > 0 => fields,
        _ => return JsonTypes::ALL,
    };
    let inner = |schema: &Value| types(schema, root, references - 1);
    JsonTypes::all(fields.iter().map(|(keyword, value)| match (keyword.as_str(), value) {
        ("type", Value::String(name)) => JsonTypes::of_name(name),
        ("type", Value::Array(names)) => JsonTypes::any(names.iter().filter_map(Value::as_str).map(JsonTypes::of_name)),
        ("const", value) => JsonTypes::of_value(value),
        ("enum", Value::Array(values)) => JsonTypes::any(values.iter().map(JsonTypes::of_value)),
        ("anyOf" | "oneOf", Value::Array(schemas)) => JsonTypes::any(schemas.iter().map(inner)),
        ("allOf", Value::Array(schemas)) => JsonTypes::all(schemas.iter().map(inner)),
        ("$ref", Value::String(target)) => {
            let target = target.strip_prefix('#').and_then(decoded_text);
            target.and_then(|target| root.pointer(&target)).map_or(JsonTypes::ALL, inner)
        }
        _ => JsonTypes::ALL,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_which_types_a_value_may_have() {
        let root = json!({ "$defs": {
            "a <b/c>": { "type": "string" },
            "loop": { "$ref": "#/$defs/loop" },
        } });
        for (schema, admitted, refused) in [
            (json!({ "type": "string" }), &["\"a\""][..], &["5", "true", "null", "[]", "{}"][..]),
            (json!({ "type": ["string", "null"] }), &["\"a\"", "null"], &["5"]),
            (json!({ "type": "integer", "format": "uint32" }), &["5", "-1", "1e3"], &["\"5\"", "true"]),
            (json!({ "$ref": "#/$defs/a%20%3Cb~1c%3E" }), &["\"a\""], &["5"]),
            (json!({ "anyOf": [{ "$ref": "#/$defs/a <b~1c>" }, { "type": "null" }] }), &["\"a\"", "null"], &["5"]),
            (json!({ "oneOf": [{ "const": 1 }, { "enum": ["a", true] }] }), &["1", "\"a\"", "false"], &["null"]),
            (json!({ "allOf": [{ "type": ["string", "number"] }, { "type": "number" }] }), &["1"], &["\"a\""]),
            (json!({ "$ref": "#/$defs/loop" }), &["1", "\"a\"", "null"], &[]),
            (json!(true), &["1", "\"a\"", "null", "[]", "{}", "true"], &[]),
        ] {
            let types = types(&schema, &root, REFERENCES_MAX);
            assert!(admitted.iter().all(|json| types.admit(json)), "{schema} admits {admitted:?}");
            assert!(!refused.iter().any(|json| types.admit(json)), "{schema} refuses {refused:?}");
        }
    }
}
