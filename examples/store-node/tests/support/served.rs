//! The program as a node of its own, which can be killed and started again where it was.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::program::program;

/// The store, served.
pub struct Served {
    pub process: Child,
    pub address: String,
    /// The lines that a newcomer pastes.
    pub pasted: Vec<String>,
    data: PathBuf,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Served {
    /// Serves the store in `data`, at any address.
    pub fn start(data: &Path) -> Self {
        Self::start_at(data, "127.0.0.1:0")
    }

    fn start_at(data: &Path, address: &str) -> Self {
        let mut process = spawn(data, address);
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let mut next = || lines.next().expect("it says more").expect("text");
        let first = next();
        let address = first.strip_prefix("The store is at http://").expect("its address").to_owned();
        let mut pasted = Vec::new();
        while pasted.len() < 3 {
            let line = next();
            if line.trim_start().starts_with("curl ") {
                pasted.push(line.trim().to_owned());
            }
        }
        Self { process, address, pasted, data: data.to_owned() }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it, and serves the same store at the same address.
    pub fn kill_and_start(&mut self) {
        self.kill();
        let (data, address) = (self.data.clone(), self.address.clone());
        *self = Self::start_at(&data, &address);
    }

    /// Kills it, starts it, and does not wait until it serves.
    pub fn kill_and_spawn(&mut self) {
        self.kill();
        self.process = spawn(&self.data, &self.address);
    }

    fn kill(&mut self) {
        self.process.kill().expect("the process is ours");
        let status = self.process.wait().expect("it ends");
        assert_eq!(status.code(), None, "it had ended before it was killed");
    }
}

fn spawn(data: &Path, address: &str) -> Child {
    let mut command = program(&["serve", "--listen", address, "--data", data.to_str().expect("a path")]);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts")
}
