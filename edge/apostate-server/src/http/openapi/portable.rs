//! Schemas in the words that generators of clients take.
//!
//! JSON Schema may say the same thing in several ways, and generators know some of them. A schema that says nothing is `{}`
//! and not `true`. Nothing at all, as a reply or a field, is `{"const": null}` and not `{"type": "null"}`; beside another
//! type, `null` stays, as they all read that.

use serde_json::{Value, json};

/// Keywords with one schema below them. `additionalProperties` is not among them: there, generators know the booleans.
const ONE: [&str; 3] = ["items", "not", "contains"];
/// Keywords with a list of schemas that are each a part of a value.
const PARTS: [&str; 2] = ["allOf", "prefixItems"];
/// Keywords with a list of schemas to choose from.
const CHOICES: [&str; 2] = ["anyOf", "oneOf"];
/// Keywords with schemas by name.
const NAMED: [&str; 3] = ["properties", "patternProperties", "$defs"];

/// Rewrites every schema of `document`.
pub(super) fn rewrite(document: &mut Value) {
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.values_mut().for_each(schema);
    }
    each_used(document);
}

/// Rewrites the schemas of bodies, parameters and header fields.
fn each_used(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(each_used),
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "schema" => schema(field),
                    "schemas" | "example" | "examples" => {}
                    _ => each_used(field),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn schema(value: &mut Value) {
    if *value == json!({ "type": "null" }) {
        *value = json!({ "const": null });
    }
    inner(value);
}

fn inner(value: &mut Value) {
    match value {
        Value::Bool(true) => *value = json!({}),
        Value::Bool(false) => *value = json!({ "not": {} }),
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    (name, field) if ONE.contains(&name) => schema(field),
                    (name, Value::Array(items)) if PARTS.contains(&name) => items.iter_mut().for_each(schema),
                    (name, Value::Array(items)) if CHOICES.contains(&name) => items.iter_mut().for_each(inner),
                    (name, Value::Object(fields)) if NAMED.contains(&name) => fields.values_mut().for_each(schema),
                    ("additionalProperties", field @ Value::Object(_)) => schema(field),
                    _ => {}
                }
            }
        }
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_are_rewritten_and_what_looks_like_one_is_not() {
        let mut document = json!({
            "paths": { "/a": { "get": { "parameters": [{ "required": true, "schema": true, "example": { "schema": true } }] } } },
            "components": { "schemas": {
                "Any": true,
                "None": { "type": "null" },
                "Line": {
                    "type": "object",
                    "properties": { "schema": true, "nothing": { "type": "null" }, "never": false },
                    "additionalProperties": false,
                    "default": true,
                },
                "Choice": { "anyOf": [{ "type": "string" }, { "type": "null" }, true] },
                "List": { "type": "array", "prefixItems": [true], "items": false, "const": true },
                "Map": { "type": "object", "additionalProperties": { "type": "null" } },
            } },
        });
        rewrite(&mut document);
        let expected = json!({
            "paths": { "/a": { "get": { "parameters": [{ "required": true, "schema": {}, "example": { "schema": true } }] } } },
            "components": { "schemas": {
                "Any": {},
                "None": { "const": null },
                "Line": {
                    "type": "object",
                    "properties": { "schema": {}, "nothing": { "const": null }, "never": { "not": {} } },
                    "additionalProperties": false,
                    "default": true,
                },
                "Choice": { "anyOf": [{ "type": "string" }, { "type": "null" }, {}] },
                "List": { "type": "array", "prefixItems": [{}], "items": { "not": {} }, "const": true },
                "Map": { "type": "object", "additionalProperties": { "const": null } },
            } },
        });
        assert_eq!(document, expected);
    }
}
