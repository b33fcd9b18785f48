//! Agreements that are not over: listed and shown, at both of their sides.
//!
//! They are read from checkpoints, which every partition makes for the first page; a place in the list is the key of a cell, and means the same
//! after a restart and however the ring is cut.

use std::num::NonZeroU64;

use apostate_api::{
    AgreementEnding, AgreementFilter, AgreementItem, AgreementLeg, AgreementState, ErrorCode, RefusalBody,
    SettlementItem,
};
use apostate_core::{Address, HandlerId, KindId, Refusal, Timestamp, decode};
use apostate_partition::agreement::leg_number;
use apostate_partition::{
    AnsweredLeg, Side, StoredAgreement, StoredAnswer, StoredOperation, StoredSettlement, Unfinished, place_of,
    unfinished, unfinished_at,
};
use serde_json::value::RawValue;

use crate::CallError;
use crate::client::checkpoint::CheckpointRequest;
use crate::http::call_options::CallOptions;
use crate::http::edge::{Edge, HandlerRow};
use crate::http::fault::Fault;
use crate::http::json::guarded;
use crate::http::pages::{self, checkpoint_all};
use crate::http::query::Query;
use crate::http::route::{Answer, NodeRequest};
use crate::http::{ids, parked};
use crate::names::kind_name;

/// `GET /agreements`.
pub(crate) async fn list(NodeRequest { edge, parts, query, .. }: NodeRequest<'_>) -> Answer {
    let deadline = CallOptions::deadline(&parts.headers)?;
    let choice = Choice::read(edge, &query)?;
    // No cursor, or an empty one: from the beginning.
    let after = query.get("after").filter(|id| !id.is_empty()).map(|id| {
        let detail = "`after` is no place in this list; take it from `next` of the page before";
        read_id(id).map(|(key, _)| key).ok_or_else(|| Fault::new(ErrorCode::BadCursor, detail))
    });
    let (after, limit) = (after.transpose()?, pages::limit(&query)?);
    let permit = edge.operator()?;
    if after.is_none() {
        checkpoint_all(edge, deadline).await?;
    }
    parked::read(edge, permit, move |edge| {
        let list = AgreementList { edge, now: edge.shared.clock.now().wall };
        let read_on = |after: Option<&Vec<u8>>, bytes_max| list.read_on(&choice, after, bytes_max);
        pages::page(after, limit, read_on, |item| list.text_of(item), |item| item.key(), |key| ids::write(key))
    })
    .await
}

/// `GET /agreements/{id}`.
pub(crate) async fn show(NodeRequest { edge, parts, name: id, .. }: NodeRequest<'_>) -> Answer {
    let deadline = CallOptions::deadline(&parts.headers)?;
    let (key, entity) = read_id(&id).ok_or_else(|| missing(&id))?;
    let permit = edge.operator()?;
    let place = edge.shared.place_of(&entity);
    pages::wait_for(edge, deadline, [CheckpointRequest::send(&edge.shared, place)]).await?;
    parked::read(edge, permit, move |edge| {
        let read = edge.shared.with_store(|store| unfinished_at(store, &key))?.map_err(|error| unlisted(&error))?;
        let item = read.ok_or_else(|| missing(&id))?;
        Ok(AgreementList { edge, now: edge.shared.clock.now().wall }.text_of(&item))
    })
    .await
}

pub(crate) fn missing(id: &str) -> Fault {
    let detail = format!("no agreement `{id}`, and nothing is held under that name: it is over, or never was");
    Fault::new(ErrorCode::AgreementMissing, detail)
}

pub(crate) fn unlisted(error: &apostate_log::StoreError) -> CallError {
    CallError::unlisted("agreements", error)
}

/// The key of the cell that an id names, and its entity.
pub(crate) fn read_id(id: &str) -> Option<(Vec<u8>, Address)> {
    let key = ids::read(id)?;
    let (_, entity) = place_of(&key)?;
    Some((key, entity))
}

/// Which of them are listed.
struct Choice {
    sides: &'static [Side],
    is_past_deadline: bool,
    kind: Option<KindId>,
}

impl Choice {
    fn read(edge: &Edge, query: &Query) -> Result<Self, Fault> {
        let filter = query.get("state").map(filter_named).transpose()?;
        let sides: &[Side] = match filter {
            None => &[Side::Proposer, Side::Partner, Side::Settled],
            Some(AgreementFilter::PastDeadline) => &[Side::Proposer, Side::Partner],
            Some(AgreementFilter::Settled) => &[Side::Settled],
            Some(AgreementFilter::Open) => &[Side::Proposer],
            Some(AgreementFilter::Uncertain) => &[Side::Partner],
        };
        let kind = query.get("kind").map(|name| edge.kind(name)).transpose()?.map(|kind| kind.id);
        Ok(Self { sides, is_past_deadline: filter == Some(AgreementFilter::PastDeadline), kind })
    }
}

fn filter_named(name: &str) -> Result<AgreementFilter, Fault> {
    AgreementFilter::ALL.into_iter().find(|filter| filter.as_str() == name).ok_or_else(|| {
        let known = AgreementFilter::ALL.map(|filter| format!("`{}`", filter.as_str())).join(", ");
        Fault::new(ErrorCode::BadQuery, format!("`state` is one of {known}, not `{name}`"))
    })
}

/// The list, as of a moment by the node's clock.
struct AgreementList<'a> {
    edge: &'a Edge,
    now: Timestamp,
}

impl AgreementList<'_> {
    /// What is not over behind a place, about `bytes_max` in all; nothing at the end.
    fn read_on(&self, choice: &Choice, after: Option<&Vec<u8>>, bytes_max: usize) -> Result<Vec<Unfinished>, Fault> {
        let Choice { sides, is_past_deadline, kind } = choice;
        let shared = &self.edge.shared;
        let ranges: Vec<_> = shared.routes.table().places().iter().map(|place| place.range).collect();
        let reached = after.and_then(|after| place_of(after)).map(|(side, _)| side);
        for side in sides.iter().filter(|side| reached.is_none_or(|reached| reached <= **side)) {
            let mut after = after.filter(|_| reached == Some(*side)).cloned();
            loop {
                let read = shared
                    .with_store(|store| unfinished(store, *side, (&ranges, *kind), after.as_deref(), bytes_max))?;
                let mut items = read.map_err(|error| unlisted(&error))?;
                let Some(last) = items.last().map(Unfinished::key) else { break };
                items.retain(|item| !is_past_deadline || self.is_past(deadline_of(item)));
                if !items.is_empty() {
                    return Ok(items);
                }
                after = Some(last);
            }
        }
        Ok(Vec::new())
    }

    fn is_past(&self, deadline: Option<Timestamp>) -> bool {
        deadline.is_some_and(|deadline| deadline <= self.now)
    }

    fn text_of(&self, item: &Unfinished) -> Vec<u8> {
        let deadline = deadline_of(item);
        let (id, is_past_deadline) = (ids::write(&item.key()), self.is_past(deadline));
        let item = match item {
            Unfinished::Agreement(agreement) => self.agreement(agreement),
            Unfinished::Operation(operation) => self.operation(operation),
            Unfinished::Settlement(settlement) => self.settlement(settlement),
        };
        let deadline = deadline.map(|deadline| deadline.0);
        serde_json::to_vec(&AgreementItem { id, deadline, is_past_deadline, ..item })
            .expect("what we say is plain data")
    }

    fn agreement(&self, stored: &StoredAgreement) -> AgreementItem<Box<RawValue>> {
        let StoredAgreement { proposer, number, header, is_waiting, legs } = stored;
        let state = if *is_waiting { AgreementState::Waiting } else { AgreementState::Undecided };
        AgreementItem {
            since: header.since.map(|since| since.0),
            agreement: Some(header.id.get()),
            needed: Some(header.needed),
            may_lapse: header.lapsed.is_some(),
            legs: legs.iter().map(|leg| self.leg(*number, leg)).collect(),
            ..self.item(proposer, state)
        }
    }

    fn leg(&self, agreement: NonZeroU64, AnsweredLeg { number, leg, answer }: &AnsweredLeg) -> AgreementLeg {
        let refusal = match answer {
            Some(StoredAnswer::Refused(why)) => decode::<Refusal>(why).ok(),
            Some(StoredAnswer::Accepted) | None => None,
        };
        AgreementLeg {
            leg: *number,
            number: leg_number(agreement, *number).get(),
            kind: kind_name(&self.edge.shared.registry, leg.partner.kind()),
            key: leg.partner.key().as_str().to_owned(),
            handler: self.handler_name(leg.partner.kind(), leg.handler),
            has_accepted: answer.as_ref().map(|answer| *answer == StoredAnswer::Accepted),
            refusal: refusal.map(|Refusal { code, text, .. }| RefusalBody { code, text }),
        }
    }

    fn operation(&self, stored: &StoredOperation) -> AgreementItem<Box<RawValue>> {
        let StoredOperation { partner, proposer, number, operation, parked } = stored;
        // Arguments of another build may fit no more; the operation is listed all the same.
        let show = |handler: &HandlerRow| guarded(|| (handler.arguments.show)(&operation.hold)).ok()?.ok();
        let hold = self.handler(partner.kind(), operation.handler).and_then(show);
        AgreementItem {
            since: Some(operation.since.0),
            proposer: Some(self.edge.shared.name_of(proposer)),
            number: Some(number.get()),
            handler: Some(self.handler_name(partner.kind(), operation.handler)),
            hold: hold.and_then(|text| RawValue::from_string(String::from_utf8(text).ok()?).ok()),
            parked: parked.map(|ending| parked::id_of(partner, ending.number)),
            ..self.item(partner, AgreementState::Tentative)
        }
    }

    fn settlement(&self, stored: &StoredSettlement) -> AgreementItem<Box<RawValue>> {
        let StoredSettlement { partner, proposer, number, settlement, contradicted } = stored;
        let state = match contradicted {
            None => AgreementState::Settled,
            Some(_) => AgreementState::SettledOtherwise,
        };
        AgreementItem {
            since: Some(settlement.time.0),
            proposer: Some(self.edge.shared.name_of(proposer)),
            number: Some(number.get()),
            handler: Some(self.handler_name(partner.kind(), settlement.handler)),
            settlement: Some(SettlementItem {
                ending: if settlement.is_confirmed { AgreementEnding::Confirm } else { AgreementEnding::Cancel },
                without_handler: settlement.is_without_handler,
                reason: settlement.reason.clone(),
                contradicted: contradicted.map(|time| time.0),
            }),
            ..self.item(partner, state)
        }
    }

    /// What all of them have.
    fn item(&self, entity: &Address, state: AgreementState) -> AgreementItem<Box<RawValue>> {
        AgreementItem {
            id: String::new(),
            state,
            kind: kind_name(&self.edge.shared.registry, entity.kind()),
            key: entity.key().as_str().to_owned(),
            since: None,
            deadline: None,
            is_past_deadline: false,
            agreement: None,
            needed: None,
            may_lapse: false,
            legs: Vec::new(),
            proposer: None,
            number: None,
            handler: None,
            hold: None,
            parked: None,
            settlement: None,
        }
    }

    fn handler(&self, kind: KindId, id: HandlerId) -> Option<&HandlerRow> {
        let kind = self.edge.kinds.iter().find(|row| row.id == kind)?;
        kind.handlers.iter().find(|handler| handler.id == id)
    }

    /// The name of a handler; its id if this build does not have it.
    fn handler_name(&self, kind: KindId, id: HandlerId) -> String {
        self.handler(kind, id).map_or_else(|| format!("{:08x}", id.0), |handler| handler.name.to_owned())
    }
}

fn deadline_of(item: &Unfinished) -> Option<Timestamp> {
    match item {
        Unfinished::Agreement(agreement) => agreement.header.deadline,
        Unfinished::Operation(stored) => stored.operation.deadline,
        Unfinished::Settlement(_) => None,
    }
}
