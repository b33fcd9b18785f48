//! The lines of `POST /messages`: a numbered message a line in, a result a line out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::JsonText;
use crate::wire_schema::{absent_not_null, one_of_words};

/// The media type of lines of JSON.
pub const NDJSON_TYPE: &str = "application/x-ndjson";

/// Highest number of a message. The one above it is a number still, so that a stream can say where it goes on.
pub const NUMBER_MAX: u64 = 1 << 63;

/// One message of a producer. An unknown field is refused: whoever misspells one would believe that it counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "apostate.BulkMessage", bound = "A: JsonSchema", transform = absent_not_null)]
pub struct BulkMessage<A = JsonText> {
    /// The message's number, from 1 to 2^63. A producer's numbers ascend. They may only repeat what was sent before, the same
    /// message under the same number: a number that was once passed over is lost for ever, its message is a duplicate.
    #[schemars(range(min = 1, max = NUMBER_MAX))]
    pub number: u64,
    /// The entity that it is for.
    pub entity: EntityName,
    /// The handler that it is for.
    pub handler: String,
    /// The handler's arguments, by name. None is the same as `{}`.
    #[schemars(with = "Map<String, Value>")]
    #[serde(default = "none::<A>", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<A>,
}

fn none<A>() -> Option<A> {
    None
}

/// An entity's name: kind and key as one text, cut at the first `/`, or apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "apostate.EntityName")]
pub enum EntityName {
    /// `"stock/tea"`. No kind has a `/` in its name, and the key is not percent-encoded here.
    Text(String),
    /// `{"kind": "stock", "key": "tea"}`.
    Parts {
        /// The kind.
        kind: String,
        /// The key.
        key: String,
    },
}

impl EntityName {
    /// Kind and key; none if there is no `/` between them.
    #[must_use]
    pub fn parts(&self) -> Option<(&str, &str)> {
        match self {
            Self::Text(text) => text.split_once('/'),
            Self::Parts { kind, key } => Some((kind, key)),
        }
    }
}

impl fmt::Display for EntityName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Parts { kind, key } => write!(f, "{kind}/{key}"),
        }
    }
}

/// The result of one message. The line is written when that is durable.
///
/// A line that is no result is a problem, and the last one: its `resume_from` says from which number the producer sends again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.BulkResult", bound = "R: JsonSchema + Serialize", transform = absent_not_null)]
pub struct BulkResult<R = JsonText> {
    /// The message's number.
    #[schemars(range(min = 1, max = NUMBER_MAX))]
    pub number: u64,
    /// The kind of result.
    pub result: BulkEnding,
    /// The reply, if it is done. None for a handler that replies with nothing.
    #[serde(default = "none::<R>", skip_serializing_if = "Option::is_none")]
    pub reply: Option<R>,
    /// The author's code of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The author's text of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why the reply of a message that is done is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The kind of result of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "apostate.BulkEnding", transform = one_of_words)]
pub enum BulkEnding {
    /// It is durable, and will be applied, or parked if it cannot be.
    Accepted,
    /// It was applied.
    Done,
    /// This number was taken before: its message was done, refused or accepted then. Nothing is done now.
    ///
    /// A message that cannot be taken ends its stream, and nothing behind it was sent: so no number is passed over unless its
    /// producer leaves it out. One that was left out and is sent later is an error of its producer, and a duplicate wherever a
    /// higher number was taken: only the highest number is remembered, in each partition by itself.
    Duplicate,
    /// The entity said no. Its number is used up.
    Refused,
}

/// The numbers of messages of a producer's stream so far, by their results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProducerSummary {
    /// Durable, and will be applied.
    pub accepted: u64,
    /// Applied.
    pub done: u64,
    /// Applied or refused before; or sent again by the same stream, after its connection broke.
    pub duplicates: u64,
    /// Refused by the entity.
    pub refused: u64,
}

impl<R> BulkResult<R> {
    /// Message `number` ended so, with nothing more to say.
    #[must_use]
    pub fn plain(number: u64, result: BulkEnding) -> Self {
        Self { number, result, reply: None, code: None, text: None, detail: None }
    }
}

impl ProducerSummary {
    /// Counts one message that ended so.
    pub fn count(&mut self, ending: BulkEnding) {
        let Self { accepted, done, duplicates, refused } = self;
        *match ending {
            BulkEnding::Accepted => accepted,
            BulkEnding::Done => done,
            BulkEnding::Duplicate => duplicates,
            BulkEnding::Refused => refused,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_in_either_form() {
        let lines = [
            r#"{"number":1,"entity":"stock/a/b","handler":"receive","arguments":{"units":5}}"#,
            r#"{"number":1,"entity":{"kind":"stock","key":"a/b"},"handler":"receive","arguments":{"units":5}}"#,
        ];
        for line in lines {
            let message: BulkMessage = serde_json::from_str(line).expect("a line");
            assert_eq!(message.entity.parts(), Some(("stock", "a/b")));
            assert_eq!(message.entity.to_string(), "stock/a/b");
            assert_eq!(serde_json::to_string(&message).expect("a line"), line);
        }
        let without = r#"{"number":2,"entity":"stock/tea","handler":"forget"}"#;
        assert_eq!(serde_json::from_str::<BulkMessage>(without).expect("a line").arguments, None);
        assert_eq!(EntityName::Text("stock".to_owned()).parts(), None);
    }

    #[test]
    fn a_result_says_what_there_is_to_say() {
        let done = BulkResult { reply: Some(5), ..BulkResult::plain(1, BulkEnding::Done) };
        assert_eq!(serde_json::to_string(&done).expect("a line"), r#"{"number":1,"result":"done","reply":5}"#);
        let refused = r#"{"number":2,"result":"refused","code":"out-of-stock","text":"only 3 left"}"#;
        let read: BulkResult = serde_json::from_str(refused).expect("a line");
        assert_eq!((read.result, read.code.as_deref()), (BulkEnding::Refused, Some("out-of-stock")));
        assert_eq!(serde_json::to_string(&read).expect("a line"), refused);
    }
}
