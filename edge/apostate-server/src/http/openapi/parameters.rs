//! The parameters of a route besides its body: names in its path, header fields, its query.

use apostate_api::{AgreementFilter, ErrorCode};
use serde_json::{Map, Value, json};

use crate::http::openapi::schemas::component;
use crate::http::route::{HeaderField, QueryParameter, QueryRule, Route};

/// The parameters of `route`, but for a handler's arguments.
pub(super) fn of(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let query = match route.query {
        QueryRule::Only(parameters) => parameters,
        QueryRule::Ignored | QueryRule::Arguments => &[],
    };
    let headers = route.headers.iter().map(|field| header(*field));
    names
        .filter_map(name_in_path)
        .chain(headers)
        .chain(query.iter().map(|parameter| query_parameter(*parameter)))
        .collect()
}

/// A name in a path. None: the document has a path for each.
fn name_in_path(name: &str) -> Option<Value> {
    Some(match name {
        "key" => key(),
        "id" => json!({ "name": "id", "in": "path", "required": true, "description": "As the list names it.",
            "schema": { "type": "string", "minLength": 1 } }),
        "code" => json!({ "name": "code", "in": "path", "required": true,
            "schema": { "type": "string", "enum": ErrorCode::ALL } }),
        _ => return None,
    })
}

fn header(field: HeaderField) -> Value {
    match field {
        HeaderField::Deadline => deadline(),
        HeaderField::ClientKey => client_key(),
        HeaderField::KnownVersion => known_version(),
        HeaderField::Prefer => prefer(),
        HeaderField::Producer => producer(),
        HeaderField::TraceParent => traceparent(),
    }
}

fn query_parameter(parameter: QueryParameter) -> Value {
    let (description, schema) = match parameter {
        QueryParameter::After => ("The `next` of the page before.", json!({ "type": "string" })),
        QueryParameter::Limit(description) => {
            (description, json!({ "type": "integer", "minimum": 1, "maximum": 1000, "default": 100 }))
        }
        QueryParameter::Partner => (
            "Only this partner: its kind and its key, as `stock/tea`. Without `after` and `limit`.",
            json!({ "type": "string" }),
        ),
        QueryParameter::AgreementState => (
            "Only these: `open`, agreements at their proposers; `uncertain`, what is held at partners; `past-deadline`, both, of which the \
                deadline has passed; `settled`, what was settled by hand.",
            json!({ "type": "string", "enum": AgreementFilter::ALL.map(AgreementFilter::as_str) }),
        ),
        QueryParameter::Kind => ("Only entities of this kind.", json!({ "type": "string" })),
    };
    json!({ "name": parameter.name(), "in": "query", "description": description, "schema": schema })
}

/// The key of an entity, in a path.
fn key() -> Value {
    json!({
        "name": "key",
        "in": "path",
        "required": true,
        "description": "The entity's key: 1 to 256 bytes of UTF-8, percent-encoded as one segment.",
        "schema": { "type": "string", "minLength": 1 },
    })
}

/// The client key of a call.
fn client_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A call that is repeated with the same key is done once, and answered the same.",
        "schema": {
            "type": "string",
            "pattern": r#"^("([ !#-\[\]-~]|\\["\\]){1,255}"|[!#-+\--:<-\[\]-~]{1,255})$"#,
        },
        "example": "\"01935f2c-9d3b-7c1a-8e67-2b1c0a9d3e41\"",
    })
}

/// What a caller prefers.
fn prefer() -> Value {
    let description = "`respond-async`: answer with 202, without the reply, when the call is durable. \
        `wait=10`: do not begin after 10 seconds.";
    // Preferences that are not known are left alone, so anything may stand there.
    json!({ "name": "Prefer", "in": "header", "description": description, "schema": { "type": "string" },
        "example": "respond-async" })
}

/// The version of an entity that its reader has already.
fn known_version() -> Value {
    let description = "The `ETag` of an earlier answer: while it holds, the answer is 304 and has no body.";
    json!({ "name": "If-None-Match", "in": "header", "description": description, "schema": { "type": "string" },
        "example": "\"3\"" })
}

/// How long a caller waits.
fn deadline() -> Value {
    json!({
        "name": "Deadline-Ms",
        "in": "header",
        "description": "How long the caller waits, in milliseconds. What has not begun by then is not done; of what has, the \
            outcome is unknown.",
        "schema": { "type": "integer", "format": "uint64", "minimum": 0 },
    })
}

/// The trace that a request is part of.
fn traceparent() -> Value {
    json!({
        "name": "traceparent",
        "in": "header",
        "description": "The trace that this is part of, as W3C's Trace Context has it. What cannot be understood is left alone.",
        "schema": { "type": "string" },
        "example": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    })
}

/// The producer of a stream of messages.
fn producer() -> Value {
    json!({
        "name": "Producer",
        "in": "header",
        "required": true,
        "description": "The producer's name: 1 to 256 bytes. It has one stream at a time.",
        "schema": { "type": "string", "minLength": 1 },
    })
}

/// The arguments of a handler that reads, as query parameters. `definitions` has the schemas that theirs refer to.
pub(super) fn arguments(schema: &Value, definitions: &Map<String, Value>) -> Vec<Value> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required = schema.get("required").and_then(Value::as_array);
    let argument = |(name, schema): (&String, &Value)| {
        let is_required = required.is_some_and(|required| required.iter().any(|other| other == name));
        let mut schema = schema.clone();
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({ "name": name, "in": "query", "required": is_required });
        if let Some(description) = description {
            parameter["description"] = description;
        }
        if !is_required {
            drop_null(&mut schema);
        }
        match is_plain(&schema, definitions) {
            true => parameter["schema"] = schema,
            false => parameter["content"] = json!({ "application/json": { "schema": schema } }),
        }
        parameter
    };
    properties.iter().map(argument).collect()
}

/// A parameter that may be missing is missed out when it is nothing.
fn drop_null(schema: &mut Value) {
    let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) else { return };
    types.retain(|name| name != "null");
    if let [only] = types.as_slice() {
        schema["type"] = only.clone();
    }
}

/// Whether a value of this schema stands in a query as it is, and not as JSON.
fn is_plain(schema: &Value, definitions: &Map<String, Value>) -> bool {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(component) {
        return definitions.get(&target).is_some_and(|schema| is_plain(schema, definitions));
    }
    matches!(schema.get("type").and_then(Value::as_str), Some("boolean" | "integer" | "number" | "string"))
}
