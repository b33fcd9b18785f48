//! A sample kind as a caller reads of it: that paths, schemas and references say what the handlers do.

mod agreements;

use std::collections::BTreeMap;

use apostate::prelude::*;
use apostate_api::ErrorCode;
use serde_json::{Value, json};

use super::*;
use crate::http::routes::ROUTES;

/// What a product is called: a type with a name that no component can have.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sku(String);

impl apostate::schemars::JsonSchema for Sku {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "sku <a/b>".into()
    }

    fn json_schema(_: &mut apostate::schemars::SchemaGenerator) -> apostate::schemars::Schema {
        apostate::schemars::json_schema!({ "type": "string", "minLength": 1 })
    }
}

#[data]
pub(super) struct Line {
    sku: Sku,
    units: u32,
    note: Option<String>,
}

#[data]
pub(super) enum Level {
    None,
    Some { units: u64, lines: Vec<Line> },
}

/// What the warehouse has of one product.
#[entity(name = "stock")]
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Stock {
    /// Units on the shelf.
    on_hand: i64,
    lines: BTreeMap<String, Line>,
}

#[handlers]
impl Stock {
    /// Takes in delivered units
    /// and answers with the new level.
    ///
    /// Twice is twice as many.
    #[open]
    pub fn receive(&mut self, units: u32, #[serde(default)] note: String) -> i64 {
        let _ = note;
        self.on_hand += i64::from(units);
        self.on_hand
    }

    #[open(name = "take-away")]
    pub fn take(&mut self, line: Line) -> Result<Option<Level>, Refusal> {
        refuse!(line.units == 0, status = 422, "nothing to take");
        Ok(None)
    }

    #[open]
    pub fn forget(&mut self, tx: &mut Tx) {
        tx.delete();
    }

    /// The level, as far as it is known.
    #[open]
    pub fn level(&self, sku: Sku, deep: bool, at_least: Option<u8>, like: Option<Line>) -> Result<Level, Refusal> {
        let _ = (sku, deep, at_least, like);
        Ok(Level::None)
    }

    pub fn inner(&mut self) {}
}

fn document(needs_token: bool) -> Value {
    let registry = <(Stock,)>::registry().expect("one kind");
    let about = About { title: "a store", version: "1.2.3", description: "Sells *things*.", needs_token };
    openapi(&registry, ROUTES, &about)
}

/// Shows every reference in `value`.
fn references(value: &Value, show: &mut impl FnMut(&str)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, show)),
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                show(target);
            }
            fields.values().for_each(|field| references(field, show));
        }
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document(true);
    let mut count = 0;
    references(&document, &mut |target| {
        let pointer = target.strip_prefix('#').expect("a reference within the document");
        assert!(document.pointer(pointer).is_some(), "{target} leads nowhere");
        count += 1;
    });
    assert!(count > 50, "{count} references");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for name in ["Line", "Level", "sku__a_b_", "apostate.Problem"] {
        assert!(schemas.contains_key(name), "{name} in {:?}", schemas.keys());
    }
}

#[test]
fn open_handlers_have_paths_and_others_have_none() {
    let document = document(false);
    let paths = document["paths"].as_object().expect("paths");
    let of_stock: Vec<_> = paths.keys().filter(|path| path.starts_with("/entities/")).map(String::as_str).collect();
    assert_eq!(
        of_stock,
        [
            "/entities/stock",
            "/entities/stock/{key}",
            "/entities/stock/{key}/activities",
            "/entities/stock/{key}/forget",
            "/entities/stock/{key}/level",
            "/entities/stock/{key}/receive",
            "/entities/stock/{key}/take-away",
        ]
    );
    for path in [
        "/",
        "/errors/{code}",
        "/health",
        "/messages",
        "/metrics",
        "/openapi.json",
        "/parked",
        "/parked/{id}/retry",
        "/partitions",
        "/ready",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    let mut names: Vec<_> = paths.values().flat_map(|path| path.as_object().expect("operations").values()).collect();
    names.sort_by_key(|operation| operation["operationId"].as_str().map(str::to_owned));
    let has = |name: &Value| names.iter().any(|operation| operation["operationId"] == *name);
    for (path, link) in [("/entities/stock", "state"), ("/parked", "show"), ("/parked", "retry")] {
        let link = &paths[path]["get"]["responses"]["200"]["links"][link];
        assert!(has(&link["operationId"]), "{link} leads nowhere");
    }
    let count = names.len();
    names.dedup_by_key(|operation| operation["operationId"].as_str().map(str::to_owned));
    assert_eq!(names.len(), count, "an operation has its name to itself");
}

#[test]
fn a_call_is_described_as_its_author_wrote_it() {
    let document = document(false);
    let receive = &document["paths"]["/entities/stock/{key}/receive"]["post"];
    assert_eq!(receive["operationId"], "stock.receive");
    assert_eq!(receive["summary"], "Takes in delivered units and answers with the new level.");
    assert!(receive["description"].as_str().is_some_and(|text| text.ends_with("Twice is twice as many.")));
    let body = &receive["requestBody"];
    let units = json!({ "type": "integer", "format": "uint32", "minimum": 0, "maximum": u32::MAX });
    let expected = json!({ "type": "object", "properties": { "units": units, "note": { "type": "string" } }, "required": ["units"] });
    assert_eq!((&body["required"], &body["content"]["application/json"]["schema"]), (&json!(true), &expected));
    let reply = json!({ "type": "integer", "format": "int64", "minimum": i64::MIN, "maximum": i64::MAX });
    assert_eq!(receive["responses"]["200"]["content"]["application/json"]["schema"], reply);
    assert!(receive["responses"].get("default").is_none(), "it cannot refuse");
    let take = &document["paths"]["/entities/stock/{key}/take-away"]["post"];
    assert_eq!(take["responses"]["default"]["$ref"], "#/components/responses/Refusal");
    assert_eq!(document["paths"]["/entities/stock/{key}/forget"]["post"]["requestBody"]["required"], false);
}

#[test]
fn a_read_takes_its_arguments_from_the_query() {
    let document = document(false);
    let level = &document["paths"]["/entities/stock/{key}/level"]["get"];
    assert!(level.get("requestBody").is_none());
    let parameter = |name: &str| {
        let parameters = level["parameters"].as_array().expect("parameters");
        parameters.iter().find(|parameter| parameter["name"] == name).expect("a parameter").clone()
    };
    assert_eq!(
        parameter("deep"),
        json!({ "name": "deep", "in": "query", "required": true, "schema": { "type": "boolean" } })
    );
    assert_eq!(parameter("sku")["schema"]["$ref"], "#/components/schemas/sku__a_b_");
    let at_least = json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 });
    assert_eq!((&parameter("at_least")["required"], &parameter("at_least")["schema"]), (&json!(false), &at_least));
    assert!(parameter("like").get("content").is_some(), "an object stands in a query as JSON");
}

/// What generators of clients stumble on, wherever it stands.
#[test]
fn generators_of_clients_take_it() {
    fn check(path: &str, value: &Value) {
        if let Some(content) = value.get("content").and_then(Value::as_object) {
            assert_eq!(content.len(), 1, "several media types at {path}");
        }
        if let Some(responses) = value.get("responses").and_then(Value::as_object) {
            assert!(responses.keys().all(|status| !status.ends_with('X')), "a range of statuses at {path}");
        }
        for name in ["schema", "items"] {
            assert!(!value.get(name).is_some_and(Value::is_boolean), "a boolean schema at {path}/{name}");
        }
        assert_ne!(value.get("schema").and_then(|schema| schema.get("type")), Some(&json!("null")), "{path}");
        let fields = value.as_object().into_iter().flatten().map(|(name, field)| (name.clone(), field));
        let items = value.as_array().into_iter().flatten().enumerate().map(|(at, item)| (at.to_string(), item));
        for (name, field) in fields.chain(items) {
            let is_schema = matches!(path.rsplit('/').next(), Some("properties" | "schemas"));
            assert!(!(is_schema && field.is_boolean()), "a boolean schema at {path}/{name}");
            check(&format!("{path}/{name}"), field);
        }
    }
    check("", &document(true));
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let (open, closed) = (document(false), document(true));
    assert!(open.get("security").is_none() && open["components"].get("securitySchemes").is_none());
    assert_eq!(closed["security"], json!([{ "token": [] }]));
    for (path, needs_token) in
        [("/parked", true), ("/entities/stock", true), ("/health", false), ("/errors/{code}", false)]
    {
        let operation = &closed["paths"][path]["get"];
        assert_eq!(operation["responses"].get("401").is_some(), needs_token, "{path}");
        assert_eq!(operation.get("security").is_none(), needs_token, "{path}");
    }
}

/// Codes that no path answers with: those of methods and names that the document does not have, those that end a
/// stream, and the one that is said without TLS.
const NOWHERE: [ErrorCode; 11] = [
    ErrorCode::BadLine,
    ErrorCode::ChangesIsPost,
    ErrorCode::HandlerNotOpen,
    ErrorCode::LineTooLong,
    ErrorCode::ReadIsGet,
    ErrorCode::MethodNotAllowed,
    ErrorCode::NumbersNotAscending,
    ErrorCode::ProducerForgotten,
    ErrorCode::StreamBroken,
    ErrorCode::TentativeIsProposed,
    ErrorCode::TlsRequired,
];

#[test]
fn every_code_is_among_the_answers_of_some_path() {
    let documents = format!("{} {}", document(false), document(true));
    for code in ErrorCode::ALL {
        let is_described = documents.contains(&format!("[`{code}`](/errors/{code})"));
        assert_ne!(is_described, NOWHERE.contains(code), "{code}");
    }
}

/// What a wire type writes is what its schema says, no more and no less.
#[test]
fn the_wire_is_as_described() {
    use apostate_api::{
        AskItem, BulkEnding, BulkMessage, BulkResult, EntityName, Health, LegItem, NodeStatus, OperationItem, OwedItem,
        ParkedItem, PartitionItem, Problem, TimerItem,
    };

    let text = || "text".to_owned();
    let all = Some(text());
    let problem = Problem {
        instance: all.clone(),
        retry_after: Some(1),
        resume_from: Some(1),
        ..Problem::refused(409, "code", "text")
    };
    let message =
        BulkMessage { number: 1, entity: EntityName::Text(text()), handler: text(), arguments: Some(json!({})) };
    let result = BulkResult {
        reply: Some(json!(1)),
        code: all.clone(),
        text: all.clone(),
        detail: all.clone(),
        ..BulkResult::plain(1, BulkEnding::Done)
    };
    let parked = ParkedItem {
        id: text(),
        kind: text(),
        key: text(),
        handler: text(),
        from: all.clone(),
        trace_id: all.clone(),
        number: 1,
        reason: text(),
        since: 1,
        arguments: Some(json!({})),
    };
    let partition = PartitionItem {
        id: 0,
        first: text(),
        last: text(),
        stopped: all,
        is_silent: false,
        is_serving: true,
        is_full: false,
        is_quiet: true,
        epoch: 1,
        durable: 1,
        time_offset: 1,
        entities: 1,
        entity_bytes: 1,
        dirty_bytes: 1,
        inbox: 1,
        outbox: 1,
        parked: 1,
        producers: 1,
        timers: 1,
        timers_overdue: 1,
        oldest_overdue: 1,
        owed: 1,
        undecided: 1,
        tentative: 1,
        settled: 1,
        requests: 1,
    };
    let status = NodeStatus {
        version: text(),
        partitions: vec![partition],
        log_bytes: 1,
        is_store_full: false,
        missing_kinds: vec![text()],
    };
    let document = document(true);
    let schemas = &document["components"]["schemas"];
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    let check = |name: &str, value: Value| {
        assert_eq!(keys(&value), keys(&schemas[&format!("apostate.{name}")]["properties"]), "{name}");
    };
    check("PartitionItem", serde_json::to_value(&status.partitions[0]).expect("JSON"));
    check("NodeStatus", serde_json::to_value(&status).expect("JSON"));
    check("Problem", serde_json::to_value(problem).expect("JSON"));
    check("BulkMessage", serde_json::to_value(message).expect("JSON"));
    check("BulkResult", serde_json::to_value(result).expect("JSON"));
    check("ParkedItem", serde_json::to_value(parked).expect("JSON"));
    let ask = AskItem { number: 1, then: text(), deadline: 1 };
    check("AskItem", serde_json::to_value(ask).expect("JSON"));
    let leg = LegItem { agreement: 1, leg: 1, handler: text(), deadline: Some(1), has_accepted: Some(true) };
    check("LegItem", serde_json::to_value(leg).expect("JSON"));
    let operation = OperationItem { number: 1, handler: text(), since: 1, deadline: Some(1) };
    check("OperationItem", serde_json::to_value(operation).expect("JSON"));
    let owed = OwedItem { number: 1, ask: 1, deadline: Some(1) };
    check("OwedItem", serde_json::to_value(owed).expect("JSON"));
    let timer = TimerItem { id: Some(1), name: Some(text()), due: 1, handler: Some(text()) };
    check("TimerItem", serde_json::to_value(timer).expect("JSON"));
    check("Health", serde_json::to_value(Health { status: text(), warnings: vec![text()] }).expect("JSON"));
    // What need not be there is what is left out when there is nothing to say.
    let least = serde_json::to_value(Problem::new(ErrorCode::Busy, "text")).expect("JSON");
    let mut required: Vec<_> = schemas["apostate.Problem"]["required"].as_array().expect("names").clone();
    required.sort_by_key(|name| name.as_str().map(str::to_owned));
    assert_eq!(keys(&least), required);
    let wire = schemas.as_object().expect("schemas").iter().filter(|(name, _)| name.starts_with("apostate."));
    for (name, schema) in wire {
        let text = schema.to_string();
        assert!(!text.contains("null") && !text.contains("[`"), "{name} has a null or a link of rustdoc: {text}");
    }
}
