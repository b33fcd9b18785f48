//! Entities as they are read from outside.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entity: what `GET /entities/{kind}/{key}` answers with. What is seen is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityState<S = Value> {
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityItem<S = Value> {
    /// Its key.
    pub key: String,
    /// How often it was changed, as of `state`.
    pub version: u64,
    /// Its state.
    pub state: S,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Given as `after`, it asks for the next page. None: the list ends here.
    pub next: Option<String>,
}
