//! The program as a node of its own, which can be killed and started again where it was.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Sizes so small that many checkpoints and trims happen.
const SETTINGS: &[&str] = &["--partitions", "3", "--checkpoint-log-bytes", "196608", "--segment-bytes", "262144"];

/// The bank, served from a directory that goes with it.
pub(crate) struct Served {
    process: Child,
    address: String,
    dir: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    /// Serves a new bank, at any address.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (process, address) = spawn(&dir, "127.0.0.1:0");
        Self { process, address, dir }
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it, and serves the same bank at the same address.
    pub(crate) fn kill_and_start(&mut self) {
        self.process.kill().expect("the process is ours");
        let status = self.process.wait().expect("it ends");
        assert_eq!(status.code(), None, "it had ended before it was killed");
        (self.process, _) = spawn(&self.dir, &self.address);
    }

    /// The sum over all partitions of one of their metrics.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        write!(stream, "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let begin = format!("apostate_partition_{name}{{");
        let lines: Vec<_> = answer.lines().filter(|line| line.starts_with(&begin)).collect();
        assert_eq!(lines.len(), 3, "a line for each partition: {answer}");
        lines.iter().map(|line| line.rsplit(' ').next().expect("a value").parse::<u64>().expect("a number")).sum()
    }
}

/// Starts it. Another program's connection may have the port for a moment, after a kill: then it is started again.
fn spawn(dir: &tempfile::TempDir, address: &str) -> (Child, String) {
    let log = dir.path().join("log");
    loop {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bank-node"));
        command.args(["serve", "--listen", address, "--data"]).arg(dir.path().join("data")).args(SETTINGS);
        let errors = std::fs::File::create(&log).expect("a file");
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().expect("it starts");
        let mut first = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut first).expect("a line");
        if let Some(address) = first.trim_end().strip_prefix("The bank is at http://") {
            return (process, address.to_owned());
        }
        process.wait().expect("it ends");
        let errors = std::fs::read_to_string(&log).expect("its log");
        assert!(errors.contains("in use"), "it does not serve: {errors}");
    }
}
