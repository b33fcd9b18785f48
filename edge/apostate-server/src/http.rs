//! The edge: entities over HTTP, for people and for programs.
//!
//! ```text
//!   POST /entities/stock/tea/receive {"units":5}
//!        │ connection ─▶ service ─▶ calls ─▶ dispatcher ─▶ executor       reading and writing on one thread,
//!        ◀──── reply ◀──────────────────── completion queue ◀─┘            running on another, batches in between
//! ```
//!
//! The vocabulary is the paper's: kinds, entities, their handlers, messages. A handler that changes is called with POST, one
//! that looks is asked with GET. What an entity refuses is an answer; what the node cannot do is a problem with a stable code and a
//! page that explains it. Everything is bounded: heads, bodies, connections, streams, requests, time.
//!
//! Reading order: [`HttpSettings`]; [`Serving`], its threads; `connection`, `handshake` and `activity`; `service`, where every request comes in,
//! and `routes`, the table of what there is; `calls`, `lists`, `messages`, `parked`, `operators`, who answers; `dispatcher`, the way
//! to the executors and back; `fault`,
//! what is said when something is not done, and `overload`, how fast.
//!
//! What is deliberately absent: roles and tenants. HTTP/2: what it multiplexes, `/messages` and many connections do.

mod certificate;
mod settings;

mod activity;
mod connection;
mod handshake;
mod refusal;
mod serving;

mod call_options;
mod cors;
mod edge;
mod origin;
mod path;
mod route;
mod routes;
mod service;

mod accept;
mod agreements;
mod argument_types;
mod calls;
mod lists;
mod messages;
mod openapi;
mod operators;
mod pages;
mod parked;
mod partners;
mod query;
mod settling;
mod status;

mod digest;
mod dispatcher;

mod blocking;
mod body;
mod budget;
mod fault;
mod ids;
mod json;
mod meters;
mod overload;
mod reply;
mod stream;

pub use crate::http::certificate::{CertificateError, TlsCertificate};
pub use crate::http::serving::{Listener, ServeError, Serving};
pub use crate::http::settings::HttpSettings;
pub(crate) use crate::http::settings::check_token;
