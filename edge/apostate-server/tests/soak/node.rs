//! The node: a process of its own, so that it can be killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use apostate_server::{About, Config, run};
use serde_json::Value;
use tempfile::TempDir;

use crate::app::App;
use crate::history::Ends;

/// The first word of a process that is the node.
pub(crate) const ROLE: &str = "node";

/// How long a start may take before something is wrong with it.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// The process that is the node: `data`, then the address to listen at.
pub(crate) fn serve(words: &[String]) -> ExitCode {
    let [data, listen] = words else { return ExitCode::from(2) };
    // Sizes so small that checkpoints and trims happen all the time.
    let config = Config {
        data: Some(data.into()),
        listen: listen.parse().ok(),
        partitions: Some(3),
        checkpoint_log_bytes: "768KiB".parse().ok(),
        segment_bytes: "512KiB".parse().ok(),
        cache_bytes: "1MiB".parse().ok(),
        log_level: Some(apostate_server::LogLevel::Warn),
        ..Config::default()
    };
    let about = About { title: "Soak", description: "Journals and their mirrors.", version: "0" };
    match run::<App>(config, about, |_| Ok(())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the node: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// The node, and its data.
pub(crate) struct Node {
    process: Child,
    address: String,
    url: String,
    data: TempDir,
}

impl Node {
    pub(crate) fn start() -> Result<Self, String> {
        let data = tempfile::tempdir().map_err(|error| error.to_string())?;
        // Free now, and nobody else on this machine takes it in order in the next moment.
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.map_err(|error| error.to_string())?.to_string();
        let process = start(data.path(), &address)?;
        let node = Self { process, url: format!("http://{address}"), address, data };
        node.wait_until_ready()?;
        Ok(node)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// SIGKILL, and a new start on what is on disk.
    pub(crate) fn kill_and_start_again(&mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.process.try_wait() {
            return Err(format!("the node ended by itself with {status}"));
        }
        self.process.kill().and_then(|()| self.process.wait()).map_err(|error| error.to_string())?;
        self.process = start(self.data.path(), &self.address)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> Result<(), String> {
        let (began, url) = (Instant::now(), format!("{}/ready", self.url));
        while began.elapsed() < START_PATIENCE {
            if ureq::get(&url).call().is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err("the node does not get ready".to_owned())
    }

    /// The contents of every journal in the end, and of its mirror. Waits until no message is under way.
    pub(crate) fn read_journals(&self) -> Result<Ends, String> {
        while self.has_messages_under_way()? {
            thread::sleep(Duration::from_millis(10));
        }
        let mut mirrors = self.list("mirror")?;
        let journals = self.list("journal")?;
        Ok(journals.into_iter().map(|(key, tags)| (key, (tags, mirrors.remove(&key).unwrap_or_default()))).collect())
    }

    fn has_messages_under_way(&self) -> Result<bool, String> {
        let mut answer = ureq::get(format!("{}/partitions", self.url)).call().map_err(|error| error.to_string())?;
        let text = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let status: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let partitions = status["partitions"].as_array().ok_or("no partitions")?;
        let stopped = partitions.iter().find_map(|partition| partition["stopped"].as_str());
        stopped.map_or(Ok(()), |reason| Err(format!("a partition stopped: {reason}")))?;
        Ok(partitions.iter().any(|partition| partition["inbox"] != 0 || partition["outbox"] != 0))
    }

    fn list(&self, kind: &str) -> Result<BTreeMap<u64, Vec<u64>>, String> {
        let request = ureq::get(format!("{}/entities/{kind}", self.url)).header("accept", "application/x-ndjson");
        let answer = request.call().map_err(|error| error.to_string())?;
        let mut all = BTreeMap::new();
        for line in BufReader::new(answer.into_body().into_reader()).lines() {
            let line = line.map_err(|error| error.to_string())?;
            let item: Value = serde_json::from_str(&line).map_err(|error| error.to_string())?;
            let key = item["key"].as_str().and_then(|key| key.parse().ok()).ok_or_else(|| line.clone())?;
            let tags = item["state"]["tags"].as_array().ok_or_else(|| line.clone())?;
            let tags: Option<Vec<u64>> = tags.iter().map(Value::as_u64).collect();
            if all.insert(key, tags.ok_or_else(|| line.clone())?).is_some() {
                return Err(format!("{kind}/{key} is listed twice"));
            }
        }
        Ok(all)
    }

    /// SIGTERM, to which it must end in good order.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        let id = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).map_err(|error| error.to_string())?;
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("the node ended with {status}")) }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It has ended, or nobody needs it any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(data: &Path, address: &str) -> Result<Child, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command.arg(ROLE).arg(data.join("data")).arg(address).stdin(Stdio::null());
    command.spawn().map_err(|error| error.to_string())
}
