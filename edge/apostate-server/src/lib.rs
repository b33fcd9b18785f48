//! A host of partitions: clocks, disks, sockets and threads.
//!
//! Below the scale-agnostic line an entity lives in a partition, and a partition is a value that takes steps. This crate lets
//! them take steps: a [`Node`] opens the data directory, gives every partition a thread, a clock, a log and a
//! store, and carries out what it wants. A [`Client`] is how the program around it talks to entities.
//!
//! ```text
//!   Client ──▶ mailbox ──▶ executor ──▶ log writer          one thread each; they meet
//!     ▲                     │  ▲  └───▶ checkpointer        at the boundaries of a turn,
//!     └───── answers ───────┘  └─────── loaders             in batches
//! ```
//!
//! ```
//! use apostate::prelude::*;
//! use apostate_server::{Node, Settings};
//!
//! #[entity(name = "stock")]
//! #[derive(Default, Serialize, Deserialize)]
//! pub struct Stock {
//!     on_hand: u32,
//! }
//!
//! #[handlers]
//! impl Stock {
//!     #[open]
//!     pub fn receive(&mut self, units: u32) -> u32 {
//!         self.on_hand += units;
//!         self.on_hand
//!     }
//! }
//!
//! # let data = tempfile::tempdir()?;
//! # let data = data.path().join("data");
//! let mut node = Node::open::<(Stock,)>(Settings::new(data))?;
//! let client = node.client();
//! let level = client.call(Stock::at("tea").receive(5)).wait()?;
//! assert_eq!(level, 5); // and durable
//! node.stop()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order: [`Settings`]; [`Node`], its threads and how it ends; `executor`, where the work is done, and `answers`,
//! where it is waited for; `storage`, what is kept on disk; `watchdog`, what is slow or stuck; `traces`; [`Client`], the way in for the same
//! process; [`Serving`] and `http`, the way in for everybody else; [`run`](run()), a whole `main`.
//!
//! What is deliberately absent: locks around entities, tasks, and any knowledge of what an entity is.

mod settings;

mod node;

mod executor;

mod answers;

mod storage;

mod watchdog;

mod traces;

mod client;

mod http;

mod run;

mod clock;
mod names;
mod random;
mod sync;

pub use crate::answers::stop::{Interruption, PartitionStop};
pub use crate::client::{
    CallError, Client, Listed, Listing, ParkedMessage, ParkedMessages, Pending, Producer, ProducerAnswer,
    ProducerError, StreamBreak,
};
pub use crate::clock::HostClock;
pub use crate::executor::announcement::Progress;
pub use crate::executor::moving::MoveError;
pub use crate::executor::status::{NodeStatus, PartitionStatus, Work};
pub use crate::http::{CertificateError, HttpSettings, Listener, ServeError, Serving, TlsCertificate};
pub use crate::node::{FAILPOINTS, Node, OpenError, StopError};
pub use crate::run::{
    About, Bytes, Config, ConfigError, LogFormat, LogLevel, Origins, RunError, Secret, StopSignal, Time, TypedToken,
    main, report, run,
};
pub use crate::settings::{PARTITIONS_MAX, Settings, SettingsError, Share, TraceSettings};
pub use crate::storage::directory::DirectoryError;
pub use crate::storage::disk::DiskError;
pub use apostate_api::ProducerSummary;
pub use apostate_core::Writes;
pub use apostate_partition::StopReason;
