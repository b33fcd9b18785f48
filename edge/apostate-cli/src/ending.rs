//! The end of a command that failed: its exit code, and with `--json` what it says, both for programs.
//!
//! A program tells by the exit code what it may do next: correct its words, ask again with the same key, wait, or give up.

use std::process::ExitCode;

use apostate_api::ErrorCode;
use apostate_api::client::SetupError;
use serde_json::{Value, json};

use crate::failure::{Change, Failure};

/// The exit codes, in the order of their numbers from 1 on. They are listed in `docs/running.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ending {
    /// None of the others.
    Failed = 1,
    /// The command line is wrong.
    Words = 2,
    /// It was done for all we know, or it may have been.
    Unknown = 3,
    /// The entity refused.
    Refused = 4,
    /// There is no such entity, kind, handler, parked message or agreement.
    Missing = 5,
    /// No node answers there, or not as one.
    NoNode = 6,
    /// The node does not let us in.
    Token = 7,
    /// The node has no room or no time now; the same command may do later.
    Later = 8,
}

impl Ending {
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

impl Failure {
    /// How a command that fails so ends.
    pub(crate) fn ending(&self) -> Ending {
        match self {
            Self::Unknown { .. } | Self::Unshown { .. } => Ending::Unknown,
            Self::Problem(problem) if problem.refusal.is_some() => Ending::Refused,
            Self::Problem(problem) => problem.error_code().map_or(Ending::Failed, of_code),
            Self::ParkedMissing { .. } => Ending::Missing,
            Self::EntityName { .. } | Self::NoPath(_) | Self::TooLong => Ending::Words,
            Self::Argument(_) | Self::ArgumentTwice(_) => Ending::Words,
            Self::Setup(SetupError::Url(_) | SetupError::Token | SetupError::Authorities(_)) => Ending::Words,
            Self::Unreachable { .. } | Self::Mute { .. } | Self::NoNode { .. } => Ending::NoNode,
            Self::Setup(SetupError::Http(_)) | Self::TokenFile { .. } | Self::CaFile { .. } | Self::Runtime(_) => {
                Ending::Failed
            }
            Self::Audit { .. } | Self::UnreadableStates { .. } | Self::Broken { .. } | Self::Output(_) => {
                Ending::Failed
            }
        }
    }

    /// The failure as one JSON object: the exit code, a word for it, what happened, what to try next, and the node's own problem.
    pub(crate) fn as_json(&self) -> Value {
        let ending = self.ending();
        let mut object = json!({
            "exit_code": ending as u8,
            "code": self.code(),
            "detail": self.chain(),
            "next": self.next(),
        });
        match self {
            Self::Problem(problem) => object["problem"] = json!(problem),
            Self::Unknown { of: Change::Call { key }, .. } | Self::Unshown { key, .. } => object["key"] = json!(key),
            Self::Unknown { of: Change::Parked { id } | Change::Settlement { id }, .. } => object["id"] = json!(id),
            _ => {}
        }
        object
    }

    /// The node's code where it has one, and else a word of ours.
    fn code(&self) -> &str {
        match (self, self.ending()) {
            (Self::Problem(problem), _) => &problem.code,
            (Self::ParkedMissing { .. }, _) => ErrorCode::ParkedMissing.as_str(),
            (Self::Audit { .. }, _) => "agreements-broken",
            (Self::UnreadableStates { .. }, _) => ErrorCode::UnreadableState.as_str(),
            (Self::Unknown { .. }, _) => ErrorCode::OutcomeUnknown.as_str(),
            (Self::Unshown { .. }, _) => "reply-not-written",
            (Self::Broken { .. }, _) => "answer-unreadable",
            (_, Ending::NoNode) => "node-unreachable",
            (_, Ending::Words) => "wrong-arguments",
            _ => "failed",
        }
    }
}

fn of_code(code: ErrorCode) -> Ending {
    match code {
        ErrorCode::Refused => Ending::Refused,
        ErrorCode::DoneEarlier | ErrorCode::UnreadableReply => Ending::Unknown,
        // The node says no to what the command line says, whatever is there: to a client key, or to arguments.
        ErrorCode::BadClientKey | ErrorCode::BadJson => Ending::Words,
        ErrorCode::AgreementMissing
        | ErrorCode::EntityMissing
        | ErrorCode::HandlerMissing
        | ErrorCode::HandlerNotOpen
        | ErrorCode::TentativeIsProposed
        | ErrorCode::KindMissing
        | ErrorCode::ParkedMissing => Ending::Missing,
        ErrorCode::TokenMissing | ErrorCode::TokenWrong => Ending::Token,
        code if code.is_retryable() => Ending::Later,
        _ => Ending::Failed,
    }
}

#[cfg(test)]
mod tests {
    use apostate_api::Problem;

    use super::*;

    #[test]
    fn programs_tell_failures_apart() {
        let problem = |code| Failure::Problem(Box::new(Problem::new(code, "text")));
        let refused = Failure::Problem(Box::new(Problem::refused(422, "out-of-stock", "none is left")));
        let (url, detail) = ("http://127.0.0.1:1".to_owned(), "text".to_owned());
        let of = Change::Call { key: "a-1".to_owned() };
        let cases = [
            (refused, 4, "refused"),
            (problem(ErrorCode::EntityMissing), 5, "entity-missing"),
            (problem(ErrorCode::TokenWrong), 7, "token-wrong"),
            (problem(ErrorCode::Busy), 8, "busy"),
            (problem(ErrorCode::HandlerPanicked), 1, "handler-panicked"),
            (Failure::Unreachable { url: url.clone(), detail: detail.clone() }, 6, "node-unreachable"),
            (Failure::Argument("units".to_owned()), 2, "wrong-arguments"),
            (Failure::Unknown { url, of, detail }, 3, "outcome-unknown"),
        ];
        for (failure, exit, code) in cases {
            let shown = failure.as_json();
            assert_eq!((&shown["exit_code"], &shown["code"]), (&json!(exit), &json!(code)), "{shown}");
            assert!(shown["detail"].is_string() && shown["next"].is_string(), "{shown}");
            match exit {
                3 => assert_eq!(shown["key"], "a-1"),
                4 => assert_eq!(shown["problem"]["refusal"]["code"], "out-of-stock"),
                _ => {}
            }
        }
    }
}
