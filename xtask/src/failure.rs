//! Why a chore ended badly, and what to do next.
//!
//! One variant per different answer of the reader. Each message ends with the next thing to try.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// A chore that did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for something that there is not.
    Usage(String),
    /// The binary was started by hand.
    NotUnderCargo,
    /// A tool could not be started at all.
    NoTool { tool: String, source: io::Error },
    /// A step needs a tool that is not installed.
    MissingTool { step: &'static str, install: &'static str },
    /// These steps said no. What they said is above.
    Steps(Vec<&'static str>),
    /// So many breaches of the house rules. They are listed above.
    Untidy(usize),
    /// A file of the tree cannot be read.
    Unreadable { path: PathBuf, source: io::Error },
    /// A file that we keep for ourselves does not say what it should.
    Malformed { what: &'static str, why: String },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(why) => write!(f, "{why}; try `cargo xtask help`"),
            Self::NotUnderCargo => write!(f, "started without cargo; try `cargo xtask help`"),
            Self::NoTool { tool, source } => write!(f, "{tool} does not start: {source}"),
            Self::MissingTool { step, install } => write!(
                f,
                "{step} needs a tool that is not installed; install it with `{install}`, \
                 or leave the step out with `cargo xtask check --skip {step}`"
            ),
            Self::Steps(names) => {
                write!(f, "failed: {}; to repeat it alone: `cargo xtask check {}`", names.join(", "), names.join(" "))
            }
            Self::Untidy(refused) => {
                write!(f, "tidy refuses {refused}; put it right, or give a reason in xtask/tidy.toml")
            }
            Self::Unreadable { path, source } => write!(f, "{} cannot be read: {source}", path.display()),
            Self::Malformed { what, why } => write!(f, "{what} is not understood: {why}"),
        }
    }
}
