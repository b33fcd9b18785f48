//! Rows of the partition's own: a checkpoint costs what changed, and not what exists.

use apostate_partition::Input;

use crate::letterbox::Letterbox;
use crate::pair::{Writer, key_in};

/// The next checkpoint, in cells; it is written.
fn checkpoint_cells(writer: &mut Writer) -> usize {
    writer.holds_checkpoints = true;
    writer.tell(Input::RequestCheckpoint { ticket: 1 });
    writer.work();
    let length = writer.checkpoints.front().expect("a checkpoint").length();
    writer.write_checkpoint();
    length
}

#[test]
fn a_checkpoint_has_the_rows_that_changed() {
    let mut writer = Writer::new(1).open();
    let key = key_in(1);
    for producer in 0..500 {
        writer.number(&format!("device {producer}"), 1, Letterbox::at(&key).receive(1));
    }
    writer.work();
    assert!(checkpoint_cells(&mut writer) > 500);
    for number in 9..11 {
        writer.write(&key, &key, 2, None);
        let cells = checkpoint_cells(&mut writer);
        assert!(cells < 10, "one letter, {cells} cells");
        writer.number("device 7", number, Letterbox::at(&key).receive(1));
        writer.work();
        let cells = checkpoint_cells(&mut writer);
        assert!(cells < 10, "one row, {cells} cells");
        // What is only in the store is known after a restart.
        writer = writer.again().open();
        for (producer, number) in [("device 7", number), ("device 8", 1)] {
            let letters = writer.got(&key).len();
            writer.number(producer, number, Letterbox::at(&key).receive(1));
            assert_eq!(writer.got(&key).len(), letters, "{producer} had sent {number} before");
        }
        writer = writer.again().open();
    }
}
