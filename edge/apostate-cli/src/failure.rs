//! Failures of the command, each with the next thing to try and an exit code.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

use apostate_api::client::{ClientError, KeyError, SetupError};
use apostate_api::{ErrorCode, Problem};

use crate::terminal::visible;

/// The reason why the command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The node says why not, or the entity.
    #[error("{} ({})", .0.detail, code_of(.0))]
    Problem(Box<Problem>),
    /// Of several messages, some are not parked; what was asked was done to the others.
    #[error("{missing} of {of} messages are not parked; it was done to all others")]
    ParkedMissing { missing: usize, of: usize },
    /// An audit has found pairs that do not belong together.
    #[error("{count} agreements or holds have no other side")]
    Audit { count: usize },
    /// A list is complete, and some of its entities have no state to show.
    #[error("{count} entities of the list cannot be shown; in the place of its state each has the reason")]
    UnreadableStates { count: usize },
    /// It may have been done.
    #[error("outcome unknown: {url} may have done it: {detail}")]
    Unknown { url: String, of: Change, detail: String },
    /// It was done, and nobody takes the reply.
    #[error("it was done, and its reply cannot be written")]
    Unshown { key: String, source: io::Error },
    /// Nobody is there.
    #[error("{url} does not answer: {detail}")]
    Unreachable { url: String, detail: String },
    /// The node is there, and its partitions say nothing.
    #[error("no status of the partitions from {url}: {detail}")]
    Mute { url: String, detail: String },
    /// Somebody else is there.
    #[error("{url} answers with status {status}, and not as a node does")]
    NoNode { url: String, status: u16 },
    /// The answer breaks off, or is not one.
    #[error("the answer of {url} cannot be read: {detail}")]
    Broken { url: String, detail: String },
    /// The URL or the token is none.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The token cannot be had.
    #[error("the token cannot be read from {}", .file.display())]
    TokenFile { file: PathBuf, source: io::Error },
    /// The certificates of authorities cannot be had.
    #[error("the certificates cannot be read from {}", .file.display())]
    CaFile { file: PathBuf, source: io::Error },
    /// The async runtime does not start.
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    /// No entity's name.
    #[error("invalid entity `{name}`: expected KIND/KEY")]
    EntityName { name: String, source: Option<KeyError> },
    /// A name that cannot be asked for.
    #[error("`{0}` cannot stand in a URL")]
    NoPath(String),
    /// More than can be asked at once.
    #[error("the arguments are too long for a URL; nothing was done")]
    TooLong,
    /// No argument.
    #[error("invalid argument `{0}`: expected name=value or a JSON object")]
    Argument(String),
    /// One argument, said twice.
    #[error("the arguments say `{0}` twice")]
    ArgumentTwice(String),
    /// Nobody takes what is written.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

/// Something that changes what is there: how to find out whether it was done.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A call with this key.
    Call { key: String },
    /// A command about the parked message with this id.
    Parked { id: String },
    /// A settlement by hand of the agreement with this id.
    Settlement { id: String },
}

impl Failure {
    /// Whether the reader of our output has seen enough, and nothing is wrong.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether the message that was meant is not parked, or not any more.
    pub(crate) fn is_parked_missing(&self) -> bool {
        matches!(self, Self::Problem(problem) if problem.error_code() == Some(ErrorCode::ParkedMissing))
    }

    /// Why the node at `url` did not show what it was asked for.
    pub(crate) fn of(error: ClientError, url: &str) -> Self {
        let url = url.to_owned();
        match error {
            ClientError::Refused(refusal) => {
                let status = refusal.status();
                Self::Problem(Box::new(Problem::refused(status, refusal.code, refusal.text)))
            }
            ClientError::Problem(problem) | ClientError::Unshown(problem) => Self::Problem(problem),
            ClientError::Unreachable { detail, .. } => Self::Unreachable { url, detail },
            ClientError::NoNode { status, .. } => Self::NoNode { url, status },
            ClientError::NoPath(name) => Self::NoPath(name),
            ClientError::TooLong => Self::TooLong,
            ClientError::Broken(detail) | ClientError::Unreadable(detail) => Self::Broken { url, detail },
            other => Self::Broken { url, detail: other.to_string() },
        }
    }

    /// What became of a change that was asked of the node at `url`. One whose answer does not read may have been done.
    pub(crate) fn of_change(error: ClientError, url: &str, of: Change) -> Self {
        let unknown = |detail| Self::Unknown { url: url.to_owned(), of, detail };
        match error {
            ClientError::Unknown { detail, .. } => unknown(detail),
            ClientError::Broken(detail) | ClientError::Unreadable(detail) => {
                unknown(format!("its answer cannot be read: {detail}"))
            }
            error => Self::of(error, url),
        }
    }

    /// The same, where it is the reply of a call with this key that was to be shown.
    pub(crate) fn of_reply(self, key: String) -> Self {
        match self {
            Self::Output(source) if source.kind() != io::ErrorKind::BrokenPipe => Self::Unshown { key, source },
            failure => failure,
        }
    }

    /// The same, where it is the partitions of a node that is alive that were asked.
    pub(crate) fn of_partitions(self) -> Self {
        match self {
            Self::Unreachable { url, detail } => Self::Mute { url, detail },
            failure => failure,
        }
    }

    /// The failure with its causes, and then what to try next.
    pub(crate) fn told(&self) -> String {
        visible(&format!("error: {}\n next: {}", self.chain(), self.next())).into_owned()
    }

    /// The failure with its causes.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(text, ": {error}").expect("a string takes everything");
            cause = error.source();
        }
        text
    }

    /// The next thing to try.
    pub(crate) fn next(&self) -> String {
        match self {
            Self::Problem(problem) => problem
                .error_code()
                .and_then(next_of)
                .map_or_else(|| format!("look at {} of the node", problem.r#type), str::to_owned),
            Self::UnreadableStates { .. } => "see /errors/unreadable-state of the node".to_owned(),
            Self::Audit { .. } => {
                "see in `apostate partition list` whether one has stopped, and audit again; then settle by hand what is held".to_owned()
            }
            Self::ParkedMissing { .. } => "look for them with `apostate parked list`".to_owned(),
            Self::Unknown { of: Change::Call { key }, .. } | Self::Unshown { key, .. } => {
                format!("repeat the same command with `--key {}`: it is done once, whatever happened", quoted(key))
            }
            Self::Unknown { of: Change::Parked { id }, .. } => {
                format!("see with `apostate parked list` whether {id} is still there")
            }
            Self::Unknown { of: Change::Settlement { id }, .. } => {
                format!("see with `apostate agreement show {id}` whether it is still held")
            }
            Self::Unreachable { .. } => "start the node, or say where it is with --url or APOSTATE_URL".to_owned(),
            Self::NoNode { .. } | Self::Setup(SetupError::Url(_)) => {
                "say where the node is with --url or APOSTATE_URL".to_owned()
            }
            Self::Setup(SetupError::Token) => "say the token with --token-file or APOSTATE_TOKEN".to_owned(),
            Self::Mute { .. } => "try again in a moment; if that does not help, look at the node's log".to_owned(),
            Self::Broken { .. } => "repeat the command; if that does not help, look at the node's log".to_owned(),
            Self::Setup(SetupError::Authorities(_)) => {
                "name a file of certificates in PEM with --ca-file or APOSTATE_CA_FILE".to_owned()
            }
            Self::TokenFile { .. } | Self::CaFile { .. } => "check the file's path and its permissions".to_owned(),
            Self::Setup(SetupError::Http(_)) | Self::Runtime(_) => {
                "do what it says above, and repeat the command".to_owned()
            }
            Self::EntityName { .. } => "write kind and key with a slash between them: stock/tea".to_owned(),
            Self::NoPath(_) => {
                "choose another name; an entity with this key takes what comes through /messages alone".to_owned()
            }
            Self::TooLong => "ask with less: a handler that only looks is told its arguments in the URL".to_owned(),
            Self::Argument(_) => {
                "write name=value, or all arguments as one object: --arguments '{\"units\":5}'".to_owned()
            }
            Self::ArgumentTwice(_) => "say each argument once; several values are a list: tags='[1,2]'".to_owned(),
            Self::Output(_) => "make room, or choose another place".to_owned(),
        }
    }
}

/// The author's own code where an entity refused, and else the node's.
fn code_of(problem: &Problem) -> &str {
    problem.refusal.as_ref().map_or(&problem.code, |refusal| &refusal.code)
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.,:/@%+=".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.into()
    } else {
        format!("'{}'", word.replace('\'', r"'\''")).into()
    }
}

/// What an operator tries next, where the code alone says it.
fn next_of(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::AgreementMissing => "look for it with `apostate agreement list`",
        ErrorCode::CannotSettle => "look at it again with `apostate agreement list`",
        ErrorCode::BadClientKey => "choose another --key, of 1 to 255 characters of ASCII, or leave it out",
        ErrorCode::Busy | ErrorCode::NotReady | ErrorCode::RequestTimeout => "try again in a moment",
        ErrorCode::EntityMissing => "look for the key with `apostate entity list KIND`",
        ErrorCode::HandlerMissing
        | ErrorCode::HandlerNotOpen
        | ErrorCode::TentativeIsProposed
        | ErrorCode::KindMissing => "look at /openapi.json of the node for what there is",
        ErrorCode::DoneEarlier | ErrorCode::UnreadableReply => {
            "do not repeat it; see what came of it with `apostate entity show KIND/KEY`"
        }
        ErrorCode::NewerFormat => "start the node with a build at least as new as the one that wrote the data",
        ErrorCode::ParkedMissing => "look for it with `apostate parked list`",
        ErrorCode::PartitionStopped => "see why with `apostate partition list`, mend it, and start the node again",
        ErrorCode::TlsRequired => "name the node with https:// in --url or APOSTATE_URL",
        ErrorCode::TokenMissing | ErrorCode::TokenWrong => "say the token with --token-file or APOSTATE_TOKEN",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_author_says_does_not_steer_the_terminal() {
        let told = Failure::Problem(Box::new(Problem::refused(409, "no", "only \u{1b}[2J left"))).told();
        assert_eq!(told, "error: only \\u{1b}[2J left (no)\n next: look at /errors/refused of the node");
    }

    #[test]
    fn a_key_can_be_pasted_back() {
        for (key, word) in
            [("5f8e-1", "5f8e-1"), ("two words", "'two words'"), ("it's", r"'it'\''s'"), ("$HOME", "'$HOME'")]
        {
            assert_eq!(quoted(key), word);
        }
    }
}
