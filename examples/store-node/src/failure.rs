//! Failures of the program, each with the next thing to try.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use apostate_api::ErrorCode;
use apostate_api::client::{self, ClientError, SetupError};
use apostate_server::{CallError, OpenError, ProducerError, RunError, StopError, report};
use store::Imbalance;

use crate::csv_file::FileError;

/// The next thing to try when the node wants a token.
const TOKEN: &str = "give the node's token with `--token TOKEN` or in APOSTATE_TOKEN, and run the same command again";

/// Why the program did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file is not as it should be. Nothing of it was sent.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to export.
    #[error("there is no store in {dir}")]
    NoStore { dir: PathBuf },
    /// The store does not start.
    #[error("cannot open the store in {dir}")]
    Open { dir: PathBuf, source: OpenError },
    /// The store cannot be served.
    #[error(transparent)]
    Serve(#[from] RunError),
    /// A line was not taken.
    #[error("line {number} was not accepted")]
    Line { number: u64, source: Box<dyn Error + Send + Sync> },
    /// The stream of lines broke off.
    #[error("the stream of lines broke off before all were accepted")]
    Producer(#[from] ProducerError),
    /// The entities do not answer.
    #[error("the entities do not answer")]
    Call(#[from] CallError),
    /// There are no timers and sockets to be had.
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    /// The node cannot be asked.
    #[error("cannot create the HTTP client")]
    Setup(#[from] SetupError),
    /// The node does not answer as it should.
    #[error("the request to the node failed")]
    Node(#[from] ClientError),
    /// The stream of lines to the node broke off.
    #[error("the stream to the node broke off before all lines were accepted")]
    Stream(#[from] client::ProducerError),
    /// A partition of the node has stopped.
    #[error("partition {partition} of the node has stopped: {reason}")]
    PartitionStopped { partition: u64, reason: String },
    /// Messages wait on the node, and none moves.
    #[error("messages are stuck on the node: no progress for {patience:?}")]
    NotQuiet { patience: Duration },
    /// The store does not stop as it should.
    #[error("the store did not stop cleanly")]
    Stop(#[from] StopError),
    /// The entities contradict each other.
    #[error(transparent)]
    Balance(#[from] Imbalance),
    /// A directory for a moment could not be had.
    #[error("cannot create a temporary directory")]
    Scratch(#[source] io::Error),
    /// The output is closed or full.
    #[error("cannot write the output")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Whether the reader of our output has seen enough, and nothing is wrong.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Serve(error) => error.exit_code(),
            _ => ExitCode::FAILURE,
        }
    }

    /// The failure with its causes, and then what to try next.
    pub(crate) fn told(&self) -> String {
        report(self, &self.next())
    }

    fn next(&self) -> String {
        match self {
            Self::File(FileError::Io { .. }) => {
                "check the file's path and that it is whole; nothing of it was sent".into()
            }
            Self::File(_) => "mend that line and run the same command again; nothing of the file was sent".into(),
            Self::NoStore { dir } => {
                format!("make one with `cargo run --release -- replay FILE --data {}`", dir.display())
            }
            Self::Serve(error) => error.next_step().into(),
            Self::Open { .. } | Self::Runtime(_) => "do what it says above, and run the same command again".into(),
            Self::Setup(_) => "name the node as it names itself, such as `--url http://127.0.0.1:7070`".into(),
            Self::Node(error) if error.code() == Some(ErrorCode::TokenMissing) => TOKEN.into(),
            Self::Stream(client::ProducerError::Ended { problem, .. })
                if problem.error_code() == Some(ErrorCode::TokenMissing) =>
            {
                TOKEN.into()
            }
            Self::Node(_) | Self::Stream(_) => {
                "see that the node runs, and run the same command again: it counts no line twice".into()
            }
            Self::PartitionStopped { .. } | Self::NotQuiet { .. } => {
                "see what the node's log and its `/partitions` say; then run the same command again".into()
            }
            Self::Line { .. } => {
                "this is a fault in the store's own code: keep the directory and report the line".into()
            }
            Self::Producer(_) | Self::Call(_) | Self::Stop(_) => {
                "run the same command again: it continues, and counts no line twice".into()
            }
            Self::Balance(_) => {
                "run the same command again; if the books still do not balance, keep the directory and report it".into()
            }
            Self::Scratch(_) => "name one yourself: `cargo run --release -- demo --data DIR`".into(),
            Self::Output(_) => "make room or choose another place, and run the same command again".into(),
        }
    }
}
