//! What operators see, and what programs that watch over the node see: partitions, health, meters, and the pages that explain it
//! all. These are asked for now and then, so the router finds them.

use std::cmp::Ordering;
use std::sync::Arc;
use std::sync::atomic;

use apostate_api::{ErrorCode, Health, NodeStatus, PartitionItem, paths};
use apostate_log::PartitionId;
use apostate_partition::Range;

use crate::executor::notice;
use crate::executor::route_table::Place;
use crate::http::blocking::blocking;
use crate::http::fault::Fault;
use crate::http::openapi::{About, openapi};
use crate::http::reply::{Reply, json, json_of, typed};
use crate::http::route::{Answer, NodeRequest, Route};
use crate::http::status::{STATUS_PATIENCE, no_room, silent, status};
use crate::{HttpSettings, PartitionStatus};

/// `/`: what this is, and what it answers at.
pub(crate) fn welcome(request: NodeRequest<'_>) -> Answer {
    let NodeRequest { edge, routes, .. } = request;
    let kinds = edge.kinds.iter().map(|kind| format!("  {}\n", paths::KIND.replace("{kind}", kind.name)));
    let longest = routes.iter().map(|route| route.path.len()).max().unwrap_or_default();
    let line = |Route { method, path, summary, .. }: &Route| {
        format!("  {:6} {path:longest$}  {}\n", method.as_str(), summary.replace("{kind}", "entity of a kind"))
    };
    let text = format!(
        "{} on apostate: entities that change atomically, and messages between them that are applied once.\n\n\
         Kinds:\n{}\nPaths:\n{}",
        edge.settings.title,
        kinds.collect::<String>(),
        routes.iter().map(line).collect::<String>(),
    );
    Ok(typed("text/plain; charset=utf-8", Reply::whole(text)))
}

/// `/openapi.json`.
pub(crate) async fn describe(NodeRequest { edge, routes, .. }: NodeRequest<'_>) -> Answer {
    let asked = Arc::clone(edge);
    let text = blocking(move || {
        let describe = || {
            let HttpSettings { title, version, description, token, .. } = &asked.settings;
            let about = About { title, version, description, needs_token: token.is_some() };
            let document = openapi(&asked.shared.registry, routes, &about);
            serde_json::to_vec(&document).expect("a document is plain data").into()
        };
        asked.openapi.get_or_init(describe).clone()
    })
    .await?;
    Ok(json(Reply::whole(text)))
}

/// `/errors/{code}`.
pub(crate) fn explain(NodeRequest { name: code, .. }: NodeRequest<'_>) -> Answer {
    let code: ErrorCode =
        code.parse().map_err(|_| Fault::new(ErrorCode::PathUnknown, format!("there is no error code `{code}`")))?;
    Ok(typed("text/markdown; charset=utf-8", Reply::whole(code.page())))
}

/// `/health`: the process answers.
pub(crate) fn health() -> Answer {
    Ok(json_of(&Health { status: "alive".to_owned(), warnings: Vec::new() }))
}

/// `/ready`: every partition serves, and nobody stops the node.
pub(crate) async fn ready(NodeRequest { edge, .. }: NodeRequest<'_>) -> Answer {
    let not_ready = |detail: String| Fault::new(ErrorCode::NotReady, detail);
    if edge.is_stopping() {
        return Err(not_ready("the node stops".to_owned()));
    }
    let status = tokio::time::timeout(STATUS_PATIENCE, status(edge)).await;
    let status = status
        .map_err(|_| not_ready(format!("the partitions did not say within {STATUS_PATIENCE:?} how they are")))??;
    let places = edge.shared.routes.table().places().len();
    if let Some(partition) = status.silent.first() {
        return Err(silent(*partition));
    }
    if let Some((partition, reason)) = status.stopped().next() {
        let detail = format!("partition {partition} has stopped: {reason}");
        return Err(Fault::new(ErrorCode::PartitionStopped, detail));
    }
    let is_full = |partition: &&PartitionStatus| partition.state.as_ref().is_ok_and(|status| status.is_full);
    if let Some(partition) = status.partitions.iter().find(is_full) {
        return Err(not_ready(no_room(partition.id)));
    }
    if !status.missing_kinds.is_empty() {
        let missing = status.missing_kinds.join(", ");
        let detail = format!(
            "the data was served with kinds that this build lacks: {missing}; start a build that has them, or take their lines out \
             of the file `kinds` of the data"
        );
        return Err(not_ready(detail));
    }
    if status.is_store_full {
        return Err(not_ready("a checkpoint waits for room; make room on the disk of the data".to_owned()));
    }
    let serving =
        status.partitions.iter().filter(|partition| partition.state.as_ref().is_ok_and(|status| status.is_serving));
    let serving = serving.count();
    if serving < places {
        return Err(not_ready(format!("{serving} of {places} partitions serve")));
    }
    let newer = status.partitions.iter().filter_map(newer_warning);
    let backlogs = status.partitions.iter().filter_map(backlog_warning);
    let warnings = status.partitions.iter().filter_map(time_warning).chain(newer).chain(backlogs).collect();
    Ok(json_of(&Health { status: "ready".to_owned(), warnings }))
}

/// The warning about a partition whose time is not that of the host's clock. It serves all the same.
fn time_warning(partition: &PartitionStatus) -> Option<String> {
    let offset = partition.state.as_ref().ok()?.time_offset;
    let what = match offset.side() {
        Ordering::Greater => notice::AHEAD,
        Ordering::Less => notice::BEHIND,
        Ordering::Equal => return None,
    };
    Some(format!("partition {} by {:?}: {what}", partition.id, offset.size()))
}

/// The warning about a partition that is sent what only a newer build reads. It serves all the same; those messages wait.
fn newer_warning(partition: &PartitionStatus) -> Option<String> {
    let peers = &partition.state.as_ref().ok()?.newer_peers;
    let names: Vec<_> = peers.iter().map(ToString::to_string).collect();
    let what = "messages of a newer build wait; start a build at least as new as the one that sends them";
    (!names.is_empty()).then(|| format!("partition {} from {}: {what}", partition.id, names.join(", ")))
}

/// The warning about a partition whose messages another one does not take. It serves all the same.
fn backlog_warning(partition: &PartitionStatus) -> Option<String> {
    let receivers = &partition.state.as_ref().ok()?.backlogs;
    let names: Vec<_> = receivers.iter().map(ToString::to_string).collect();
    let what = "messages to it pile up; see why it does not take them in /partitions";
    (!names.is_empty()).then(|| format!("partition {} to {}: {what}", partition.id, names.join(", ")))
}

/// `/partitions`.
pub(crate) async fn partitions(NodeRequest { edge, .. }: NodeRequest<'_>) -> Answer {
    let status = status(edge).await?;
    let mut items: Vec<_> = status.partitions.iter().map(partition_item).collect();
    let is_silent = |place: &&Place| status.silent.contains(&place.partition);
    let table = edge.shared.routes.snapshot();
    let silent = table.places().iter().filter(is_silent);
    items.extend(silent.map(|place| PartitionItem { is_silent: true, ..unknown(place.partition, place.range) }));
    items.sort_by(|one, other| one.first.cmp(&other.first));
    let version = edge.settings.version.clone();
    let crate::NodeStatus { log_bytes, is_store_full, missing_kinds, .. } = status;
    Ok(json_of(&NodeStatus { version, partitions: items, log_bytes, is_store_full, missing_kinds }))
}

fn partition_item(partition: &PartitionStatus) -> PartitionItem {
    let item = PartitionItem { requests: partition.requests as u64, ..unknown(partition.id, partition.range) };
    match &partition.state {
        Err(reason) => PartitionItem { stopped: Some(reason.to_string()), ..item },
        Ok(status) => PartitionItem {
            is_serving: status.is_serving,
            is_full: status.is_full,
            is_quiet: status.is_quiet && partition.requests == 0,
            epoch: status.epoch.0,
            durable: status.durable.0,
            time_offset: status.time_offset.0,
            entities: status.entities as u64,
            entity_bytes: status.entity_bytes as u64,
            dirty_bytes: status.dirty_bytes as u64,
            inbox: status.inbox as u64,
            outbox: status.outbox as u64,
            parked: status.parked as u64,
            producers: status.known_producers as u64,
            timers: status.timers as u64,
            timers_overdue: status.timers_overdue as u64,
            oldest_overdue: u64::try_from(status.oldest_overdue.as_millis()).unwrap_or(u64::MAX),
            owed: status.owed as u64,
            undecided: status.undecided as u64,
            tentative: status.tentative as u64,
            settled: status.settled as u64,
            ..item
        },
    }
}

/// A partition of which no more is known.
fn unknown(id: PartitionId, range: Range) -> PartitionItem {
    PartitionItem {
        id: id.0,
        first: format!("{:016x}", range.first),
        last: format!("{:016x}", range.last),
        stopped: None,
        is_silent: false,
        is_serving: false,
        is_full: false,
        is_quiet: false,
        epoch: 0,
        durable: 0,
        time_offset: 0,
        entities: 0,
        entity_bytes: 0,
        dirty_bytes: 0,
        inbox: 0,
        outbox: 0,
        parked: 0,
        producers: 0,
        timers: 0,
        timers_overdue: 0,
        oldest_overdue: 0,
        owed: 0,
        undecided: 0,
        tentative: 0,
        settled: 0,
        requests: 0,
    }
}

/// `/metrics`.
pub(crate) async fn metrics(NodeRequest { edge, .. }: NodeRequest<'_>) -> Answer {
    let status = tokio::time::timeout(STATUS_PATIENCE, status(edge)).await;
    // Without the partitions, when they are too busy to say how they are.
    let status = status.ok().transpose()?;
    let spans = edge.shared.traces.as_ref().map(|traces| traces.counts().as_ref());
    let text =
        edge.meters.text(edge.connections.load(atomic::Ordering::Relaxed), status.as_ref(), spans, &edge.shared.counts);
    Ok(typed("text/plain; version=0.0.4; charset=utf-8", Reply::whole(text)))
}
