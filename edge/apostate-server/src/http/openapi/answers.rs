//! The answers of a route: the good ones, and the problems that are possible there.

use std::collections::BTreeMap;

use apostate_api::{ErrorCode, NDJSON_TYPE, PROBLEM_TYPE};
use serde_json::{Map, Value, json};

use crate::http::route::{Route, RouteAccess};

/// Problems of every route: of the connection, and of the node as a whole.
const EVERYWHERE: [ErrorCode; 5] = [
    ErrorCode::BadHeader,
    ErrorCode::HeadersTooLarge,
    ErrorCode::Internal,
    ErrorCode::NotReady,
    ErrorCode::TooManyConnections,
];

/// Writes the answers of routes.
#[derive(Clone, Copy)]
pub(super) struct Answers {
    pub(super) needs_token: bool,
}

impl Answers {
    /// The answers of `route`: the `good` ones, by their status, and its problems and those of every route.
    pub(super) fn of<const N: usize>(self, route: &Route, good: [(u16, Value); N]) -> Map<String, Value> {
        let access: &[_] = match (self.needs_token, route.access) {
            (true, RouteAccess::TokenHolders) => &[ErrorCode::TokenMissing, ErrorCode::TokenWrong],
            (true, RouteAccess::Everybody) => &[],
            // Who has the token is trusted, whoever sent it.
            (false, _) => &[ErrorCode::ForeignOrigin],
        };
        let mut by_status = BTreeMap::<u16, Vec<ErrorCode>>::new();
        for code in route.codes.iter().copied().flatten().chain(&EVERYWHERE).chain(access) {
            let codes = by_status.entry(code.status()).or_default();
            if !codes.contains(code) {
                codes.push(*code);
            }
        }
        let problems = by_status.into_iter().map(|(status, mut codes)| {
            codes.sort();
            (status.to_string(), problem(status, &codes))
        });
        good.into_iter().map(|(status, answer)| (status.to_string(), answer)).chain(problems).collect()
    }
}

fn problem(status: u16, codes: &[ErrorCode]) -> Value {
    let lines = codes.iter().map(|code| format!("- [`{code}`]({}): {}", code.problem_type(), code.title()));
    let mut answer = json!({
        "description": lines.collect::<Vec<_>>().join("\n"),
        "content": { PROBLEM_TYPE: { "schema": { "$ref": "#/components/schemas/apostate.Problem" } } },
    });
    if codes.iter().any(|code| code.is_retryable()) {
        let schema = json!({ "type": "integer", "minimum": 0 });
        answer["headers"] = json!({ "Retry-After": { "description": "Seconds to wait.", "schema": schema } });
    }
    if status == 401 {
        answer["headers"] = json!({ "WWW-Authenticate": { "schema": { "type": "string" } } });
    }
    answer
}

/// Answers that several paths refer to.
pub(super) fn shared() -> Value {
    json!({
        "Refusal": {
            "description": "The entity said no: `refusal` has its author's code and text. [`refused`](/errors/refused)",
            "headers": { "Idempotency-Replayed": replayed() },
            "content": { PROBLEM_TYPE: { "schema": { "$ref": "#/components/schemas/apostate.Problem" } } },
        },
    })
}

/// An answer that is a page of items.
pub(super) fn page_answer(description: &str, item: &Value) -> Value {
    let page = json!({
        "type": "object",
        "properties": {
            "items": { "type": "array", "items": item },
            "next": { "type": ["string", "null"], "description": "The `after` of the next page; null: the list ends here." },
        },
        "required": ["items", "next"],
    });
    json_answer(description, page)
}

/// An answer in JSON.
pub(super) fn json_answer(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// An answer in text.
pub(super) fn text_answer(description: &str, media_type: &str) -> Value {
    json!({ "description": description, "content": { media_type: { "schema": { "type": "string" } } } })
}

/// An answer, or a body, in lines of JSON.
pub(super) fn lines(line: &str) -> Value {
    json!({ NDJSON_TYPE: { "schema": { "type": "string", "description": line } } })
}

/// The header field that the answer to a call with a client key may have.
pub(super) fn with_replays(mut answer: Value) -> Value {
    answer["headers"]["Idempotency-Replayed"] = replayed();
    answer
}

fn replayed() -> Value {
    let description =
        "`true`: the client key came before, and this is what it was answered then; nothing was done now.";
    json!({ "description": description, "schema": { "type": "boolean" } })
}

/// The header field that an answer about one entity has.
pub(super) fn with_version(mut answer: Value) -> Value {
    let schema = json!({ "type": "integer", "minimum": 0 });
    answer["headers"] =
        json!({ "Entity-Version": { "description": "How often the entity was changed.", "schema": schema } });
    answer
}
