//! The host of partitions: clocks, disks and threads.
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
//! Reading order: [`Settings`]; [`Node`], and `crew`, its threads; `executor`, `seat` and `mailbox`, where the work is done;
//! `directory`, `manifest` and `disk`, what is kept; `running` and `watchdog`, who is to blame; `traces`, who is followed; [`Client`], [`Pending`],
//! [`Producer`] and [`Listing`], the ways in; [`ParkedMessage`], what waits for an operator; [`HttpSettings`], [`Serving`] and
//! `http`, the way in for everybody else.
//!
//! What is deliberately absent: locks around entities, tasks, and any knowledge of what an entity is.

mod settings;

// A node as a whole: how it begins, ends and is.
mod crew;
mod node;
mod opening;
mod status;

// Executors, and what arrives at them.
mod bell;
mod clock;
mod executor;
mod luck;
mod mail;
mod mailbox;
mod notice;
mod outgoing;
mod routes;
mod seat;
mod tickets;

// Threads that wait for the disk.
mod checkpointer;
mod loader;

// What is kept.
mod directory;
mod disk;
mod failpoints;
mod manifest;

// Who is to blame, and who is followed.
mod quiet_panics;
mod running;
mod traces;
mod watchdog;

// The way in for the same process.
mod client;
mod completions;
mod error;
mod listing;
mod parked;
mod pending;
mod producer;
mod settle;
mod shared;
mod slot;
mod wish;

// The way in for everybody else.
mod desk;
mod http;
mod openapi;

// A whole `main`.
mod config;
mod run;
mod stop_signal;

pub use crate::client::Client;
pub use crate::config::{Bytes, Config, ConfigError, LogFormat, LogLevel, Secret, Time};
pub use crate::directory::DirectoryError;
pub use crate::disk::DiskError;
pub use crate::error::CallError;
pub use crate::failpoints::FAILPOINTS;
pub use crate::http::{HttpSettings, Listener, ServeError, Serving};
pub use crate::listing::{Listed, Listing};
pub use crate::node::{Node, OpenError, StopError};
pub use crate::opening::Progress;
pub use crate::parked::{ParkedError, ParkedMessage, ParkedMessages};
pub use crate::pending::Pending;
pub use crate::producer::{Producer, ProducerAnswer, ProducerError, ProducerResult};
pub use crate::run::{About, RunError, run};
pub use crate::settings::{PARTITIONS_MAX, Settings, SettingsError};
pub use crate::status::{NodeStatus, PartitionStatus, Work};
pub use crate::stop_signal::StopSignal;
pub use crate::traces::{Share, TraceSettings};
pub use apostate_api::ProducerSummary;
pub use apostate_core::Changing;
