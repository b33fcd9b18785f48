//! The paths of one kind: its list, the states of its entities, and its open handlers.

use apostate_api::ErrorCode;
use apostate_core::schemars::SchemaGenerator;
use apostate_core::{Access, HandlerInfo, Kind, Mode};
use serde_json::{Map, Value, json};

use crate::http::openapi::answers::{Answers, json_answer, page_answer, with_replays, with_version};
use crate::http::openapi::parameters;

/// Problems of whatever asks one entity.
const OF_ENTITIES: [ErrorCode; 8] = [
    ErrorCode::BadKey,
    ErrorCode::BadClientKey,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::EntityBlocked,
    ErrorCode::OutcomeUnknown,
    ErrorCode::PartitionStopped,
    ErrorCode::UnreadableState,
];

/// Problems of calls.
const OF_CALLS: [ErrorCode; 11] = [
    ErrorCode::BadBody,
    ErrorCode::BadJson,
    ErrorCode::BadQuery,
    ErrorCode::BodyTooLarge,
    ErrorCode::ClientKeyExpired,
    ErrorCode::ClientKeyReused,
    ErrorCode::HandlerPanicked,
    ErrorCode::RequestTimeout,
    ErrorCode::TransactionTooLarge,
    ErrorCode::UnreadableReply,
    ErrorCode::UnsupportedMediaType,
];

/// Problems of reads.
const OF_READS: [ErrorCode; 6] = [
    ErrorCode::BadJson,
    ErrorCode::BadQuery,
    ErrorCode::EntityMissing,
    ErrorCode::HandlerPanicked,
    ErrorCode::TransactionTooLarge,
    ErrorCode::UnreadableReply,
];

/// Problems of lists.
const OF_LISTS: [ErrorCode; 8] = [
    ErrorCode::BadCursor,
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::NotAcceptable,
    ErrorCode::PartitionStopped,
    ErrorCode::StoreUnreadable,
    ErrorCode::TooManyStreams,
];

/// How a list is read. Its lines are told in words: two media types in one answer are more than generators of clients take.
const LISTED: &str = "Pages are bounded by bytes as well, and have one entity at least. What exists throughout appears once. With \
    `Accept: application/x-ndjson` the answer is all of the list, a line of JSON for each entity, as the items of a page.";

/// Adds the paths of `kind`.
pub(super) fn describe(paths: &mut Map<String, Value>, kind: &Kind, answers: Answers, generator: &mut SchemaGenerator) {
    let state = Value::from((kind.state_schema)(generator));
    let name = kind.name;
    paths.insert(format!("/entities/{name}"), json!({ "get": list(kind, &state, answers) }));
    paths.insert(format!("/entities/{name}/{{key}}"), json!({ "get": state_of(kind, &state, answers) }));
    for handler in kind.handlers.iter().filter(|handler| handler.access == Access::Open) {
        let path = format!("/entities/{name}/{{key}}/{}", handler.name);
        let operation = match handler.mode {
            Mode::Changes => json!({ "post": call(kind, handler, answers, generator) }),
            Mode::Reads => json!({ "get": read(kind, handler, answers, generator) }),
        };
        paths.insert(path, operation);
    }
}

fn call(kind: &Kind, handler: &HandlerInfo, answers: Answers, generator: &mut SchemaGenerator) -> Value {
    let arguments = Value::from((handler.arguments.schema)(generator));
    let reply = Value::from((handler.reply.schema)(generator));
    let needs_body = arguments.get("required").is_some();
    let done = with_version(json_answer("It is done and durable. The handler's reply.", reply));
    let accepted =
        with_version(json!({ "description": "It is done and durable; `Prefer: respond-async` asked for no reply." }));
    let mut responses =
        answers.of([(200, with_replays(done)), (202, with_replays(accepted))], &[&OF_ENTITIES[..], &OF_CALLS].concat());
    allow_refusal(&mut responses, handler);
    let mut operation = operation(kind, handler);
    operation.insert(
        "parameters".to_owned(),
        json!([
            parameters::key(),
            parameters::client_key(),
            parameters::prefer(),
            parameters::deadline(),
            parameters::traceparent(),
        ]),
    );
    let content = json!({ "application/json": { "schema": arguments } });
    operation.insert("requestBody".to_owned(), json!({ "required": needs_body, "content": content }));
    operation.insert("responses".to_owned(), responses.into());
    operation.into()
}

fn read(kind: &Kind, handler: &HandlerInfo, answers: Answers, generator: &mut SchemaGenerator) -> Value {
    let arguments = Value::from((handler.arguments.schema)(generator));
    let reply = Value::from((handler.reply.schema)(generator));
    let seen = with_version(json_answer("The handler's reply. What it saw is durable.", reply));
    let mut responses = answers.of([(200, seen)], &[&OF_ENTITIES[..], &OF_READS].concat());
    allow_refusal(&mut responses, handler);
    let mut taken = vec![parameters::key(), parameters::deadline(), parameters::traceparent()];
    taken.extend(parameters::arguments(&arguments, generator.definitions()));
    let mut operation = operation(kind, handler);
    operation.insert("parameters".to_owned(), taken.into());
    operation.insert("responses".to_owned(), responses.into());
    operation.into()
}

/// What a refusal is answered with: 409, or another status of its author's choice.
fn allow_refusal(responses: &mut Map<String, Value>, handler: &HandlerInfo) {
    if !handler.refusable {
        return;
    }
    let refusal = json!({ "$ref": "#/components/responses/Refusal" });
    responses.insert("default".to_owned(), refusal.clone());
    match responses.get_mut("409") {
        None => drop(responses.insert("409".to_owned(), refusal)),
        Some(conflict) => {
            let code = ErrorCode::Refused;
            let others = conflict["description"].as_str().unwrap_or_default();
            let line = format!("{others}\n- [`{code}`]({}): {}", code.problem_type(), code.title());
            conflict["description"] = line.into();
        }
    }
}

/// What its author says of a handler. No name of a kind or a handler has a `.` or a `:` in it.
fn operation(kind: &Kind, handler: &HandlerInfo) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), format!("{}.{}", kind.name, handler.name).into());
    operation.insert("tags".to_owned(), json!([kind.name]));
    let paragraph = handler.doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    operation.insert("summary".to_owned(), if paragraph.is_empty() { handler.name.into() } else { paragraph.into() });
    if handler.doc.contains("\n\n") {
        operation.insert("description".to_owned(), handler.doc.into());
    }
    operation
}

fn state_of(kind: &Kind, state: &Value, answers: Answers) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {
            "kind": { "const": kind.name },
            "key": { "type": "string" },
            "version": { "type": "integer", "minimum": 0 },
            "state": state,
        },
        "required": ["kind", "key", "version", "state"],
    });
    let etag = json!({ "description": "The version, in quotes.", "schema": { "type": "string" } });
    let mut seen = with_version(json_answer("The entity. What is seen is durable.", schema));
    seen["headers"]["ETag"] = etag.clone();
    let mut known = with_version(json!({ "description": "It has the version that `If-None-Match` names." }));
    known["headers"]["ETag"] = etag;
    let codes = [&OF_ENTITIES[..], &[ErrorCode::BadQuery, ErrorCode::EntityMissing]].concat();
    json!({
        "operationId": format!("{}:state", kind.name),
        "tags": [kind.name],
        "summary": format!("Reads a whole {}.", kind.name),
        "description": "With the `ETag` of an earlier answer as `If-None-Match`, the answer is 304 as long as nothing changed.",
        "parameters": [
            parameters::key(),
            parameters::known_version(),
            parameters::deadline(),
            parameters::traceparent(),
        ],
        "responses": answers.of([(200, seen), (304, known)], &codes),
    })
}

fn list(kind: &Kind, state: &Value, answers: Answers) -> Value {
    let item = json!({
        "type": "object",
        "properties": {
            "key": { "type": "string" },
            "version": { "type": "integer", "minimum": 0 },
            "state": state,
            "problem": { "$ref": "#/components/schemas/apostate.Problem" },
        },
        "required": ["key", "version"],
        "description": "An entity with its `state`; or with the `problem` why it cannot be shown.",
    });
    let mut answer = page_answer("A page.", &item);
    let first = json!({ "key": "$response.body#/items/0/key" });
    answer["links"] = json!({ "state": { "operationId": format!("{}:state", kind.name), "parameters": first } });
    json!({
        "operationId": format!("{}:list", kind.name),
        "tags": [kind.name],
        "summary": format!("Lists every {}, in an order that stays.", kind.name),
        "description": LISTED,
        "parameters": [
            parameters::deadline(),
            parameters::after(),
            parameters::limit("Most entities of the page."),
        ],
        "responses": answers.of([(200, answer)], &OF_LISTS),
    })
}
