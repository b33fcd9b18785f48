//! The routes of one kind: its list, the states of its entities, and its open handlers.

use apostate_api::ErrorCode;
use apostate_core::schemars::SchemaGenerator;
use apostate_core::{Access, HandlerInfo, Kind, Mode};
use serde_json::{Map, Value, json};

use crate::http::openapi::answers::{Answers, json_answer, page_answer, with_replays, with_version};
use crate::http::openapi::parameters;
use crate::http::route::{Route, RouteTarget, method_of};

/// Adds the routes of `kind`.
pub(super) fn describe(
    document: &mut Map<String, Value>,
    routes: &[Route],
    kind: &Kind,
    answers: Answers,
    generator: &mut SchemaGenerator,
) {
    let state = Value::from((kind.state_schema)(generator));
    for route in routes {
        match route.target {
            RouteTarget::List => add(document, route, kind, None, list(route, kind, &state, answers)),
            RouteTarget::State => add(document, route, kind, None, state_of(route, kind, &state, answers)),
            RouteTarget::Activities => {
                let activity = kind.activity_json.map(|json| Value::from((json.schema)(generator)));
                add(document, route, kind, None, activities(route, kind, activity, answers));
            }
            RouteTarget::Call | RouteTarget::Read => {
                let is_open =
                    |handler: &&HandlerInfo| handler.access == Access::Open && method_of(handler.mode) == route.method;
                for handler in kind.handlers.iter().filter(is_open) {
                    let operation = operation(route, kind, handler, answers, generator);
                    add(document, route, kind, Some(handler), operation);
                }
            }
            RouteTarget::Node(_) => {}
        }
    }
}

fn add(document: &mut Map<String, Value>, route: &Route, kind: &Kind, handler: Option<&HandlerInfo>, operation: Value) {
    let path = route.path.replace("{kind}", kind.name);
    let path = handler.map_or_else(|| path.clone(), |handler| path.replace("{handler}", handler.name));
    let path = document.entry(path).or_insert_with(|| json!({}));
    path[route.method.as_str().to_ascii_lowercase()] = operation;
}

/// A handler, with its author's words. No name of a kind or a handler has a `.` or a `:` in it.
fn operation(
    route: &Route,
    kind: &Kind,
    handler: &HandlerInfo,
    answers: Answers,
    generator: &mut SchemaGenerator,
) -> Value {
    let arguments = Value::from((handler.arguments.schema)(generator));
    let reply = Value::from((handler.reply.schema)(generator));
    let good = with_version(json_answer(route.success.description, reply));
    let mut parameters = parameters::of(route);
    let mut operation = json!({ "operationId": format!("{}.{}", kind.name, handler.name), "tags": [kind.name] });
    let mut responses = match handler.mode {
        Mode::Changes => {
            let accepted =
                json!({ "description": "It is done and durable; `Prefer: respond-async` asked for no reply." });
            let needs_body = arguments.get("required").is_some();
            let content = json!({ "application/json": { "schema": arguments } });
            operation["requestBody"] = json!({ "required": needs_body, "content": content });
            answers.of(route, [(200, with_replays(good)), (202, with_replays(with_version(accepted)))])
        }
        Mode::Reads => {
            parameters.extend(parameters::arguments(&arguments, generator.definitions()));
            answers.of(route, [(200, good)])
        }
    };
    allow_refusal(&mut responses, handler);
    let paragraph = handler.doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    operation["summary"] = if paragraph.is_empty() { handler.name.into() } else { paragraph.into() };
    if handler.doc.contains("\n\n") {
        operation["description"] = handler.doc.into();
    }
    operation["parameters"] = parameters.into();
    operation["responses"] = responses.into();
    operation
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

fn state_of(route: &Route, kind: &Kind, state: &Value, answers: Answers) -> Value {
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
    let mut seen = with_version(json_answer(route.success.description, schema));
    seen["headers"]["ETag"] = etag.clone();
    let mut known = with_version(json!({ "description": "It has the version that `If-None-Match` names." }));
    known["headers"]["ETag"] = etag;
    of_kind(route, kind, answers.of(route, [(200, seen), (304, known)]))
}

fn list(route: &Route, kind: &Kind, state: &Value, answers: Answers) -> Value {
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
    let mut answer = page_answer(route.success.description, &item);
    let first = json!({ "key": "$response.body#/items/0/key" });
    answer["links"] = json!({ "state": { "operationId": format!("{}:state", kind.name), "parameters": first } });
    of_kind(route, kind, answers.of(route, [(200, answer)]))
}

/// The list of partners. `activity` describes what an entity remembers about one.
fn activities(route: &Route, kind: &Kind, activity: Option<Value>, answers: Answers) -> Value {
    let many =
        |name: &str| json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/apostate.{name}") } });
    let mut item = json!({
        "type": "object",
        "properties": {
            "kind": { "type": "string" },
            "key": { "type": "string" },
            "problem": { "$ref": "#/components/schemas/apostate.Problem" },
            "asks": many("AskItem"),
            "legs": many("LegItem"),
            "operations": many("OperationItem"),
            "timers": many("TimerItem"),
        },
        "required": ["kind", "key", "asks", "legs", "operations", "timers"],
        "description": "A partner: with the `activity`, unless nothing is remembered; or with the `problem` why that cannot be shown.",
    });
    if let Some(activity) = activity {
        item["properties"]["activity"] = activity;
    }
    of_kind(route, kind, answers.of(route, [(200, page_answer(route.success.description, &item))]))
}

fn of_kind(route: &Route, kind: &Kind, responses: Map<String, Value>) -> Value {
    json!({
        "operationId": format!("{}:{}", kind.name, route.name),
        "tags": [kind.name],
        "summary": route.summary.replace("{kind}", kind.name),
        "description": route.description,
        "parameters": parameters::of(route),
        "responses": responses,
    })
}
