//! What can be asked: a noun, then a verb.

use std::path::PathBuf;

use clap::error::{Error, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Looks after a node of entities
#[derive(Debug, Parser)]
#[command(name = "apostate", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) noun: Noun,
    #[command(flatten)]
    pub(crate) access: Access,
    /// Prints JSON, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Arguments {
    /// What was asked; ends the process when that cannot be understood.
    pub(crate) fn read() -> Self {
        let matches = Self::command().get_matches();
        Self::of(&matches).unwrap_or_else(|error| error.format(&mut Self::command()).exit())
    }

    /// The command line counts more than the environment, also where they say the token in different ways.
    fn of(matches: &ArgMatches) -> Result<Self, Error> {
        let mut arguments = Self::from_arg_matches(matches)?;
        let Access { token, token_file, .. } = &mut arguments.access;
        let is_typed = |argument| matches.value_source(argument) == Some(ValueSource::CommandLine);
        match (is_typed("token"), is_typed("token_file")) {
            (true, false) => *token_file = None,
            (false, true) => *token = None,
            (true, true) | (false, false) => {}
        }
        if token.is_some() && token_file.is_some() {
            let detail = "say either --token or --token-file, or one of APOSTATE_TOKEN and APOSTATE_TOKEN_FILE";
            return Err(Error::raw(ErrorKind::ArgumentConflict, detail));
        }
        Ok(arguments)
    }
}

/// Which node, and what lets us in.
#[derive(Args, Debug)]
pub(crate) struct Access {
    /// The node
    #[arg(long, global = true, env = "APOSTATE_URL", value_name = "URL", default_value = "http://127.0.0.1:7070")]
    pub(crate) url: String,
    /// A file with the certificates, in PEM, of the authorities that a node behind https:// is trusted by; those that this machine
    /// trusts, if not said
    #[arg(long, global = true, env = "APOSTATE_CA_FILE", value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// The node's token
    #[arg(long, global = true, env = "APOSTATE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub(crate) token: Option<String>,
    /// A file with the node's token
    #[arg(long, global = true, env = "APOSTATE_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Noun {
    /// Entities: show, list, call, activities
    #[command(subcommand)]
    Entity(Entity),
    /// Messages that were given up on: list, show, retry, dismiss
    #[command(subcommand)]
    Parked(Parked),
    /// Agreements that are not over: list, show, settle, forget, audit
    #[command(subcommand)]
    Agreement(Agreement),
    /// Partitions: list
    #[command(subcommand)]
    Partition(Partition),
    /// The node itself: status
    #[command(subcommand)]
    Node(NodeVerb),
    /// Writes what a shell needs to complete these commands
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Entity {
    /// Shows the state of one entity
    Show {
        /// Kind and key: `stock/tea`. The key may have any characters, also `/`
        #[arg(value_name = "KIND/KEY")]
        entity: String,
    },
    /// Lists all entities of a kind, in the order of the ring
    List {
        /// Their kind
        kind: String,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Lists what one entity has to do with its partners: what it remembers about each, what it has asked and waits for, what it will send
    Activities {
        /// Kind and key: `order/42`
        #[arg(value_name = "KIND/KEY")]
        entity: String,
        /// Only this partner
        #[arg(long, value_name = "KIND/KEY", conflicts_with = "limit")]
        partner: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Calls a handler that is open to the world outside
    Call {
        /// Kind and key: `stock/tea`
        #[arg(value_name = "KIND/KEY")]
        entity: String,
        /// The handler
        handler: String,
        /// Its arguments, by name. A value is JSON if it reads as JSON, and a text if not
        #[arg(value_name = "NAME=VALUE")]
        arguments: Vec<String>,
        /// All its arguments, as one JSON object
        #[arg(long = "arguments", value_name = "JSON", conflicts_with = "arguments")]
        object: Option<String>,
        /// The client key: with the same key it is done once, however often it is asked. One of its own, if not said
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Parked {
    /// Lists them, of one entity the oldest first
    List {
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Shows one, with its arguments and why it was given up on
    Show {
        /// As `list` names it
        id: String,
    },
    /// Puts messages at the end of their entities' inboxes, as if they had been sent now
    Retry(Chosen),
    /// Drops messages for ever, unapplied
    Dismiss(Chosen),
}

/// Which parked messages.
#[derive(Args, Debug)]
#[group(required = true)]
pub(crate) struct Chosen {
    /// As `list` names them
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// All that are parked by now for entities of this kind
    #[arg(long, value_name = "KIND", conflicts_with = "ids")]
    pub(crate) all: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Agreement {
    /// Lists them, at their proposers and at the partners that hold something for them
    List {
        /// Only these
        #[arg(long, value_enum)]
        state: Option<StateFilter>,
        /// Only those of entities of this kind
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Shows one, with what each partner has answered, or what is held
    Show {
        /// As `list` names it
        id: String,
    },
    /// Ends by hand what a partner holds, when its ending is parked or its deadline has passed
    Settle {
        /// As `list` names it
        id: String,
        /// How it ends
        ending: Ending,
        /// Why: it is kept and logged
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Does not run the handler of that ending, because it cannot: set the entity right by a call
        #[arg(long)]
        without_handler: bool,
        /// The client key: with the same key it is done once, however often it is asked. One of its own, if not said
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Reads both sides of all, and says whether each hold has its agreement, and the reverse. Ends with 1 if one has not
    Audit {
        /// For how many seconds an ending may be under way
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
    },
    /// Drops what is kept of one that was settled by hand: its real ending is not recognised any more
    Forget {
        /// As `list` names it
        id: String,
    },
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Ending {
    /// What is held is used
    Confirm,
    /// What is held is put back
    Cancel,
}

/// Which agreements.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StateFilter {
    /// Agreements at their proposers
    Open,
    /// What partners hold
    Uncertain,
    /// Both, of which the deadline has passed
    PastDeadline,
    /// What was settled by hand
    Settled,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Partition {
    /// Lists them, with what is going on in each
    List,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NodeVerb {
    /// Says whether it is alive and ready, and what is going on
    Status,
}
