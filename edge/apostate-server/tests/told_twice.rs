//! A whole `main` that is told to stop while a handler never ends: what it logs to a pipe is plain text, and told again it ends at
//! once.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use apostate::prelude::*;
use apostate_server::{About, Config, run};
use rustix::process::{Pid, Signal, kill_process};

const DATA: &str = "APOSTATE_TEST_DATA";

/// Something that never ends.
#[entity(name = "endless")]
#[derive(Default, Serialize, Deserialize)]
struct Endless {}

#[handlers]
impl Endless {
    /// Says that it has begun, and goes on.
    #[open]
    pub fn go_on(&mut self) {
        println!("\nbegun");
        loop {
            std::thread::park();
        }
    }
}

/// The process that is told. It is this test again, called by the other one.
#[test]
fn child() {
    let Some(data) = std::env::var_os(DATA) else { return };
    let listen = Some(([127, 0, 0, 1], 0).into());
    let config = Config { data: Some(data.into()), listen, partitions: Some(1), ..Config::default() };
    let about = About { title: "Endless", description: "Goes on.", version: "1.0.0" };
    run::<(Endless,)>(config, about, |address| writeln!(std::io::stdout(), "\nlistens {address}"))
        .expect("it ended well");
}

/// A process that goes when the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn terminate(&self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("the process is ours");
    }

    /// Waits for its end.
    fn ended(&mut self) -> ExitStatus {
        for _ in 0..6000 {
            if let Some(status) = self.0.try_wait().expect("the process is ours") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("a minute has passed, and it still runs");
    }
}

/// Reads on until a line has this in it; gives what comes behind.
fn read_to(lines: &mut impl Iterator<Item = String>, text: &str) -> String {
    let found = lines.find_map(|line| line.split_once(text).map(|(_, rest)| rest.to_owned()));
    found.unwrap_or_else(|| panic!("it never said `{text}`"))
}

#[test]
fn a_node_that_is_told_twice_to_stop_ends_at_once_and_its_log_is_plain_text() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "child", "--nocapture"]).env(DATA, dir.path().join("data"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = Running(command.spawn().expect("it runs"));
    let mut said = BufReader::new(running.0.stdout.take().expect("piped")).lines().map_while(Result::ok);
    let mut logged = Vec::new();
    let log = BufReader::new(running.0.stderr.take().expect("piped")).lines().map_while(Result::ok);
    let mut log = log.inspect(|line| logged.push(line.clone()));

    let mut caller = TcpStream::connect(read_to(&mut said, "listens ")).expect("a connection");
    let asked = "POST /entities/endless/one/go_on HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n";
    caller.write_all(asked.as_bytes()).expect("sent");
    read_to(&mut said, "begun");
    running.terminate();
    read_to(&mut log, "a second signal exits at once");
    running.terminate();
    assert_eq!(running.ended().code(), Some(130));
    read_to(&mut log, "exiting at once");
    assert!(logged.iter().all(|line| !line.contains('\u{1b}')), "{logged:#?}");
}
