//! Entities: show, list, call, and what one has to do with its partners.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use apostate_api::client::{EntityKey, new_key};
use apostate_api::{
    AskItem, EntityItem, ErrorCode, JsonText, LegItem, OperationItem, OwedItem, PartnerItem, Problem, TimerItem,
};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::arguments::Entity;
use crate::failure::{Change, Failure};
use crate::node::Node;
use crate::output::{Output, plain, rows, time};

pub(crate) fn run(node: &Node, output: Output, verb: Entity) -> Result<(), Failure> {
    match verb {
        Entity::Show { entity } => show(node, output, &entity),
        Entity::List { kind, limit } => list(node, output, &kind, limit.unwrap_or(usize::MAX)),
        Entity::Activities { entity, partner, limit } => {
            activities(node, output, &entity, partner.as_deref(), limit.unwrap_or(usize::MAX))
        }
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
        match state.state.read::<Fields>() {
            Ok(Fields(fields)) => rows.extend(fields.into_iter().map(|(name, value)| (name, short(&value)))),
            Err(_) => rows.push(("state".to_owned(), short(&state.state))),
        }
        rows
    })
}

fn list(node: &Node, output: Output, kind: &str, limit: usize) -> Result<(), Failure> {
    let unreadable = Cell::new(0);
    let items = node.list(kind)?.take(limit).inspect(|item| {
        unreadable.set(unreadable.get() + usize::from(item.as_ref().is_ok_and(|item| item.state.is_err())));
    });
    output.many(&["KEY", "VERSION", "STATE"], items, |EntityItem { key, version, state }| {
        let state = state.as_ref().map_or_else(|problem| format!("{} ({})", problem.detail, problem.code), short);
        vec![key.clone(), version.to_string(), state]
    })?;
    match unreadable.get() {
        0 => Ok(()),
        count => Err(Failure::UnreadableStates { count }),
    }
}

fn activities(node: &Node, output: Output, entity: &str, partner: Option<&str>, limit: usize) -> Result<(), Failure> {
    let (kind, key) = name_of(entity)?;
    let header = ["PARTNER", "ACTIVITY", "ASKS", "AGREEMENTS", "HOLDS", "OWES", "TIMERS"];
    match partner {
        None => output.many(&header, node.partners(kind, &key).take(limit), partner_row),
        Some(partner) => {
            let (partner_kind, partner_key) = name_of(partner)?;
            let item = node.ask(node.client.activity_json(kind, &key, (partner_kind, &partner_key)))?;
            output.many(&header, item.into_iter().map(Ok), partner_row)
        }
    }
}

fn partner_row(item: &PartnerItem) -> Vec<String> {
    let PartnerItem { kind, key, activity, problem, asks, legs, operations, owed, timers } = item;
    let activity = match (activity, problem) {
        (_, Some(problem)) => format!("{} ({})", problem.detail, problem.code),
        (Some(activity), None) => short(activity),
        (None, None) => String::new(),
    };
    let asks = asks.iter().map(|AskItem { number: _, then, deadline }| format!("{then} by {}", time(*deadline)));
    let by = |deadline: &Option<u64>| deadline.map_or_else(String::new, |deadline| format!(" by {}", time(deadline)));
    let legs = legs.iter().map(|LegItem { agreement, leg, handler, deadline, has_accepted }| {
        let answer = match has_accepted {
            None => "not answered",
            Some(true) => "accepted",
            Some(false) => "refused",
        };
        format!("{agreement}.{leg} {handler} {answer}{}", by(deadline))
    });
    let operations = operations.iter().map(|OperationItem { number, handler, since, deadline }| {
        format!("{number} {handler} since {}{}", time(*since), by(deadline))
    });
    let owed = owed.iter().map(|OwedItem { number, ask, deadline }| format!("{number} to ask {ask}{}", by(deadline)));
    let timers = timers.iter().map(|TimerItem { id, name, due, handler }| {
        let name = name.clone().or_else(|| id.map(|id| id.to_string())).unwrap_or_default();
        let handler = handler.as_ref().map_or_else(String::new, |handler| format!(" {handler}"));
        format!("{name}{handler} at {}", time(*due))
    });
    let list = |lines: &mut dyn Iterator<Item = String>| lines.collect::<Vec<_>>().join(", ");
    let (asks, owed, timers) = (list(&mut { asks }), list(&mut { owed }), list(&mut { timers }));
    vec![format!("{kind}/{key}"), activity, asks, list(&mut { legs }), list(&mut { operations }), owed, timers]
}

/// Calls, or looks if that is all that the handler does.
fn call(
    node: &Node,
    output: Output,
    entity: &str,
    handler: &str,
    arguments: &JsonText,
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

/// `units=5 order=a-1` as an object. What reads as JSON is sent as it is written, with every digit of a number.
fn named(arguments: &[String]) -> Result<JsonText, Failure> {
    let mut object = BTreeMap::new();
    for argument in arguments {
        let no_argument = || Failure::Argument(argument.clone());
        let (name, value) = argument.split_once('=').ok_or_else(no_argument)?;
        let value = JsonText::new(value).or_else(|_| JsonText::of(value)).map_err(|_| no_argument())?;
        if object.insert(name, value).is_some() {
            return Err(Failure::ArgumentTwice(name.to_owned()));
        }
    }
    JsonText::of(&object).map_err(|error| Failure::Argument(error.to_string()))
}

fn whole(object: &str) -> Result<JsonText, Failure> {
    let object = object.trim();
    JsonText::new(object)
        .ok()
        .filter(|json| json.as_str().starts_with('{'))
        .ok_or_else(|| Failure::Argument(object.to_owned()))
}

/// A value in a table: a text without its quotes.
fn short(value: &JsonText) -> String {
    plain(value, str::to_owned)
}

/// The fields of an object, in the order in which it has them.
struct Fields(Vec<(String, JsonText)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = entries.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_json_if_it_reads_as_json() {
        let said = ["units=5", "order=a-1", "tags=[1,2]", "text=a=b"].map(str::to_owned);
        let expected = r#"{"order":"a-1","tags":[1,2],"text":"a=b","units":5}"#;
        assert_eq!(named(&said).expect("arguments"), expected);
        let wide = ["n=18446744073709551617", "x=1.50"].map(str::to_owned);
        assert_eq!(named(&wide).expect("arguments"), r#"{"n":18446744073709551617,"x":1.50}"#);
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
