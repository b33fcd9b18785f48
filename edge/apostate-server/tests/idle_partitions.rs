//! A partition that has nothing to do does not hold back the log of those that have.

mod common;

use apostate_server::{Node, Settings};
use common::{App, Stock, directory, far_apart, settings, wait_until};

#[test]
fn an_idle_partition_does_not_pin_the_log() {
    let dir = directory();
    let small = Settings { segment_bytes: 64 << 10, checkpoint_log_bytes: 256 << 10, ..settings(dir.path(), 2) };
    let node = Node::open::<App>(small).expect("a node");
    let client = node.client();
    let (idle, busy) = far_apart("stock");
    client.call(Stock::at(&idle).receive(1)).wait().expect("done");
    let mut producer = client.producer("busy").expect("a stream");
    producer.count_only();
    let mut number = 0;
    wait_until("both partitions made a checkpoint", || {
        for _ in 0..1_000 {
            number += 1;
            producer.send(number, Stock::at(&busy).receive(1)).expect("sent");
        }
        producer.wait_all().expect("answered");
        node.status().partitions.iter().all(|partition| partition.work.trims > 0)
    });
    assert_eq!(client.read(Stock::at(&idle).available()).wait(), Ok(1));
}
