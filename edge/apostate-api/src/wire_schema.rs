//! The last touches to the schemas that the wire types derive: what serde does and schemars cannot know.

use schemars::Schema;
use serde_json::Value;

/// Says of the fields that are left out when there is nothing to say that they are never null.
pub(crate) fn absent_not_null(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for field in properties.values_mut().filter_map(Value::as_object_mut) {
        if let Some(Value::Array(types)) = field.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                field.insert("type".to_owned(), only);
            }
        }
        if let Some(Value::Array(either)) = field.get_mut("anyOf") {
            either.retain(|schema| schema["type"] != "null");
            if let [Value::Object(only)] = either.as_slice() {
                let only = only.clone();
                field.remove("anyOf");
                field.extend(only);
            }
        }
    }
}

/// Describes a choice of words as one enumeration, which every generator of clients knows.
pub(crate) fn one_of_words(schema: &mut Schema) {
    let Some(Value::Array(choices)) = schema.remove("oneOf") else { return };
    let words = choices.iter().map(|choice| choice["const"].clone()).collect::<Vec<_>>();
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.into());
}
