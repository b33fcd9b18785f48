//! Messages that were given up on: list, show, retry, dismiss.

use apostate_api::client::ClientError;
use apostate_api::{ErrorCode, ParkedItem};

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
    let Some(kind) = chosen.all else {
        for id in &chosen.ids {
            node.change(Change::Parked { id: id.clone() }, command(id))?;
            output.done(&format!("{id} is {done}"))?;
        }
        return Ok(());
    };
    // All are known before the first is touched: one that is parked again is not met again.
    let mut ids = Vec::new();
    for item in node.parked() {
        let item = item?;
        if item.kind == kind {
            ids.push(item.id);
        }
    }
    for (index, id) in ids.iter().enumerate() {
        match node.change(Change::Parked { id: id.clone() }, command(id)) {
            // Somebody else was faster.
            Err(Failure::Problem(problem)) if problem.error_code() == Some(ErrorCode::ParkedMissing) => {}
            done => done?,
        }
        if (index + 1) % PROGRESS_EVERY == 0 {
            output.done(&format!("{} of {}", index + 1, ids.len()))?;
        }
    }
    output.done(&format!("{} messages of {kind}, each is {done}", ids.len()))
}
