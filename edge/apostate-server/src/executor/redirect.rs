//! Redirection: where a message goes whose partition is gone.
//!
//! A partition's id names one range for ever. So a request for one that is gone goes to the partition that has its entity now, under
//! its ticket, with its client key and its deadline; the caller learns nothing of it. The messages of a producer go on in their order.
//! What was for the partition alone goes nowhere: frames come again, and what it had asked the store or the checkpointer went with it.

use apostate_log::PartitionId;

use crate::executor::messages::ExecutorMessage;
use crate::executor::route_table::RouteTable;

/// The message for those that have its entities by `table`, instead of a partition that the table does not know.
pub(crate) fn redirect(message: ExecutorMessage, table: &RouteTable) -> Vec<ExecutorMessage> {
    let of_hash = |hash| table.find(hash).partition;
    match message {
        ExecutorMessage::Request { partition: _, request } => {
            vec![ExecutorMessage::Request { partition: of_hash(request.to.hash()), request }]
        }
        ExecutorMessage::Call { partition: _, request, promise } => {
            vec![ExecutorMessage::Call { partition: of_hash(request.to.hash()), request, promise }]
        }
        ExecutorMessage::Parked { partition: _, command, promise } => {
            vec![ExecutorMessage::Parked { partition: of_hash(command.to.hash()), command, promise }]
        }
        ExecutorMessage::Stream { partition: _, requests, stream } => {
            let mut parts: Vec<(PartitionId, Vec<_>)> = Vec::new();
            for request in requests {
                let partition = of_hash(request.to.hash());
                match parts.iter_mut().find(|(other, _)| *other == partition) {
                    Some((_, part)) => part.push(request),
                    None => parts.push((partition, vec![request])),
                }
            }
            let part = |(partition, requests)| ExecutorMessage::Stream { partition, requests, stream: stream.clone() };
            parts.into_iter().map(part).collect()
        }
        // Whoever waits for one of the last three sees its channel close.
        ExecutorMessage::Frames { .. }
        | ExecutorMessage::Loaded { .. }
        | ExecutorMessage::Checkpointed { .. }
        | ExecutorMessage::Arrived { .. }
        | ExecutorMessage::Start
        | ExecutorMessage::Quit
        | ExecutorMessage::Checkpoint { .. }
        | ExecutorMessage::Move { .. }
        | ExecutorMessage::Report { .. } => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apostate_core::{Address, EntityKey, HandlerId, KindId};
    use apostate_partition::{Map, Range, Request, RequestKind};

    use super::*;
    use crate::answers::promise::promise;
    use crate::answers::stream::Stream;

    const GONE: PartitionId = PartitionId(1);

    fn request(key: u64, request_kind: RequestKind) -> Request {
        let to = Address::new(KindId::of("stock"), EntityKey::new(&key.to_string()).expect("a key"));
        Request::new(to, HandlerId::of("take"), Vec::new(), request_kind)
    }

    /// The table after partition 1 has become 2 and 3.
    fn table() -> RouteTable {
        let halves = Range::tiles(2).into_iter().zip([PartitionId(2), PartitionId(3)]).collect();
        RouteTable::new(Arc::new(Map { version: 2, tiles: halves }), 2)
    }

    #[test]
    fn a_request_goes_to_the_partition_that_has_its_entity_now() {
        let table = table();
        let mut found = Vec::new();
        for key in 0..20 {
            let request = request(key, RequestKind::Call { key: Some("order-7".into()) });
            let expected = table.find(request.to.hash()).partition;
            let (promise, _promised) = promise();
            let message = ExecutorMessage::Call { partition: GONE, request, promise };
            match &redirect(message, &table)[..] {
                [ExecutorMessage::Call { partition, request, .. }] => {
                    assert_eq!(*partition, expected);
                    assert!(
                        matches!(&request.request_kind, RequestKind::Call { key: Some(key) } if &**key == "order-7")
                    );
                    found.push(expected);
                }
                other => panic!("{other:?}"),
            }
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, [PartitionId(2), PartitionId(3)], "keys of both");
    }

    #[test]
    fn the_messages_of_a_producer_part_and_keep_their_order() {
        let (table, stream) = (table(), Stream::default());
        let producer = EntityKey::new("till").expect("a name");
        let numbered = |number| request(number, RequestKind::Numbered { producer: producer.clone(), number });
        let requests = (1..=50).map(numbered).collect();
        let parts = redirect(ExecutorMessage::Stream { partition: GONE, requests, stream }, &table);
        assert_eq!(parts.len(), 2);
        let mut all = 0;
        for part in parts {
            let ExecutorMessage::Stream { partition, requests, .. } = part else { panic!("{part:?}") };
            assert!(requests.iter().all(|request| table.find(request.to.hash()).partition == partition));
            let number = |request: &Request| match request.request_kind {
                RequestKind::Numbered { number, .. } => number,
                _ => unreachable!("all are numbered"),
            };
            assert!(requests.is_sorted_by_key(number));
            all += requests.len();
        }
        assert_eq!(all, 50);
    }

    #[test]
    fn what_was_for_the_partition_alone_goes_nowhere() {
        let loaded = ExecutorMessage::Loaded { partition: GONE, loaded: Vec::new() };
        assert!(redirect(loaded, &table()).is_empty());
        let (reply, report) = crossbeam_channel::bounded(1);
        assert!(redirect(ExecutorMessage::Report { partition: GONE, reply }, &table()).is_empty());
        assert!(report.recv().is_err(), "the channel is closed");
    }
}
