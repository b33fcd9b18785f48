//! The last touches to the schemas of all types: bounds of numbers, and names that a document may use.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::http::path::decoded_text;

/// The place of schemas that others refer to.
const SCHEMAS: &str = "#/components/schemas/";

/// Says of every number what its type can hold, and gives every component a name that a document may use.
pub(super) fn finish(document: &mut Value) {
    rename_components(document);
    close_ranges(document);
}

/// A width in bits is a word that only Rust's readers know: callers are told the bounds.
fn close_ranges(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(close_ranges),
        Value::Object(fields) => {
            if let Some((least, most)) = fields.get("format").and_then(Value::as_str).and_then(bounds) {
                fields.entry("minimum").or_insert(least);
                fields.entry("maximum").or_insert(most);
            }
            fields.values_mut().for_each(close_ranges);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn bounds(format: &str) -> Option<(Value, Value)> {
    match format {
        "int8" => Some((i8::MIN.into(), i8::MAX.into())),
        "int16" => Some((i16::MIN.into(), i16::MAX.into())),
        "int32" => Some((i32::MIN.into(), i32::MAX.into())),
        "int64" | "int" => Some((i64::MIN.into(), i64::MAX.into())),
        "uint8" => Some((0.into(), u8::MAX.into())),
        "uint16" => Some((0.into(), u16::MAX.into())),
        "uint32" => Some((0.into(), u32::MAX.into())),
        "uint64" | "uint" => Some((0.into(), u64::MAX.into())),
        // As the largest single is written: as a double, it is a little less.
        "float" => Some((json!(-3.402_823_5e38), json!(3.402_823_5e38))),
        _ => None,
    }
}

/// A type may call itself anything; a component is called by letters, digits, `.`, `-` and `_`.
fn rename_components(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let mut renamed = BTreeMap::new();
    for name in schemas.keys().cloned().collect::<Vec<_>>() {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if name.chars().all(fits) {
            continue;
        }
        let mut new = name.replace(|letter| !fits(letter), "_");
        while schemas.contains_key(&new) {
            new.push('_');
        }
        if let Some(schema) = schemas.remove(&name) {
            schemas.insert(new.clone(), schema);
        }
        renamed.insert(name, new);
    }
    if !renamed.is_empty() {
        refer_to(document, &renamed);
    }
}

fn refer_to(value: &mut Value, renamed: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| refer_to(item, renamed)),
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get_mut("$ref")
                && let Some(name) = component(target)
                && let Some(new) = renamed.get(&name)
            {
                *target = format!("{SCHEMAS}{new}");
            }
            fields.values_mut().for_each(|field| refer_to(field, renamed));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The component that a reference is to, by the name that it gave itself: a reference is part of a URL and a JSON pointer.
pub(super) fn component(reference: &str) -> Option<String> {
    let name = decoded_text(reference.strip_prefix(SCHEMAS)?)?;
    Some(name.replace("~1", "/").replace("~0", "~"))
}
