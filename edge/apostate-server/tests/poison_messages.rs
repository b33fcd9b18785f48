//! A message that kills the process, three times in a row, is found and parked; everything else goes on, until an operator has
//! it tried again.

mod common;

use std::process::Command;
use std::sync::atomic::Ordering;

use common::{App, Bomb, IS_DEFUSED, directory, far_apart, settings, wait_until};

const DATA: &str = "APOSTATE_TEST_DATA";

/// The process that dies. It is this test again, called by the other one.
#[test]
fn child() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let node = apostate_server::Node::open::<App>(settings(data.as_ref(), 2)).expect("a node");
    let client = node.client();
    let (fuse, bomb) = far_apart("bomb");
    client.call(Bomb::at(&fuse).light(bomb.clone())).with_key("once").wait().expect("lit");
    wait_until("what came after the bang has arrived", || client.read(Bomb::at(&bomb).lit()).wait() == Ok(10));
    let parked: Vec<_> = client.parked().collect::<Result<_, _>>().expect("listed");
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].reason, "it was running when the process died, 3 times in a row");
    IS_DEFUSED.store(true, Ordering::Relaxed);
    client.retry_parked(&parked[0]).expect("retried");
    client.settle().expect("quiet");
    assert_eq!(client.read(Bomb::at(&bomb).lit()).wait(), Ok(11), "what killed this process before is run again");
}

#[test]
fn a_message_that_kills_the_process_three_times_in_a_row_is_parked_and_run_again_when_an_operator_says_so() {
    let dir = directory();
    let mut crashes = 0;
    loop {
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        let output = child.args(["--exact", "child"]).env(DATA, dir.path()).output().expect("it ran");
        if output.status.success() {
            break;
        }
        let was_killed = output.status.code().is_none();
        assert!(was_killed, "it went on, and fails: {}", String::from_utf8_lossy(&output.stdout));
        crashes += 1;
        assert!(crashes <= 3, "it goes on dying: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(crashes, 3, "tried as often as it may be, and no oftener");
    let node = apostate_server::Node::open::<App>(settings(dir.path(), 2)).expect("a node");
    assert_eq!(node.client().parked().next(), None);
}
