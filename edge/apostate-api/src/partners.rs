//! Partners of an entity: what it remembers about each, what it has asked and waits for, what is uncertain between the two, and what it will
//! send.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::wire_schema::absent_not_null;
use crate::{ErrorCode, JsonText, Problem};

/// One partner of an entity: an item of `GET /entities/{kind}/{key}/activities`. What is seen is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerItem<A = JsonText> {
    /// The partner's kind.
    pub kind: String,
    /// The partner's key.
    pub key: String,
    /// The activity: what the entity remembers about it; none if that is the default of its type.
    #[serde(default = "none::<A>", skip_serializing_if = "Option::is_none")]
    pub activity: Option<A>,
    /// The reason why the activity cannot be shown, in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Box<Problem>>,
    /// Asks of the entity that the partner has not answered yet; the oldest first.
    #[serde(default)]
    pub asks: Vec<AskItem>,
    /// Legs of agreements that the entity has proposed and that are not over; the oldest first.
    #[serde(default)]
    pub legs: Vec<LegItem>,
    /// Operations that the entity holds for the partner, neither confirmed nor cancelled; the oldest first.
    #[serde(default)]
    pub operations: Vec<OperationItem>,
    /// Answers that the entity owes the partner, which has asked and waits; the oldest first.
    #[serde(default)]
    pub owed: Vec<OwedItem>,
    /// Timers of the entity whose messages go to the partner; the next one first.
    #[serde(default)]
    pub timers: Vec<TimerItem>,
}

fn none<A>() -> Option<A> {
    None
}

/// An open ask of an entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.AskItem")]
pub struct AskItem {
    /// The number of the ask. No other ask of the entity ever has it.
    pub number: u64,
    /// The entity's own handler that takes the answer.
    pub then: String,
    /// The time at which the ask has expired, in milliseconds since 1970-01-01T00:00Z.
    pub deadline: u64,
}

/// A leg of an agreement that is not over: the partner's part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.LegItem", transform = absent_not_null)]
pub struct LegItem {
    /// The id of the agreement, as its proposer knows it.
    pub agreement: u64,
    /// The number of the leg, from 0.
    pub leg: u32,
    /// The tentative handler that the partner was asked for.
    pub handler: String,
    /// The time at which the agreement has expired, in milliseconds since 1970-01-01T00:00Z; none for one that lasts as long as the try that it is on
    /// behalf of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// Whether the partner has accepted; none if it has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_accepted: Option<bool>,
}

/// An operation that is tentative: its entity holds something for the partner, which has proposed the agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.OperationItem", transform = absent_not_null)]
pub struct OperationItem {
    /// The number of the try. No other try of the partner ever has it.
    pub number: u64,
    /// The tentative handler that has accepted.
    pub handler: String,
    /// When it has accepted, in milliseconds since 1970-01-01T00:00Z.
    pub since: u64,
    /// The time at which the agreement has expired, or the operation ends by itself, in milliseconds since 1970-01-01T00:00Z; none if the entity was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
}

/// An answer that an entity owes another one: a call that it answers later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.OwedItem", transform = absent_not_null)]
pub struct OwedItem {
    /// The number of the answer: the version that the call gave the entity.
    pub number: u64,
    /// The number of the ask, at the partner.
    pub ask: u64,
    /// The time at which the answer has expired, in milliseconds since 1970-01-01T00:00Z; none if it has just passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
}

/// A timer of an entity: a message that it sends later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.TimerItem", transform = absent_not_null)]
pub struct TimerItem {
    /// The id of the timer, if it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The name that the entity has given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The time at which its message is due, in milliseconds since 1970-01-01T00:00Z.
    pub due: u64,
    /// The handler that the message is for; none once it is due and waits for the entity itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
}

impl PartnerItem {
    /// The same with its activity in the reader's own type. One that is none of that type is a problem of this partner alone.
    #[must_use]
    pub fn typed<A: DeserializeOwned>(self) -> PartnerItem<A> {
        let Self { kind, key, activity, problem, asks, legs, operations, owed, timers } = self;
        let (activity, problem) = match activity.map(|activity| activity.read()).transpose() {
            Ok(activity) => (activity, problem),
            Err(error) => {
                let detail =
                    format!("what is remembered about {kind}/{key} is not what this program takes it for: {error}");
                (None, Some(Box::new(Problem::new(ErrorCode::UnreadableState, detail))))
            }
        };
        PartnerItem { kind, key, activity, problem, asks, legs, operations, owed, timers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_says_what_there_is_and_nothing_else() {
        let item = r#"{"kind":"stock","key":"tea","activity":null,"asks":[{"number":7,"then":"on_taken","deadline":9}],"timers":[]}"#;
        let read: PartnerItem = serde_json::from_str(r#"{"kind":"stock","key":"tea"}"#).expect("a partner");
        assert_eq!((read.activity, read.problem, read.asks, read.timers), (None, None, vec![], vec![]));
        let read: PartnerItem<Option<u8>> = serde_json::from_str(item).expect("a partner");
        assert_eq!((read.activity, read.asks.len()), (None, 1), "nothing is remembered");
    }

    #[test]
    fn an_activity_of_another_type_is_a_problem_of_its_partner() {
        let item: PartnerItem =
            serde_json::from_str(r#"{"kind":"stock","key":"tea","activity":{"units":1.5}}"#).expect("a partner");
        let typed = item.typed::<Vec<u8>>();
        let problem = typed.problem.expect("no list");
        assert_eq!((typed.activity, problem.error_code()), (None, Some(ErrorCode::UnreadableState)));
        assert!(problem.detail.contains("stock/tea"), "{}", problem.detail);
    }
}
