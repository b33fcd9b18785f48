//! Typed token: whether the command line itself gives the token or a file with it, which counts more than the environment.

use clap::error::Error;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// Which of the two the command line itself gives: the token, or a file with it.
///
/// A setting like any other is said in one way only, and there the parser of the command line prefers what is typed. It is an
/// argument of the command line that adds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypedToken {
    token: bool,
    token_file: bool,
}

impl TypedToken {
    /// Of the token and its file, which of them count: both only if they are said at the same place.
    pub(super) fn of_two<T, F>(self, token: Option<T>, file: Option<F>) -> (Option<T>, Option<F>) {
        match self {
            Self { token: true, token_file: false } => (token, None),
            Self { token: false, token_file: true } => (None, file),
            Self { token: true, token_file: true } | Self { token: false, token_file: false } => (token, file),
        }
    }

    /// As for a setting: what was said before counts.
    pub(super) fn or(self, other: Self) -> Self {
        if self == Self::default() { other } else { self }
    }
}

impl FromArgMatches for TypedToken {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let is_typed = |argument| matches.value_source(argument) == Some(ValueSource::CommandLine);
        Ok(Self { token: is_typed("token"), token_file: is_typed("token_file") })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for TypedToken {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
