//! What is not over between entities, as operators see it: agreements at their proposers, and tentative operations at their partners.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JsonText;
use crate::problem::RefusalBody;
use crate::wire_schema::{absent_not_null, one_of_words};

/// An agreement that is not over, at one of its sides: an item of `GET /agreements`. What is seen is durable.
///
/// At its proposer it has `agreement`, `needed` and `legs`; at a partner, which holds something for it, `proposer`, `number`, `handler` and
/// `hold`. The two sides are read at different moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.AgreementItem", bound = "A: JsonSchema + Serialize", transform = absent_not_null)]
pub struct AgreementItem<A = JsonText> {
    /// The name in `/agreements/{id}`.
    pub id: String,
    /// The state.
    pub state: AgreementState,
    /// The kind of the entity that it stands at.
    pub kind: String,
    /// The key of that entity.
    pub key: String,
    /// The time at which it was proposed, or accepted, in milliseconds since 1970-01-01T00:00Z; none if an earlier build proposed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The time at which the agreement has expired, or the operation ends by itself, in milliseconds since 1970-01-01T00:00Z; none for one that lasts as
    /// long as the try that it is on behalf of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<u64>,
    /// Whether the deadline has passed, by the node's clock.
    #[serde(default)]
    pub is_past_deadline: bool,
    /// The id of the agreement, as its proposer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<u64>,
    /// How many of the partners have to accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u32>,
    /// Whether a partner may end by itself what it holds.
    #[serde(default)]
    pub may_lapse: bool,
    /// The partners, with what each has answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<AgreementLeg>,
    /// The entity that has proposed the agreement, as kind and key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposer: Option<String>,
    /// The number of the try. No other try of the proposer ever has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The tentative handler that has accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// What is held: the arguments of the try; none if JSON cannot say them, or this build has no such handler.
    #[serde(default = "none::<A>", skip_serializing_if = "Option::is_none")]
    pub hold: Option<A>,
    /// The name in `/parked/{id}` of the ending, if that is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked: Option<String>,
    /// How it was settled by hand, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<SettlementItem>,
}

/// An operation that was settled by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.SettlementItem", transform = absent_not_null)]
pub struct SettlementItem {
    /// How it was settled.
    pub ending: AgreementEnding,
    /// Whether the handler of that ending did not run.
    pub without_handler: bool,
    /// Why, in the operator's words.
    pub reason: String,
    /// The time at which its real ending came, which was another one, in milliseconds since 1970-01-01T00:00Z.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradicted: Option<u64>,
}

/// The ending of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "apostate.AgreementEnding", transform = one_of_words)]
pub enum AgreementEnding {
    /// What is held is used.
    Confirm,
    /// What is held is put back.
    Cancel,
}

/// A decision of an operator about an operation: the body of `POST /agreements/{id}/settle`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "apostate.SettleOrder")]
pub struct SettleOrder {
    /// How it ends.
    pub ending: AgreementEnding,
    /// Why: it is kept and logged. 1 to 4096 bytes.
    #[schemars(length(min = 1, max = 4096))]
    pub reason: String,
    /// Whether the handler of that ending does not run, because it cannot: set the entity right by a call of its own.
    #[serde(default)]
    pub without_handler: bool,
}

fn none<A>() -> Option<A> {
    None
}

/// The state of an agreement at one of its sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "apostate.AgreementState", transform = one_of_words)]
pub enum AgreementState {
    /// At its proposer: not decided.
    Undecided,
    /// At its proposer: agreed, and the try that it is on behalf of has not ended.
    Waiting,
    /// At a partner: held, neither confirmed nor cancelled.
    Tentative,
    /// At a partner: settled by hand, and its real ending has not come.
    Settled,
    /// At a partner: settled by hand, and its real ending was another one.
    SettledOtherwise,
}

/// A partner of an agreement, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.AgreementLeg", transform = absent_not_null)]
pub struct AgreementLeg {
    /// The number of the leg, from 0.
    pub leg: u32,
    /// The number of its try, which the partner's side has too.
    #[serde(default)]
    pub number: u64,
    /// The kind of the partner.
    pub kind: String,
    /// The key of the partner.
    pub key: String,
    /// The tentative handler that it was asked for.
    pub handler: String,
    /// Whether it has accepted; none if it has not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_accepted: Option<bool>,
    /// Why it has refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<RefusalBody>,
}

/// A choice of what `GET /agreements` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementFilter {
    /// Agreements at their proposers.
    Open,
    /// What is held at partners.
    Uncertain,
    /// Both, of which the deadline has passed.
    PastDeadline,
    /// What was held at partners and was settled by hand.
    Settled,
}

impl AgreementFilter {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Uncertain, Self::PastDeadline, Self::Settled];

    /// The word in a query.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Uncertain => "uncertain",
            Self::PastDeadline => "past-deadline",
            Self::Settled => "settled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_says_what_there_is_and_nothing_else() {
        let text = r#"{"id":"Cg","state":"undecided","kind":"order","key":"1","is_past_deadline":false,"agreement":7,"needed":1,"may_lapse":false,"legs":[{"leg":0,"number":8,"kind":"stock","key":"tea","handler":"reserve","has_accepted":false,"refusal":{"code":"refused","text":"none left"}}]}"#;
        let read: AgreementItem = serde_json::from_str(text).expect("an agreement");
        assert_eq!(
            (read.state, read.legs[0].has_accepted, &read.hold),
            (AgreementState::Undecided, Some(false), &None)
        );
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    }
}
