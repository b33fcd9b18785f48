//! The command line: commands and their settings.

use std::path::PathBuf;

use apostate_server::{Config, Settings};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Orders that the demonstration makes up, unless another number is given.
const DEMO_ORDERS: u64 = 20_000;

/// Order processing on durable entities. Without a command: `serve`.
#[derive(Debug, Parser)]
#[command(name = "store-node", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves the store over HTTP until it is told to stop; works after a kill as if nothing had happened
    Serve(Box<Config>),
    /// Works on orders that it makes up, always the same ones
    Demo {
        /// Where the store lives; a directory that is removed afterwards, if none is given
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// How many orders
        #[arg(long, value_name = "N", default_value_t = DEMO_ORDERS)]
        orders: u64,
    },
    /// Replays an Online Retail CSV file. Run it again at any time, also after a kill: no line counts twice
    Replay(Replay),
    /// Writes all entities of one kind as CSV to stdout, sorted by the bytes of their names
    Export {
        /// Which kind
        kind: Kind,
        #[command(flatten)]
        site: Site,
        #[command(flatten)]
        asking: Asking,
    },
}

/// A replay: of which file, where, and how.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The file, plain or gzip
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) site: Site,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// How many partitions a new store gets; one per core, if not said
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "url")]
    pub(crate) partitions: Option<u32>,
    /// Sends each line as a call of its own with an `Idempotency-Key`, not all as one numbered stream. A log that was replayed
    /// one way counts again the other way, and with keys also once the node has forgotten them
    #[arg(long, requires = "url")]
    pub(crate) singly: bool,
    /// How many calls are under way at a time, each on a connection of its own
    #[arg(long, value_name = "N", default_value_t = 64, requires = "singly",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) connections: u32,
    /// Prints the totals as one JSON object on the last line of stdout
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
}

/// The place of the store: a directory, which no other process uses meanwhile, or a URL.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Site {
    /// Where the store lives
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The node that serves the store, such as http://127.0.0.1:7070
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// How a node is asked.
#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// The node's token, if it wants one
    #[arg(long, value_name = "TOKEN", env = "APOSTATE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Seconds to wait for a node that does not answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "url",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,
}

/// A place, as it was given.
pub(crate) enum Where {
    /// A directory.
    Data(PathBuf),
    /// A URL.
    Node(String),
}

impl Site {
    /// The place that was given.
    pub(crate) fn place(self) -> Where {
        match (self.data, self.url) {
            (Some(data), _) => Where::Data(data),
            (None, url) => Where::Node(url.expect("one of them is required")),
        }
    }
}

impl Arguments {
    /// Whether it is to serve.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.command, None | Some(Command::Serve(_)))
    }
}

/// The kinds of entities of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    Stock,
    Customer,
    Country,
    Invoice,
}

/// Sizes for which the defaults serve. A test makes them tiny, to see in a short log what otherwise takes a long one.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Sizes {
    /// Bytes of log after which a checkpoint is made
    #[arg(long, value_name = "N", hide = true)]
    checkpoint_log_bytes: Option<u64>,
    /// Bytes of one segment file of the log
    #[arg(long, value_name = "N", hide = true)]
    segment_bytes: Option<u64>,
    /// Bytes of entities that are kept in memory
    #[arg(long, value_name = "N", hide = true)]
    cache_bytes: Option<usize>,
}

impl Sizes {
    /// The settings with these sizes.
    pub(crate) fn apply(self, settings: Settings) -> Settings {
        let Self { checkpoint_log_bytes, segment_bytes, cache_bytes } = self;
        Settings {
            checkpoint_log_bytes: checkpoint_log_bytes.unwrap_or(settings.checkpoint_log_bytes),
            segment_bytes: segment_bytes.unwrap_or(settings.segment_bytes),
            cache_bytes: cache_bytes.unwrap_or(settings.cache_bytes),
            ..settings
        }
    }
}
