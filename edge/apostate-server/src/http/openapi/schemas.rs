//! The schemas of the wire types, and the last touches to everybody's.

use std::collections::BTreeMap;

use apostate_api::NUMBER_MAX;
use serde_json::{Map, Value, json};

use crate::http::openapi::SCHEMAS;

/// Ours, with a `.` in their names, as no type of an application has.
pub(super) fn of_the_wire() -> Map<String, Value> {
    let (text, count, flag) =
        (json!({ "type": "string" }), json!({ "type": "integer", "format": "uint64" }), json!({ "type": "boolean" }));
    let refusal = object(&[("code", &text), ("text", &text)], &[]);
    let problem = object(
        &[
            ("type", &text),
            ("title", &text),
            ("status", &json!({ "type": "integer" })),
            ("detail", &text),
            ("code", &text),
        ],
        &[("instance", &text), ("retry_after", &count), ("refusal", &refusal), ("resume_from", &count)],
    );
    let parts = object(&[("kind", &text), ("key", &text)], &[]);
    let number = json!({ "type": "integer", "format": "uint64", "minimum": 1, "maximum": NUMBER_MAX });
    let entity = json!({ "oneOf": [text, parts], "description": "`stock/tea`, or kind and key apart." });
    let message = object(
        &[("number", &number), ("entity", &entity), ("handler", &text)],
        &[("arguments", &json!({ "type": "object" }))],
    );
    let ending = json!({ "enum": ["accepted", "done", "duplicate", "failed", "refused"] });
    let result = object(
        &[("number", &number), ("result", &ending)],
        &[("reply", &json!(true)), ("code", &text), ("text", &text), ("detail", &text)],
    );
    let parked = object(
        &[
            ("id", &text),
            ("kind", &text),
            ("key", &text),
            ("handler", &text),
            ("number", &count),
            ("reason", &text),
            ("since", &count),
        ],
        &[("from", &text), ("trace_id", &text), ("arguments", &json!(true))],
    );
    let figures =
        ["id", "epoch", "durable", "entities", "entity_bytes", "dirty_bytes", "inbox", "outbox", "parked", "requests"];
    let mut partition_fields = vec![
        ("first", &text),
        ("last", &text),
        ("is_silent", &flag),
        ("is_serving", &flag),
        ("is_full", &flag),
        ("is_quiet", &flag),
    ];
    let offset = json!({ "type": "integer", "format": "int64" });
    partition_fields.push(("time_offset", &offset));
    partition_fields.extend(figures.map(|figure| (figure, &count)));
    let partition = object(&partition_fields, &[("stopped", &text)]);
    let partitions = json!({ "type": "array", "items": partition });
    let status = object(
        &[("version", &text), ("partitions", &partitions), ("log_bytes", &count), ("is_store_full", &flag)],
        &[],
    );
    let texts = json!({ "type": "array", "items": text });
    let health = object(&[("status", &json!({ "enum": ["alive", "ready"] }))], &[("warnings", &texts)]);
    [
        ("BulkMessage", message),
        ("BulkResult", result),
        ("Health", health),
        ("NodeStatus", status),
        ("ParkedItem", parked),
        ("Problem", problem),
    ]
    .into_iter()
    .map(|(name, schema)| (format!("apostate.{name}"), schema))
    .collect()
}

fn object(required: &[(&str, &Value)], others: &[(&str, &Value)]) -> Value {
    let names: Vec<_> = required.iter().map(|(name, _)| *name).collect();
    let properties = required.iter().chain(others).map(|(name, schema)| ((*name).to_owned(), (*schema).clone()));
    json!({ "type": "object", "properties": properties.collect::<Map<_, _>>(), "required": names })
}

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
    let mut parts = reference.strip_prefix(SCHEMAS)?.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(String::from_utf8(bytes).ok()?.replace("~1", "/").replace("~0", "~"))
}
