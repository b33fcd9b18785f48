//! Entities: show, list, call.

use apostate_api::client::{EntityKey, new_key};
use apostate_api::{ErrorCode, Problem};
use serde_json::{Map, Value, json};

use crate::arguments::Entity;
use crate::failure::{Change, Failure};
use crate::node::Node;
use crate::output::{Output, rows};

pub(crate) fn run(node: &Node, output: Output, verb: Entity) -> Result<(), Failure> {
    match verb {
        Entity::Show { entity } => show(node, output, &entity),
        Entity::List { kind, limit } => list(node, output, &kind, limit.unwrap_or(usize::MAX)),
        Entity::Call { entity, handler, arguments, object, key } => {
            let arguments = object.map_or_else(|| named(&arguments), |object| whole(&object))?;
            call(node, output, &entity, &handler, &arguments, key.unwrap_or_else(new_key))
        }
    }
}

fn show(node: &Node, output: Output, entity: &str) -> Result<(), Failure> {
    let (kind, key) = name_of(entity)?;
    let state = node.ask(node.client.state_json(kind, &key))?;
    let state = state.ok_or_else(|| {
        let detail = format!("there is no {entity}; it exists from the first call that changes it");
        Failure::Problem(Box::new(Problem::new(ErrorCode::EntityMissing, detail)))
    })?;
    output.one(&state, || {
        let mut rows =
            rows([("entity", format!("{}/{}", state.kind, state.key)), ("version", state.version.to_string())]);
        match &state.state {
            Value::Object(fields) => rows.extend(fields.iter().map(|(name, value)| (name.clone(), short(value)))),
            other => rows.push(("state".to_owned(), short(other))),
        }
        rows
    })
}

fn list(node: &Node, output: Output, kind: &str, limit: usize) -> Result<(), Failure> {
    // As values, whose fields are in the order of the alphabet.
    let items = node.list(kind)?.take(limit).map(|item| item.map(|item| json!(item)));
    output.many(&["KEY", "VERSION", "STATE"], items, |item| {
        let field = |name: &str| short(&item[name]);
        vec![field("key"), field("version"), field("state")]
    })
}

/// Calls, or looks if that is all that the handler does.
fn call(
    node: &Node,
    output: Output,
    entity: &str,
    handler: &str,
    arguments: &Value,
    once: String,
) -> Result<(), Failure> {
    let (kind, key) = name_of(entity)?;
    let change = Change::Call { key: once.clone() };
    match node.change(change, node.client.call_json_once(&once, kind, &key, handler, arguments)) {
        Err(Failure::Problem(problem)) if problem.error_code() == Some(ErrorCode::ReadIsGet) => {
            output.value(&node.ask(node.client.read_json(kind, &key, handler, arguments))?)
        }
        called => output.value(&called?).map_err(|failure| failure.of_reply(once)),
    }
}

/// The two parts of `kind/key`, whatever is in the key.
fn name_of(entity: &str) -> Result<(&str, EntityKey), Failure> {
    let no_name = |source| Failure::EntityName { name: entity.to_owned(), source };
    let (kind, key) = entity.split_once('/').ok_or_else(|| no_name(None))?;
    Ok((kind, EntityKey::new(key).map_err(|error| no_name(Some(error)))?))
}

/// `units=5 order=a-1` as an object.
fn named(arguments: &[String]) -> Result<Value, Failure> {
    let mut object = Map::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or_else(|| Failure::Argument(argument.clone()))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if object.insert(name.to_owned(), value).is_some() {
            return Err(Failure::ArgumentTwice(name.to_owned()));
        }
    }
    Ok(Value::Object(object))
}

fn whole(object: &str) -> Result<Value, Failure> {
    serde_json::from_str(object).ok().filter(Value::is_object).ok_or_else(|| Failure::Argument(object.to_owned()))
}

/// A value in a table: a text without its quotes.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_json_if_it_reads_as_json() {
        let said = ["units=5", "order=a-1", "tags=[1,2]", "text=a=b"].map(str::to_owned);
        let expected = json!({"units": 5, "order": "a-1", "tags": [1, 2], "text": "a=b"});
        assert_eq!(named(&said).expect("arguments"), expected);
        assert!(named(&["units".to_owned()]).is_err());
        assert!(named(&["units=5", "units=5"].map(str::to_owned)).is_err());
        assert!(whole("[1]").is_err());
    }

    #[test]
    fn a_key_may_have_a_slash() {
        let (kind, key) = name_of("stock/a/b").expect("a name");
        assert_eq!((kind, key.as_str()), ("stock", "a/b"));
        assert!(name_of("stock").is_err() && name_of("stock/").is_err());
    }
}
