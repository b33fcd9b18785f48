//! One process works in a folder at a time.

mod common;

use apostate_log::{Expected, FilesEngine, LsmStore, OpenError, StoreExpect, StoreOpenError};

use common::{Rig, filled, read_all};

const FOLDER: &str = "APOSTATE_TEST_SECOND_PROCESS";

#[test]
fn a_second_process_is_kept_out_and_told_where() {
    if let Ok(folder) = std::env::var(FOLDER) {
        // This is the second process.
        let error = FilesEngine::open(folder.as_ref(), common::settings(), &Expected::default()).err();
        let text = error.expect("the folder is in use").to_string();
        assert_eq!(text, format!("{folder} is in use by another process"));
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 3);
    let name = "a_second_process_is_kept_out_and_told_where";
    let second = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args([name, "--exact", "--nocapture"])
        .env(FOLDER, dir.path())
        .output()
        .expect("a second process");
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stdout));
    assert!(String::from_utf8_lossy(&second.stdout).contains("1 passed"));
    rig.fill(&mut log, 4, 5);
    assert_eq!(read_all(&log), Ok(filled(1, 5)));
}

#[test]
fn a_second_engine_in_the_same_process_is_kept_out_too() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let second = FilesEngine::open(dir.path(), common::settings(), &Expected::default());
    assert!(matches!(second, Err(OpenError::Locked { .. })));
    drop(rig);
    Rig::open(dir.path(), &Expected::default());
}

#[test]
fn a_second_user_of_a_store_is_kept_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    let second = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20);
    assert!(matches!(second, Err(StoreOpenError::Locked { .. })));
    drop(store);
    LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("the store");
}
