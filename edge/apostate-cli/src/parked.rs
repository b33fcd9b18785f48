//! Messages that were given up on: list, show, retry, dismiss.

use apostate_api::ParkedItem;
use apostate_api::client::{ClientError, EntityKey};

use crate::arguments::{Chosen, Parked};
use crate::failure::{Change, Failure};
use crate::node::Node;
use crate::output::{Output, rows, time};

/// After so many messages we say how far we are.
const PROGRESS_EVERY: usize = 1000;

pub(crate) fn run(node: &Node, output: Output, verb: Parked) -> Result<(), Failure> {
    match verb {
        Parked::List { limit } => list(node, output, limit.unwrap_or(usize::MAX)),
        Parked::Show { id } => show(node, output, &id),
        Parked::Retry(chosen) => {
            let retry = async |id: &str| node.client.retry_parked(id).await;
            each(node, output, chosen, retry, "at the end of its entity's inbox")
        }
        Parked::Dismiss(chosen) => {
            let dismiss = async |id: &str| node.client.dismiss_parked(id).await;
            each(node, output, chosen, dismiss, "dropped, unapplied")
        }
    }
}

fn list(node: &Node, output: Output, limit: usize) -> Result<(), Failure> {
    let header = ["ID", "ENTITY", "HANDLER", "SINCE", "REASON"];
    output.many(&header, node.parked().take(limit), |item: &ParkedItem| {
        let entity = format!("{}/{}", item.kind, item.key);
        vec![item.id.clone(), entity, item.handler.clone(), time(item.since), item.reason.clone()]
    })
}

fn show(node: &Node, output: Output, id: &str) -> Result<(), Failure> {
    let item = node.ask(node.client.parked_message(id))?;
    output.one(&item, || {
        rows([
            ("id", item.id.clone()),
            ("entity", format!("{}/{}", item.kind, item.key)),
            ("handler", item.handler.clone()),
            ("arguments", item.arguments.as_ref().map_or_else(|| "they do not read".to_owned(), ToString::to_string)),
            ("from", item.from.clone().unwrap_or_else(|| "outside".to_owned())),
            ("since", time(item.since)),
            ("reason", item.reason.clone()),
        ])
    })
}

/// Does the same to each of the chosen messages. The first that fails ends it; those before it are done.
fn each(
    node: &Node,
    output: Output,
    chosen: Chosen,
    command: impl AsyncFn(&str) -> Result<(), ClientError>,
    done: &str,
) -> Result<(), Failure> {
    let command = |id: &str| node.change(Change::Parked { id: id.to_owned() }, command(id));
    match chosen.all {
        Some(kind) => each_of_kind(node, output, &kind, command, done),
        None => each_named(output, &chosen.ids, command, done),
    }
}

/// Of several messages, those that are not parked any more are passed over and told: a command that failed in the middle can
/// be repeated as it is.
fn each_named(
    output: Output,
    ids: &[String],
    command: impl Fn(&str) -> Result<(), Failure>,
    done: &str,
) -> Result<(), Failure> {
    let mut missing = 0;
    for id in ids {
        match command(id) {
            Err(failure) if failure.is_parked_missing() && ids.len() > 1 => {
                missing += 1;
                output.amiss(&format!("{id}: {failure}"))?;
            }
            result => {
                result?;
                output.done(&format!("{id} is {done}"))?;
            }
        }
    }
    if missing > 0 {
        return Err(Failure::ParkedMissing { missing, of: ids.len() });
    }
    Ok(())
}

fn each_of_kind(
    node: &Node,
    output: Output,
    kind: &str,
    command: impl Fn(&str) -> Result<(), Failure>,
    done: &str,
) -> Result<(), Failure> {
    // All are known before the first is touched: one that is parked again is not met again.
    let mut ids = Vec::new();
    for item in node.parked() {
        let item = item?;
        if item.kind == kind {
            ids.push(item.id);
        }
    }
    if ids.is_empty() {
        // A kind that there is not has none either. Any key will do to be told so: an entity may be missing.
        let key = EntityKey::new("-").expect("a key");
        node.ask(node.client.state_json(kind, &key))?;
    }
    let mut count = 0;
    for (index, id) in ids.iter().enumerate() {
        match command(id) {
            // Somebody else was faster.
            Err(failure) if failure.is_parked_missing() => {}
            result => {
                result?;
                count += 1;
            }
        }
        if (index + 1) % PROGRESS_EVERY == 0 {
            output.done(&format!("{} of {}", index + 1, ids.len()))?;
        }
    }
    output.done(&format!("{count} messages of {kind}, each is {done}"))
}
