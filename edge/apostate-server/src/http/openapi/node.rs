//! The routes of the node itself, as the route table has them.

use apostate_core::SchemaOf;
use apostate_core::schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::http::openapi::answers::{Answers, json_answer, lines, page_answer, text_answer};
use crate::http::openapi::parameters;
use crate::http::route::{Content, RequestBody, Route, RouteAccess, RouteTarget, Success};

/// The tag of these routes. With a blank, as no kind has it in its name.
pub(super) const TAG: &str = "the node";

/// Adds the routes. `generator` takes the schemas of their types.
pub(super) fn describe(
    paths: &mut Map<String, Value>,
    routes: &[Route],
    answers: Answers,
    generator: &mut SchemaGenerator,
) {
    for route in routes.iter().filter(|route| matches!(route.target, RouteTarget::Node(_))) {
        let operation = operation(route, answers, generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
}

fn operation(route: &Route, answers: Answers, generator: &mut SchemaGenerator) -> Value {
    let good = (route.success.status, good(&route.success, generator));
    let mut operation = json!({
        "operationId": id(route.name),
        "tags": [TAG],
        "summary": route.summary,
        "responses": answers.of(route, [good]),
    });
    if !route.description.is_empty() {
        operation["description"] = route.description.into();
    }
    let parameters = parameters::of(route);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    match route.body {
        Some(RequestBody::Lines(line, schema)) => {
            schema(generator);
            // A stream of no messages is one as well.
            operation["requestBody"] = json!({ "required": false, "content": lines(line) });
        }
        Some(RequestBody::Json(schema)) => {
            let schema = Value::from(schema(generator));
            let content = json!({ "application/json": { "schema": schema } });
            operation["requestBody"] = json!({ "required": true, "content": content });
        }
        Some(RequestBody::Arguments) | None => {}
    }
    if route.access == RouteAccess::Everybody {
        operation["security"] = json!([]);
    }
    operation
}

fn good(success: &Success, generator: &mut SchemaGenerator) -> Value {
    let Success { status: _, description, content, links } = *success;
    let mut schema = |of: SchemaOf| Value::from(of(generator));
    let mut answer = match content {
        Content::Nothing | Content::OfTheKind => json!({ "description": description }),
        Content::Text(media_type) => text_answer(description, media_type),
        Content::Json(of) => json_answer(description, schema(of)),
        Content::Page(of) => page_answer(description, &schema(of)),
        Content::Lines(line, of) => {
            schema(of);
            json!({ "description": description, "content": lines(line) })
        }
    };
    for (name, operation) in links {
        let link = json!({ "operationId": id(operation), "parameters": { "id": "$response.body#/items/0/id" } });
        answer["links"][name] = link;
    }
    answer
}

fn id(name: &str) -> String {
    format!("node:{name}")
}
