//! The program around the shop, all of it by `apostate_server::main`: what it says of itself, how it ends, and that it serves.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

/// The program with these arguments, in a directory of its own.
fn hello(dir: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hello"));
    command.args(arguments).current_dir(dir.path()).stdin(Stdio::null());
    command
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("text")
}

/// A node that serves until it is dropped.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(dir: &tempfile::TempDir, arguments: &[&str]) -> Self {
        let mut process = hello(dir, arguments).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        let url = first.trim_end().strip_prefix("The shop is at ").expect("where it listens").to_owned();
        Self { process, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Checks that the program ends with this code, with nothing on stdout and this on stderr.
fn check_ends(output: &Output, code: i32, parts: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(code), ""), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn it_says_what_it_is_by_its_authors_words() {
    let dir = dir();
    let help = hello(&dir, &["--help"]).output().expect("it starts");
    assert!(help.status.success());
    assert!(text(&help.stdout).starts_with("The shop: Sells tea.\n"), "{}", text(&help.stdout));
    assert!(text(&help.stdout).contains("[serve]") && text(&help.stdout).contains("--listen <ADDRESS>"));
    let version = hello(&dir, &["--version"]).output().expect("it starts");
    assert_eq!(text(&version.stdout), concat!("The shop ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn it_serves_with_the_word_and_without_and_says_where() {
    let dir = dir();
    for (arguments, expected) in
        [(&["serve", "--listen", "127.0.0.1:0"][..], "10"), (&["--listen", "localhost:0"], "20")]
    {
        let served = Served::start(&dir, arguments);
        let answer = ureq::post(format!("{}/entities/stock/tea/receive", served.url))
            .header("content-type", "application/json")
            .send(r#"{"units":10}"#)
            .expect("an answer");
        assert_eq!(answer.into_body().read_to_string().expect("a body"), expected);
    }
}

#[test]
fn a_hangup_reads_the_token_again_and_ends_nothing() {
    let dir = dir();
    let file = dir.path().join("token");
    let (first, second) = ("the-first-of-two-tokens", "the-second-of-two-tokens");
    std::fs::write(&file, first).expect("written");
    let served = Served::start(&dir, &["--listen", "127.0.0.1:0", "--token-file", "token"]);
    let status = |token: &str| {
        let request =
            ureq::get(format!("{}/partitions", served.url)).header("authorization", format!("Bearer {token}"));
        request.config().http_status_as_error(false).build().call().expect("an answer").status().as_u16()
    };
    assert_eq!((status(first), status(second)), (200, 401));
    let hang_up = |token: &str| {
        std::fs::write(&file, token).expect("written");
        let pid = rustix::process::Pid::from_child(&served.process);
        rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("the process is ours");
    };
    hang_up(second);
    while status(second) != 200 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(status(first), 401, "the one before does not count any more");
    hang_up("short");
    hang_up(first);
    while status(first) != 200 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[test]
fn what_it_cannot_use_ends_it_with_2_and_what_fails_with_1_and_both_say_what_next() {
    let dir = dir();
    std::fs::write(dir.path().join("settings.toml"), "cache-bytes = \"256MeB\"").expect("written");
    for arguments in [&["--config", "settings.toml"][..], &["--http-threads", "0"], &["--listen", "0.0.0.0:0"]] {
        let output = hello(&dir, arguments).output().expect("it starts");
        check_ends(&output, 2, &["error: invalid settings: ", "\n next: see `--help`"]);
    }
    check_ends(&hello(&dir, &["--listen", "7676"]).output().expect("it starts"), 2, &["such as 127.0.0.1:7070"]);
    assert!(!dir.path().join("data").exists(), "nothing was started");
    let served = Served::start(&dir, &["--listen", "127.0.0.1:0"]);
    let address = served.url.strip_prefix("http://").expect("a URL");
    let taken = hello(&dir, &["--listen", address, "--data", "other"]).output().expect("it starts");
    check_ends(
        &taken,
        1,
        &["error: cannot serve the node over HTTP: ", address, "in use", "\n next: choose another address"],
    );
    let same = hello(&dir, &["--listen", "127.0.0.1:0"]).output().expect("it starts");
    check_ends(&same, 1, &["error: cannot open the node: ", "\n next: "]);
}
