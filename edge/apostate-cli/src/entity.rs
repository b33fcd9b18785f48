//! Entities: show, list, call.

use apostate_api::{EntityState, ErrorCode};
use serde_json::{Map, Value};

use crate::arguments::Entity;
use crate::failure::Failure;
use crate::node::{Node, part};
use crate::output::{Output, rows};

pub(crate) fn run(node: &Node, output: Output, verb: Entity) -> Result<(), Failure> {
    match verb {
        Entity::Show { entity } => show(node, output, &entity),
        Entity::List { kind, limit } => list(node, output, &kind, limit.unwrap_or(usize::MAX)),
        Entity::Call { entity, handler, arguments, object, key } => {
            let arguments = object.map_or_else(|| named(&arguments), |object| whole(&object))?;
            let key = key.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
            call(node, output, &entity, &handler, &arguments, &key)
        }
    }
}

fn show(node: &Node, output: Output, entity: &str) -> Result<(), Failure> {
    let state: EntityState = node.get(&path_of(entity)?)?;
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
    let lines = node.lines(&format!("/entities/{}", part(kind)))?.take(limit);
    output.many(&["KEY", "VERSION", "STATE"], lines, |item| {
        let field = |name| item.get(name).map_or_else(String::new, short);
        vec![field("key"), field("version"), field("state")]
    })
}

/// Calls, or looks if that is all that the handler does.
fn call(node: &Node, output: Output, entity: &str, handler: &str, arguments: &Value, key: &str) -> Result<(), Failure> {
    let path = format!("{}/{}", path_of(entity)?, part(handler));
    let reply: Value = match node.post(&path, key, arguments) {
        Err(Failure::Problem(problem)) if problem.error_code() == Some(ErrorCode::LookIsGet) => {
            node.get(&format!("{path}?arguments={}", part(&arguments.to_string())))?
        }
        Err(failure) => return Err(failure.with_key(key)),
        Ok(reply) => reply,
    };
    output.value(&reply)
}

/// The path of `kind/key`, whatever is in the key.
fn path_of(entity: &str) -> Result<String, Failure> {
    let (kind, key) = entity.split_once('/').ok_or_else(|| Failure::EntityName(entity.to_owned()))?;
    Ok(format!("/entities/{}/{}", part(kind), part(key)))
}

/// `units=5 order=a-1` as an object.
fn named(arguments: &[String]) -> Result<Value, Failure> {
    let mut object = Map::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').ok_or_else(|| Failure::Argument(argument.clone()))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        object.insert(name.to_owned(), value);
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
    use serde_json::json;

    #[test]
    fn an_argument_is_json_if_it_reads_as_json() {
        let said = ["units=5", "order=a-1", "tags=[1,2]", "text=a=b"].map(str::to_owned);
        let expected = json!({"units": 5, "order": "a-1", "tags": [1, 2], "text": "a=b"});
        assert_eq!(named(&said).expect("arguments"), expected);
        assert!(named(&["units".to_owned()]).is_err());
        assert!(whole("[1]").is_err());
    }

    #[test]
    fn a_key_may_have_a_slash() {
        assert_eq!(path_of("stock/a/b").expect("a name"), "/entities/stock/a%2Fb");
        assert!(path_of("stock").is_err());
    }
}
