//! Messages that were given up on: list, show, retry, dismiss.

use apostate_api::ParkedItem;

use crate::arguments::Parked;
use crate::failure::Failure;
use crate::node::Node;
use crate::output::{Output, rows, time};

pub(crate) fn run(node: &Node, output: Output, verb: Parked) -> Result<(), Failure> {
    match verb {
        Parked::List => list(node, output),
        Parked::Show { id } => show(node, output, &id),
        Parked::Retry { id } => {
            node.ask(node.client.retry_parked(&id))?;
            output.done(&format!("{id} is at the end of its entity's inbox"))
        }
        Parked::Dismiss { id } => {
            node.ask(node.client.dismiss_parked(&id))?;
            output.done(&format!("{id} is dropped, unapplied"))
        }
    }
}

fn list(node: &Node, output: Output) -> Result<(), Failure> {
    let items = node.ask(node.client.parked())?;
    let header = ["ID", "ENTITY", "HANDLER", "SINCE", "REASON"];
    output.many(&header, items.into_iter().map(Ok), |item: &ParkedItem| {
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
