//! JSON Schema of types: for the description that callers read.
//!
//! Types describe themselves where they can ([`JsonSchema`]), and are left open where they cannot. The fields of an
//! entity, and the arguments of a handler, are described one by one, so that one open field leaves the others as they are.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, Error as _, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use crate::limits::KEY_BYTES_MAX;
use crate::{Address, EntityKey, Id, TimerId, Timestamp};

/// Describes a type as JSON Schema. A type that other types share is described once, by the generator, and referred to.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// One field of a state, or one argument of a handler.
pub struct Field {
    /// The name in JSON.
    pub name: &'static str,
    /// The author's documentation.
    pub doc: &'static str,
    /// The schema of its type.
    pub schema: SchemaOf,
    /// Whether it has to be there.
    pub is_required: bool,
}

/// Describes a `T` by what it says of itself.
pub fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Describes a type that nothing is known of.
pub fn open(_generator: &mut SchemaGenerator) -> Schema {
    Schema::from(true)
}

/// Describes an object with `fields`. It may have others, which are ignored.
pub fn object(generator: &mut SchemaGenerator, doc: &str, fields: &[Field]) -> Schema {
    let mut schema = json_schema!({ "type": "object" });
    if !doc.is_empty() {
        schema.insert("description".to_owned(), doc.into());
    }
    let mut properties = serde_json::Map::new();
    for Field { name, doc, schema, is_required: _ } in fields {
        let mut field = schema(generator);
        if !doc.is_empty() {
            field.insert("description".to_owned(), (*doc).into());
        }
        properties.insert((*name).to_owned(), field.into());
    }
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), properties.into());
    }
    let required: Vec<_> = fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema
}

/// Whether a field of type `T` has to be there, if it has no default: what serde makes of one that is missing.
#[must_use]
pub fn is_required<T: DeserializeOwned>() -> bool {
    T::deserialize(Missing).is_err()
}

/// A field that is not there: nothing, for a type that takes nothing, and an error for any other.
struct Missing;

impl<'de> Deserializer<'de> for Missing {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("missing"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl JsonSchema for Id {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Id").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "uuid", "description": "A unique id: a UUID of version 7." })
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Timestamp").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let description = "A moment, in milliseconds since 1970-01-01T00:00Z.";
        json_schema!({ "type": "integer", "format": "uint64", "minimum": 0, "description": description })
    }
}

impl JsonSchema for TimerId {
    fn schema_name() -> Cow<'static, str> {
        "TimerId".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::TimerId").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "format": "uint64", "minimum": 0, "description": "The id of a timer of an entity." })
    }
}

impl JsonSchema for EntityKey {
    fn schema_name() -> Cow<'static, str> {
        "EntityKey".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::EntityKey").into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let description = format!("The key of an entity: 1 to {KEY_BYTES_MAX} bytes of UTF-8.");
        json_schema!({ "type": "string", "minLength": 1, "maxLength": KEY_BYTES_MAX, "description": description })
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Address").into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = "The kind, by the hash of its name: FNV-1a of 32 bits.";
        json_schema!({
            "type": "object",
            "description": "An entity, by kind and key.",
            "properties": {
                "kind": { "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX, "description": kind },
                "key": generator.subschema_for::<EntityKey>(),
            },
            "required": ["kind", "key"],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[serde(transparent)]
    struct Maybe(Option<u8>);

    #[test]
    fn what_may_be_missing_is_what_serde_lets_be_missing() {
        #[derive(Deserialize)]
        struct Field<T> {
            #[expect(dead_code, reason = "whether it is read is what is asked")]
            field: T,
        }

        fn check<T: DeserializeOwned>() {
            assert_eq!(is_required::<T>(), serde_json::from_str::<Field<T>>("{}").is_err());
        }

        check::<Option<u8>>();
        check::<Maybe>();
        check::<u8>();
        check::<()>();
        check::<Vec<Option<u8>>>();
        check::<Box<Option<u8>>>();
        assert!(!is_required::<Maybe>() && is_required::<u8>());
    }

    #[test]
    fn an_object_is_its_fields_and_those_that_must_be_there() {
        let fields = [
            Field { name: "units", doc: "How many.", schema: of::<u16>, is_required: true },
            Field { name: "note", doc: "", schema: open, is_required: false },
        ];
        let expected = json_schema!({
            "type": "object",
            "description": "Takes units in.",
            "properties": {
                "units": { "type": "integer", "format": "uint16", "minimum": 0, "maximum": 65535, "description": "How many." },
                "note": true,
            },
            "required": ["units"],
        });
        assert_eq!(object(&mut SchemaGenerator::default(), "Takes units in.", &fields), expected);
    }
}
