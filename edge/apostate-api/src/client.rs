//! The client: talks to a node over HTTP, in the types of the application.
//!
//! ```no_run
//! # use apostate::prelude::*;
//! # #[entity(name = "stock")]
//! # #[derive(Default, Serialize, Deserialize)]
//! # pub struct Stock { on_hand: u32 }
//! # #[handlers]
//! # impl Stock {
//! #     #[open]
//! #     pub fn receive(&mut self, units: u32) -> u32 { self.on_hand += units; self.on_hand }
//! # }
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use apostate_api::client::Client;
//!
//! let client = Client::new("http://127.0.0.1:7070")?;
//! let level: u32 = client.call(Stock::at("tea").receive(5)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A call that got no answer may have been done. So each call has a key of its own, and is asked again with it until
//! there is an answer or its deadline passes: however often it is asked, it is done once. What is left then is
//! [`ClientError::Unknown`], and never a guess.
//!
//! Asking again is paced with growing waits, and paid for from a bucket that answers fill: a node that has too much to do
//! is not asked for more.
//!
//! It talks to its node and to nothing else: neither proxies nor redirects are followed.
//!
//! Reading order: [`Client`]; [`ClientError`]; `asking`, how a request is repeated; `answer`, what an answer means for that; `pool`,
//! the connections below; `calls`, what has the types of the application; `operators`, what needs no types; [`Listing`], all of a kind; [`Producer`], a stream of numbered messages.

mod agreements;
mod answer;
mod asking;
mod audit;
mod calls;
mod connect;
mod connection;
mod error;
mod key;
mod listing;
mod operators;
mod path;
mod pool;
mod producer;
mod random;
mod response;
mod retry;
mod setup;
mod states;
mod stream;
mod tls;
mod typed;

pub use apostate_core::{EntityKey, KeyError, Refusal, Writes};

pub use crate::ProducerSummary;
pub use crate::client::audit::{AgreementAudit, AuditFault, AuditFinding};
pub use crate::client::error::{ClientError, ProducerError, SetupError};
pub use crate::client::key::new_key;
pub use crate::client::listing::Listing;
pub use crate::client::producer::Producer;
pub use crate::client::setup::Client;
