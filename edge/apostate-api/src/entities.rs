//! Entities as they are read from outside.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{ErrorCode, JsonText, Problem};

/// One entity: what `GET /entities/{kind}/{key}` answers with. What is seen is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityState<S = JsonText> {
    /// Its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
    /// How often it was changed. It never goes back.
    pub version: u64,
    /// Its state.
    pub state: S,
}

/// One entity of a list of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityItem<S = JsonText> {
    /// Its key.
    pub key: String,
    /// How often it was changed, as of `state`.
    pub version: u64,
    /// Its state; or why there is none to see, while the list goes on behind it.
    pub state: Result<S, Box<Problem>>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Given as `after`, it asks for the next page. None: the list ends here.
    pub next: Option<String>,
}

/// An item as it is written: with its state, or with the problem that there is in its place.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct Written<S> {
    key: String,
    version: u64,
    // A state may be `null`: it is there if its name is.
    #[serde(default = "none", deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    state: Option<S>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    problem: Option<Box<Problem>>,
}

fn none<S>() -> Option<S> {
    None
}

fn there<'de, S: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<S>, D::Error> {
    S::deserialize(deserializer).map(Some)
}

impl<S: Serialize> Serialize for EntityItem<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let Self { key, version, state } = self;
        let (state, problem) = match state {
            Ok(state) => (Some(state), None),
            Err(problem) => (None, Some(problem.clone())),
        };
        Written { key: key.clone(), version: *version, state, problem }.serialize(serializer)
    }
}

impl<'de, S: Deserialize<'de>> Deserialize<'de> for EntityItem<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { key, version, state, problem } = Written::deserialize(deserializer)?;
        let state = match (state, problem) {
            (_, Some(problem)) => Err(problem),
            (Some(state), None) => Ok(state),
            (None, None) => return Err(serde::de::Error::missing_field("state")),
        };
        Ok(Self { key, version, state })
    }
}

impl EntityItem {
    /// The same with its state in the reader's own type. One that is none of that type is a problem of this entity alone.
    #[must_use]
    pub fn typed<S: DeserializeOwned>(self) -> EntityItem<S> {
        let Self { key, version, state } = self;
        let state = state.and_then(|state| {
            state.read().map_err(|error| {
                let detail = format!("the state of `{key}` is not what this program takes it for: {error}");
                Box::new(Problem::new(ErrorCode::UnreadableState, detail))
            })
        });
        EntityItem { key, version, state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_a_state_or_the_problem_in_its_place() {
        let item = r#"{"key":"a\"b","version":1,"state":null}"#;
        let read: EntityItem = serde_json::from_str(item).expect("an item");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), item);
        assert_eq!(read.typed::<Option<u8>>().state, Ok(None));
        let problem = Box::new(Problem::new(ErrorCode::UnreadableState, "NaN is no number in JSON"));
        let unreadable = EntityItem::<u8> { key: "b".to_owned(), version: 2, state: Err(problem) };
        let text = serde_json::to_string(&unreadable).expect("JSON");
        assert_eq!(serde_json::from_str::<EntityItem<u8>>(&text).expect("an item"), unreadable);
        assert!(serde_json::from_str::<EntityItem>(r#"{"key":"a","version":1}"#).is_err());
    }

    #[test]
    fn a_state_of_another_type_is_a_problem_of_its_entity() {
        let item: EntityItem = serde_json::from_str(r#"{"key":"a","version":1,"state":[1.5]}"#).expect("an item");
        let problem = item.typed::<Vec<u8>>().state.expect_err("not whole");
        assert_eq!(problem.error_code(), Some(ErrorCode::UnreadableState));
        assert!(problem.detail.contains("`a`"), "{}", problem.detail);
    }
}
