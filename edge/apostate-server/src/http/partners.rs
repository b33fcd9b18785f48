//! Partners of an entity: what it remembers about each, what it has asked and waits for, what is uncertain between the two,
//! what it will send. Page by page, or one alone.
//!
//! It is read from a checkpoint, which the partition of the entity makes for the first page, so all that was durable when the list was asked for
//! is there; later pages only read on. Each page is of one moment.

use std::sync::Arc;

use apostate_api::{AskItem, ErrorCode, LegItem, OperationItem, OwedItem, PartnerItem, Problem, TimerItem};
use apostate_core::{Address, EntityKey, HandlerId, Json, KindId, TimerId, TimerKey};
use apostate_log::StoreError;
use apostate_partition::{Partners, StoredOwed, StoredPartner, StoredTimer, Which, partners};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hyper::Response;
use hyper::http::request::Parts;
use serde_json::value::RawValue;

use crate::client::checkpoint::CheckpointRequest;
use crate::http::blocking::blocking;
use crate::http::call_options::CallOptions;
use crate::http::edge::{self, Edge};
use crate::http::fault::Fault;
use crate::http::json::guarded;
use crate::http::pages;
use crate::http::query::Query;
use crate::http::reply::{Reply, json};
use crate::names::kind_name;

/// `/entities/{kind}/{key}/activities`.
pub(crate) async fn list(
    edge: &Arc<Edge>,
    parts: &Parts,
    (kind, key): (&str, &str),
    query: &Query,
) -> Result<Response<Reply>, Fault> {
    let kind = edge.kind_index(kind)?;
    let entity = Address::new(edge.kinds[kind].id, edge::key(key)?);
    let deadline = CallOptions::deadline(&parts.headers)?;
    let only = query.get("partner").map(|name| partner_named(edge, name)).transpose()?;
    if only.is_some() {
        // One partner has no place in a list.
        query.check_known(&["partner"])?;
    }
    // No cursor, or an empty one: from the beginning.
    let after = query.get("after").filter(|cursor| !cursor.is_empty()).map(read_cursor).transpose()?;
    let limit = pages::limit(query)?;
    let permit = edge.operator()?;
    if after.is_none() {
        let place = edge.shared.place_of(&entity);
        pages::wait_for(edge, deadline, [CheckpointRequest::send(&edge.shared, place)]).await?;
    }
    let asked = Arc::clone(edge);
    let text = blocking(move || {
        let _permit = permit;
        let list = PartnerList { edge: &asked, kind, entity };
        match only {
            None => list.page(after, limit),
            Some(only) => list.one(&only),
        }
    })
    .await??;
    Ok(json(Reply::within(text, |bytes| edge.budget.take(bytes).ok_or_else(Fault::no_room))?))
}

/// The partners of one entity.
struct PartnerList<'a> {
    edge: &'a Edge,
    kind: usize,
    entity: Address,
}

impl PartnerList<'_> {
    fn page(&self, after: Option<Address>, limit: usize) -> Result<Vec<u8>, Fault> {
        let read_on = |after: Option<&Address>, bytes_max| self.read(Which::After(after), bytes_max);
        pages::page(after, limit, read_on, |stored| self.item(stored), |stored| stored.partner, cursor)
    }

    /// A page with one partner, or without any.
    fn one(&self, only: &Address) -> Result<Vec<u8>, Fault> {
        let items: Vec<_> = self.read(Which::Only(only), 1)?.iter().map(|stored| self.item(stored)).collect();
        Ok([b"{\"items\":[", &items.concat()[..], b"],\"next\":null}"].concat())
    }

    fn read(&self, which: Which<'_>, bytes_max: usize) -> Result<Vec<StoredPartner>, Fault> {
        let shared = &self.edge.shared;
        let partition = shared.place_of(&self.entity).partition;
        let name = || shared.name_of(&self.entity);
        let read = shared.with_store(|store| partners(store, partition, &self.entity, which, bytes_max))?;
        match read {
            Ok(Partners::Page(page)) => Ok(page),
            Ok(Partners::Missing) => {
                let detail = format!("there is no {}; it exists from the first call that changes it", name());
                Err(Fault::new(ErrorCode::EntityMissing, detail))
            }
            Ok(Partners::Busy) => Err(Fault::busy(format!("{} changes too fast to be listed; ask again", name()))),
            Err(error @ StoreError::Newer { .. }) => {
                Err(Fault::new(ErrorCode::NewerFormat, format!("the partners of {} cannot be read: {error}", name())))
            }
            Err(error) => {
                let detail = format!("the partners of {} cannot be read: {error}; check the disk", name());
                Err(Fault::new(ErrorCode::StoreUnreadable, detail))
            }
        }
    }

    /// One partner. An activity that cannot be shown hides nothing else.
    fn item(&self, stored: &StoredPartner) -> Vec<u8> {
        let StoredPartner { partner, activity, asks, legs, operations, owed, timers } = stored;
        let activity = activity.as_ref().map(|activity| self.shown(partner, activity)).transpose();
        let (activity, problem) = match activity {
            Ok(activity) => (activity, None),
            Err(problem) => (None, Some(problem)),
        };
        let asks = asks.iter().map(|(number, ask)| AskItem {
            number: *number,
            then: self.handler_name(self.entity.kind(), ask.then),
            deadline: ask.deadline.0,
        });
        let legs = legs.iter().map(|stored| LegItem {
            agreement: stored.agreement,
            leg: stored.leg,
            handler: self.handler_name(partner.kind(), stored.handler),
            deadline: stored.deadline.map(|deadline| deadline.0),
            has_accepted: stored.has_accepted,
        });
        let operations = operations.iter().map(|(number, operation)| OperationItem {
            number: *number,
            handler: self.handler_name(self.entity.kind(), operation.handler),
            since: operation.since.0,
            deadline: operation.deadline.map(|deadline| deadline.0),
        });
        let item = PartnerItem::<Box<RawValue>> {
            kind: kind_name(&self.edge.shared.registry, partner.kind()),
            key: partner.key().as_str().to_owned(),
            activity,
            problem,
            asks: asks.collect(),
            legs: legs.collect(),
            operations: operations.collect(),
            owed: owed.iter().map(owed_item).collect(),
            timers: timers.iter().map(|timer| self.timer(partner, timer)).collect(),
        };
        serde_json::to_vec(&item).expect("what we say is plain data")
    }

    /// An activity as JSON, by the description of its kind.
    fn shown(&self, partner: &Address, activity: &[u8]) -> Result<Box<RawValue>, Box<Problem>> {
        let problem = |why: &str| {
            let (entity, partner) = (self.edge.shared.name_of(&self.entity), self.edge.shared.name_of(partner));
            let detail = format!("what {entity} remembers about {partner} cannot be shown: {why}");
            Box::new(Problem::new(ErrorCode::UnreadableState, detail))
        };
        let Some(Json { show, .. }) = self.edge.kinds[self.kind].activity else {
            return Err(problem("this build has no description of it"));
        };
        let shown = guarded(|| show(activity)).map_err(|panicked| problem(&panicked.problem().detail))?;
        let text = shown.map_err(|error| problem(&error.to_string()))?;
        let text = String::from_utf8(text).map_err(|error| problem(&error.to_string()))?;
        RawValue::from_string(text).map_err(|error| problem(&error.to_string()))
    }

    fn timer(&self, partner: &Address, stored: &StoredTimer) -> TimerItem {
        let StoredTimer { key, due, handler } = stored;
        let (id, name) = match key {
            TimerKey::Numbered(TimerId(id)) => (Some(*id), None),
            TimerKey::Named(name) => (None, Some(name.to_string())),
        };
        let handler = handler.map(|handler| self.handler_name(partner.kind(), handler));
        TimerItem { id, name, due: due.0, handler }
    }

    /// The name of a handler; its id if this build does not have it.
    fn handler_name(&self, kind: KindId, id: HandlerId) -> String {
        let handlers = self.edge.kinds.iter().find(|row| row.id == kind).map(|row| &row.handlers);
        let found = handlers.and_then(|handlers| handlers.iter().find(|handler| handler.id == id));
        found.map_or_else(|| format!("{:08x}", id.0), |handler| handler.name.to_owned())
    }
}

fn owed_item(StoredOwed { number, ask, deadline }: &StoredOwed) -> OwedItem {
    OwedItem { number: *number, ask: *ask, deadline: deadline.map(|deadline| deadline.0) }
}

/// The entity that `name` names, as `stock/tea`.
fn partner_named(edge: &Edge, name: &str) -> Result<Address, Fault> {
    let no_name = |detail: &str| {
        Fault::new(ErrorCode::BadQuery, format!("`partner` is kind and key, as `stock/tea`, and not `{name}`{detail}"))
    };
    let (kind, key) = name.split_once('/').ok_or_else(|| no_name(""))?;
    let key = EntityKey::new(key).map_err(|error| no_name(&format!(": {error}")))?;
    Ok(Address::new(edge.kind(kind)?.id, key))
}

/// A place in the list: the partner's kind, then its key.
fn cursor(at: &Address) -> String {
    BASE64_URL_SAFE_NO_PAD.encode([&at.kind().0.to_be_bytes(), at.key().as_bytes()].concat())
}

fn read_cursor(cursor: &str) -> Result<Address, Fault> {
    let read = || {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (kind, key) = bytes.split_first_chunk()?;
        Some(Address::new(KindId(u32::from_be_bytes(*kind)), EntityKey::from_bytes(key).ok()?))
    };
    read().ok_or_else(|| {
        Fault::new(ErrorCode::BadCursor, "`after` is no place in this list; take it from `next` of the page before")
    })
}
