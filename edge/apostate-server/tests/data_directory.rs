//! The data directory: by which process and with which settings it can be opened.

mod common;

use std::process::ExitCode;

use apostate_server::{Node, OpenError, RunError, Settings};
use common::{App, Stock, chain, directory, open, settings};

fn refusal(settings: Settings) -> String {
    match Node::open::<App>(settings) {
        Ok(_) => panic!("it opened"),
        Err(error) => chain(&error),
    }
}

#[test]
fn data_that_is_served_is_not_served_twice() {
    let dir = directory();
    let node = open(dir.path(), 1);
    let error = refusal(settings(dir.path(), 1));
    assert!(error.contains("in use by another process"), "{error}");
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
    drop(node);
    open(dir.path(), 1);
}

#[test]
fn data_opens_with_the_partitions_that_it_has_whatever_number_is_asked_for() {
    let dir = directory();
    open(dir.path(), 7);
    for asked in [None, Some(2), Some(7), Some(9)] {
        let node = Node::open::<App>(Settings { partitions: asked, ..settings(dir.path(), 1) }).expect("a node");
        assert_eq!(node.status().partitions.len(), 7);
    }
}

#[test]
fn a_process_ends_with_2_when_starting_it_again_as_it_is_helps_nothing() {
    let exit_code = |settings| {
        let error = Node::open::<App>(settings).map(drop).expect_err("it does not open");
        format!("{:?}", RunError::from(error).exit_code())
    };
    let is = |code: u8| format!("{:?}", ExitCode::from(code));
    let dir = directory();
    let node = open(dir.path(), 7);
    assert_eq!(exit_code(settings(dir.path(), 7)), is(1), "another process may end");
    drop(node);
    assert_eq!(exit_code(settings(dir.path(), 0)), is(2));
    let manifest = dir.path().join("manifest.json");
    std::fs::write(&manifest, r#"{"format": 99}"#).expect("written");
    assert_eq!(exit_code(settings(dir.path(), 7)), is(2), "a newer build has written it");
}

#[test]
fn a_changed_digit_in_the_manifest_is_no_other_map() {
    let dir = directory();
    open(dir.path(), 7);
    let manifest = dir.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    std::fs::write(&manifest, text.replace("\"id\": 7", "\"id\": 8")).expect("written");
    let error = refusal(Settings { partitions: None, ..settings(dir.path(), 1) });
    assert!(error.contains("is damaged"), "{error}");
}

#[test]
fn a_directory_of_a_newer_build_is_refused_by_name() {
    let dir = directory();
    open(dir.path(), 1);
    let manifest = dir.path().join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    std::fs::write(&manifest, text.replace("\"format\": 4", "\"format\": 5")).expect("written");
    let error = refusal(settings(dir.path(), 1));
    assert!(error.contains("written by a newer build: layout 5") && error.contains("start a build"), "{error}");
}

#[test]
fn the_log_of_other_data_is_refused() {
    let (one, two) = (directory(), directory());
    open(one.path(), 1);
    open(two.path(), 1);
    std::fs::remove_dir_all(one.path().join("log")).expect("removed");
    std::fs::rename(two.path().join("log"), one.path().join("log")).expect("moved");
    let error = refusal(settings(one.path(), 1));
    assert!(error.contains("belongs to the log of other data"), "{error}");
}

#[test]
fn a_missing_log_or_store_is_never_an_empty_start() {
    for part in ["log", "store"] {
        let dir = directory();
        let mut node = open(dir.path(), 2);
        node.client().call(Stock::at("tea").receive(1)).wait().expect("done");
        node.stop().expect("stopped");
        std::fs::remove_dir_all(dir.path().join(part)).expect("removed");
        let error = refusal(settings(dir.path(), 2));
        assert!(error.contains(&format!("`{part}` is missing")), "{error}");
    }
}

#[test]
fn the_store_of_other_data_is_refused() {
    let (one, two) = (directory(), directory());
    open(one.path(), 1);
    open(two.path(), 1);
    std::fs::remove_dir_all(one.path().join("store")).expect("removed");
    std::fs::rename(two.path().join("store"), one.path().join("store")).expect("moved");
    let error = refusal(settings(one.path(), 1));
    assert!(error.contains("store and log do not match"), "{error}");
}

#[test]
fn a_store_older_than_the_trimmed_log_is_refused() {
    let (dir, copy) = (directory(), directory());
    let mut node = open(dir.path(), 1);
    node.client().call(Stock::at("tea").receive(1)).wait().expect("done");
    node.stop().expect("stopped");
    copy_dir(&dir.path().join("store"), &copy.path().join("store"));
    for _ in 0..2 {
        let mut node = open(dir.path(), 1);
        node.client().call(Stock::at("tea").receive(1)).wait().expect("done");
        node.stop().expect("stopped");
    }
    std::fs::remove_dir_all(dir.path().join("store")).expect("removed");
    copy_dir(&copy.path().join("store"), &dir.path().join("store"));
    let error = refusal(settings(dir.path(), 1));
    assert!(error.contains("too old"), "{error}");
}

#[test]
fn a_setting_that_cannot_be_is_refused_before_anything_is_made() {
    let dir = directory();
    let data = dir.path().join("data");
    let error = Node::open::<App>(Settings { loaders: 0, ..settings(&data, 1) });
    assert!(matches!(error, Err(OpenError::Settings(_))));
    assert!(!data.exists());
}

fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).expect("copied");
        }
    }
}
