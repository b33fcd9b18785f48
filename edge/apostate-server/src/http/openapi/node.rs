//! The paths of the node itself.

use apostate_api::ErrorCode;
use serde_json::{Map, Value, json};

use crate::http::openapi::answers::{Answers, json_answer, page_answer, text_answer};
use crate::http::openapi::parameters;

/// Under what these paths are listed. With a blank, as no kind has it in its name.
pub(super) const TAG: &str = "the node";

/// Problems of what reads the parked messages.
const OF_PARKED_READ: [ErrorCode; 6] = [
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::DeadlineExceeded,
    ErrorCode::PartitionStopped,
    ErrorCode::StoreUnreadable,
    ErrorCode::TooManyStreams,
];

/// Problems of what changes one of them.
const OF_PARKED_CHANGED: [ErrorCode; 5] = [
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::OutcomeUnknown,
    ErrorCode::ParkedMissing,
    ErrorCode::PartitionStopped,
];

/// Problems of a retry alone: this build could not apply the message, and it stays parked.
const OF_RETRIES: [ErrorCode; 3] = [ErrorCode::EntityBlocked, ErrorCode::HandlerMissing, ErrorCode::KindMissing];

/// Problems of streams of messages, before the first result.
const OF_MESSAGES: [ErrorCode; 8] = [
    ErrorCode::BadProducer,
    ErrorCode::BadQuery,
    ErrorCode::Busy,
    ErrorCode::PartitionStopped,
    ErrorCode::ProducerInUse,
    ErrorCode::ProducerMissing,
    ErrorCode::TooManyStreams,
    ErrorCode::UnsupportedMediaType,
];

/// Adds the paths.
pub(super) fn describe(paths: &mut Map<String, Value>, answers: Answers) {
    paths.insert("/messages".to_owned(), json!({ "post": messages(answers) }));
    parked(paths, answers);
    let mut get = |path: &str, name: &str, summary: &str, answer: Value, codes: &[ErrorCode]| {
        let responses = answers.of([(200, answer)], codes);
        paths.insert(path.to_owned(), json!({ "get": operation(name, summary, responses) }));
    };
    let status = json_answer("How the node is.", schema("NodeStatus"));
    get("/partitions", "partitions", "Tells how each partition is.", status, &[ErrorCode::BadQuery]);
    let metrics = text_answer("Figures, as Prometheus reads them.", "text/plain");
    get("/metrics", "metrics", "Counts what the node does.", metrics, &[]);
    let document = json_answer("This document.", json!({ "type": "object" }));
    get("/openapi.json", "openapi", "Describes the node.", document, &[]);
    let responses =
        answers.open([(200, text_answer("A page about the code.", "text/markdown"))], &[ErrorCode::PathUnknown]);
    let mut page = operation("error", "Tells what an error code means, and what to do.", responses);
    page["security"] = json!([]);
    let code = json!({ "type": "string", "enum": ErrorCode::ALL });
    page["parameters"] = json!([{ "name": "code", "in": "path", "required": true, "schema": code }]);
    paths.insert("/errors/{code}".to_owned(), json!({ "get": page }));

    let mut open = |path: &str, name: &str, summary: &str, answer: Value, codes: &[ErrorCode]| {
        let mut operation = operation(name, summary, answers.open([(200, answer)], codes));
        operation["security"] = json!([]);
        paths.insert(path.to_owned(), json!({ "get": operation }));
    };
    open("/", "home", "Tells what this is.", text_answer("A short text.", "text/plain"), &[]);
    open("/health", "health", "Tells that the node is alive.", json_answer("It is.", schema("Health")), &[]);
    let ready = json_answer("Every partition serves.", schema("Health"));
    open("/ready", "ready", "Tells whether every partition serves.", ready, &[ErrorCode::PartitionStopped]);
}

fn messages(answers: Answers) -> Value {
    let lines = |of: &str| json!({ "application/x-ndjson": { "schema": { "type": "string", "description": of } } });
    let taken = "A line of JSON for each message: `apostate.BulkMessage`.";
    let given = "A line of JSON for each message, `apostate.BulkResult`; a last one that is a problem says from which \
        number to send again.";
    let answer = json!({ "description": "A result for each message, when it is durable.", "content": lines(given) });
    let responses = answers.of([(200, answer)], &OF_MESSAGES);
    let mut operation =
        operation("messages", "Takes numbered messages, one a line, and streams one result a line.", responses);
    operation["description"] = json!(
        "A producer numbers its messages, in ascending order from 1. What was applied under a number is not applied again, \
         so a stream that broke is sent again from the first number without a result. Only what was sent before may be sent \
         again: a number that was once passed over is lost for ever."
    );
    let name = json!({ "type": "string", "minLength": 1 });
    operation["parameters"] = json!([{
        "name": "Producer",
        "in": "header",
        "required": true,
        "description": "The producer's name: 1 to 256 bytes. It has one stream at a time.",
        "schema": name,
    }, parameters::traceparent()]);
    // A stream of no messages is one as well.
    operation["requestBody"] = json!({ "required": false, "content": lines(taken) });
    operation
}

fn parked(paths: &mut Map<String, Value>, answers: Answers) {
    let id = json!({ "name": "id", "in": "path", "required": true, "description": "As the list names it.",
        "schema": { "type": "string", "minLength": 1 } });
    let of_one = |name: &str, summary: &str, good: (u16, Value), codes: &[ErrorCode]| {
        let mut operation = operation(name, summary, answers.of([good], codes));
        operation["parameters"] = json!([id, parameters::deadline()]);
        operation
    };
    let mut answer = page_answer("A page.", &schema("ParkedItem"));
    let link = |name: &str| json!({ "operationId": format!("node:{name}"), "parameters": { "id": "$response.body#/items/0/id" } });
    answer["links"] = json!({ "show": link("parked.show"), "retry": link("parked.retry") });
    let codes = [&OF_PARKED_READ[..], &[ErrorCode::BadCursor]].concat();
    let mut list =
        operation("parked", "Lists the messages that were given up on.", answers.of([(200, answer)], &codes));
    list["description"] = json!("By kind, then in the order of the ring; of one entity the oldest first.");
    list["parameters"] =
        json!([parameters::deadline(), parameters::after(), parameters::limit("Most messages of the page.")]);
    paths.insert("/parked".to_owned(), json!({ "get": list }));
    let message = (200, json_answer("The message.", schema("ParkedItem")));
    let codes = [&OF_PARKED_READ[..], &[ErrorCode::ParkedMissing]].concat();
    let show = of_one("parked.show", "Shows a parked message.", message, &codes);
    let dismissed = (204, json!({ "description": "It is gone for ever, unapplied." }));
    let dismiss = of_one("parked.dismiss", "Drops a parked message for ever.", dismissed, &OF_PARKED_CHANGED);
    paths.insert("/parked/{id}".to_owned(), json!({ "get": show, "delete": dismiss }));
    let retried = (204, json!({ "description": "It is on its way again." }));
    let codes = [&OF_PARKED_CHANGED[..], &OF_RETRIES].concat();
    let retry = of_one("parked.retry", "Sends a parked message on its way again.", retried, &codes);
    paths.insert("/parked/{id}/retry".to_owned(), json!({ "post": retry }));
}

fn operation(name: &str, summary: &str, responses: Map<String, Value>) -> Value {
    json!({ "operationId": format!("node:{name}"), "tags": [TAG], "summary": summary, "responses": responses })
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/apostate.{name}") })
}
