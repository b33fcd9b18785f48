//! Ids that a handler makes up, unique without asking anybody.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{EntityKey, KeyError, Timestamp, ToKey};

/// A unique id: a UUID of version 7, so ids sort roughly by the time they were made.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Id(uuid::Uuid);

impl Id {
    pub(crate) fn from_parts(now: Timestamp, random: [u64; 2]) -> Self {
        let [high, low] = random.map(u64::to_le_bytes);
        let mut random = [0; 10];
        random[..8].copy_from_slice(&high);
        random[8..].copy_from_slice(&low[..2]);
        Self(uuid::Builder::from_unix_timestamp_millis(now.0, &random).into_uuid())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        uuid::Uuid::from_str(text).map(Self).map_err(|error| format!("not an id: {error}"))
    }
}

impl From<Id> for String {
    fn from(id: Id) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for Id {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl ToKey for Id {
    fn to_key(self) -> Result<EntityKey, KeyError> {
        self.to_string().to_key()
    }
}
