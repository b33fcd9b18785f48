//! The node and its partitions.

use std::time::Duration;

use apostate_api::PartitionItem;
use serde_json::json;

use crate::arguments::{NodeVerb, Partition};
use crate::failure::Failure;
use crate::node::Node;
use crate::output::{Output, rows};

/// How long a node may take to say how it is. Whoever asks that suspects that something is wrong, and wants to know which part
/// of it says nothing.
const STATUS_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn partitions(node: &Node, output: Output, verb: Partition) -> Result<(), Failure> {
    let Partition::List = verb;
    let status = node.ask(node.client.status())?;
    let header =
        ["ID", "FIRST", "LAST", "STATE", "EPOCH", "DURABLE", "ENTITIES", "INBOX", "OUTBOX", "PARKED", "REQUESTS"];
    output.many(&header, status.partitions.into_iter().map(Ok), |partition: &PartitionItem| {
        vec![
            partition.id.to_string(),
            partition.first.clone(),
            partition.last.clone(),
            state(partition),
            partition.epoch.to_string(),
            partition.durable.to_string(),
            partition.entities.to_string(),
            partition.inbox.to_string(),
            partition.outbox.to_string(),
            partition.parked.to_string(),
            partition.requests.to_string(),
        ]
    })
}

fn state(partition: &PartitionItem) -> String {
    match &partition.stopped {
        Some(reason) => format!("stopped: {reason}"),
        None if partition.is_silent => "silent: a handler does not end; see the node's log".to_owned(),
        None if partition.is_full => "no room on the disk".to_owned(),
        None if partition.is_serving => "serving".to_owned(),
        None => "opening".to_owned(),
    }
}

pub(crate) fn node(node: &Node, output: Output, verb: NodeVerb) -> Result<(), Failure> {
    let NodeVerb::Status = verb;
    let client = node.client.clone().asking_once(STATUS_PATIENCE);
    node.ask(client.health())?;
    // A node that is alive may have the best reasons not to be ready.
    let readiness = match node.ask(client.ready()) {
        Ok(()) => "ready".to_owned(),
        Err(Failure::Problem(problem)) => format!("alive, not ready: {}", problem.detail),
        Err(Failure::Unreachable { detail, .. }) => format!("alive, does not say whether it is ready: {detail}"),
        Err(failure) => return Err(failure),
    };
    let status = match node.ask(client.status()) {
        Ok(status) => status,
        Err(failure) => {
            output.one(&json!({ "node": readiness }), || rows([("node", readiness.clone())]))?;
            return Err(failure.of_partitions());
        }
    };
    let sum = |of: fn(&PartitionItem) -> u64| status.partitions.iter().map(of).sum::<u64>().to_string();
    let stopped = status.partitions.iter().filter(|partition| partition.stopped.is_some()).count();
    output.one(&status, || {
        rows([
            ("node", readiness),
            ("version", status.version.clone()),
            ("partitions", format!("{}, {stopped} of them stopped", status.partitions.len())),
            ("entities in memory", sum(|partition| partition.entities)),
            ("bytes of log", status.log_bytes.to_string()),
            ("messages in inboxes", sum(|partition| partition.inbox)),
            ("messages in outboxes", sum(|partition| partition.outbox)),
            ("messages parked", sum(|partition| partition.parked)),
            ("timers set", sum(|partition| partition.timers)),
            ("timers overdue", sum(|partition| partition.timers_overdue)),
            ("answers owed", sum(|partition| partition.owed)),
            ("agreements undecided", sum(|partition| partition.undecided)),
            ("operations tentative", sum(|partition| partition.tentative)),
            ("operations settled by hand", sum(|partition| partition.settled)),
            ("requests waiting", sum(|partition| partition.requests)),
        ])
    })
}
