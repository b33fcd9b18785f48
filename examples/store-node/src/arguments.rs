//! What can be asked of the program on its command line.

use std::path::PathBuf;

use apostate_server::Settings;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Order processing on durable entities. Without a command: works on orders that it makes up.
#[derive(Debug, Parser)]
#[command(name = "store-node", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Works on orders that it makes up, always the same ones
    Demo {
        /// Where the store lives; a directory that is removed afterwards, if none is given
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// How many orders
        #[arg(long, value_name = "N", default_value_t = crate::demo::ORDERS)]
        orders: u64,
    },
    /// Replays an Online Retail CSV file. Run it again at any time, also after a kill: no line counts twice
    Replay {
        /// The file, plain or gzip
        file: PathBuf,
        /// Where the store lives
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// How many partitions a new store gets; one per core, if not said
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        partitions: Option<u32>,
        /// Prints the totals as one JSON object on the last line of stdout
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        sizes: Sizes,
    },
    /// Writes all entities of one kind as CSV to stdout, sorted by the bytes of their names
    Export {
        /// Which kind
        kind: Kind,
        /// Where the store lives
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
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
