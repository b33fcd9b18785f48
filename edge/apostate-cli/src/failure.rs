//! What can go wrong, each with the next thing to try.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use apostate_api::{ErrorCode, Problem};

/// Why the command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The node says why not.
    #[error("{} ({})", .0.detail, .0.code)]
    Problem(Box<Problem>),
    /// The same, of something that may have been done.
    #[error("{} ({})", .problem.detail, .problem.code)]
    Unknown { problem: Box<Problem>, key: String },
    /// Nobody knows whether it was done: the answer did not come.
    #[error("{url} did not answer; the call may have been done")]
    Unanswered { url: String, key: String, source: Box<ureq::Error> },
    /// Nobody is there.
    #[error("{url} does not answer")]
    Unreachable { url: String, source: Box<ureq::Error> },
    /// Somebody else is there.
    #[error("{url} answers with status {status}, and not as a node does")]
    NoNode { url: String, status: u16 },
    /// The answer breaks off, or is not one.
    #[error("the answer of {url} cannot be read: {detail}")]
    Broken { url: String, detail: String },
    /// The URL is none.
    #[error("this is no URL of a node: {detail}")]
    Url { detail: String },
    /// The token cannot be had.
    #[error("the token cannot be read from {}", .file.display())]
    TokenFile { file: PathBuf, source: io::Error },
    /// No entity's name.
    #[error("`{0}` names no entity")]
    EntityName(String),
    /// No argument.
    #[error("`{0}` is no argument")]
    Argument(String),
    /// Nobody takes what is written.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Whether the reader of our output has seen enough, and nothing is wrong.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The failure of a call with this client key, with which it can be asked again.
    pub(crate) fn with_key(self, key: &str) -> Self {
        match self {
            Self::Problem(problem) if problem.error_code() == Some(ErrorCode::OutcomeUnknown) => {
                Self::Unknown { problem, key: key.to_owned() }
            }
            Self::Unreachable { url, source } if may_have_arrived(&source) => {
                Self::Unanswered { url, key: key.to_owned(), source }
            }
            other => other,
        }
    }

    /// 1: no. 2: the command line is wrong. 3: nobody knows whether it was done.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unknown { .. } | Self::Unanswered { .. } => ExitCode::from(3),
            Self::EntityName(_) | Self::Argument(_) | Self::Url { .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// The failure with its causes, and then what to try next.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(text, ": {error}").expect("a string takes everything");
            cause = error.source();
        }
        format!("{text}\n next: {}", self.next())
    }

    fn next(&self) -> String {
        match self {
            Self::Problem(problem) => problem.error_code().map_or_else(
                || format!("look at {} of the node", problem.r#type),
                |code| next_of(code).map_or_else(|| format!("look at {} of the node", problem.r#type), str::to_owned),
            ),
            Self::Unknown { key, .. } | Self::Unanswered { key, .. } => {
                format!("repeat the same command with `--key {key}`: it is done once, whatever happened")
            }
            Self::Unreachable { .. } => "start the node, or say where it is with --url or APOSTATE_URL".to_owned(),
            Self::NoNode { .. } | Self::Url { .. } => "say where the node is with --url or APOSTATE_URL".to_owned(),
            Self::Broken { .. } => "repeat the command; if that does not help, look at the node's log".to_owned(),
            Self::TokenFile { .. } => "check the file's path and its permissions".to_owned(),
            Self::EntityName(_) => "write kind and key with a slash between them: stock/tea".to_owned(),
            Self::Argument(_) => {
                "write name=value, or all arguments as one object: --arguments '{\"units\":5}'".to_owned()
            }
            Self::Output(_) => "make room, or choose another place".to_owned(),
        }
    }
}

/// Whether the request may have reached the node.
fn may_have_arrived(error: &ureq::Error) -> bool {
    !matches!(error, ureq::Error::ConnectionFailed | ureq::Error::HostNotFound | ureq::Error::BadUri(_))
        && !matches!(error, ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused)
}

/// What an operator tries next, where the code alone says it.
fn next_of(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::Busy | ErrorCode::NotReady | ErrorCode::RequestTimeout => "try again in a moment",
        ErrorCode::EntityMissing => "look for the key with `apostate entity list KIND`",
        ErrorCode::HandlerMissing | ErrorCode::HandlerNotOpen | ErrorCode::KindMissing => {
            "look at /openapi.json of the node for what there is"
        }
        ErrorCode::ParkedMissing => "look for it with `apostate parked list`",
        ErrorCode::PartitionStopped => "see why with `apostate partition list`, mend it, and start the node again",
        ErrorCode::TokenMissing | ErrorCode::TokenWrong => "say the token with --token-file or APOSTATE_TOKEN",
        _ => return None,
    })
}
