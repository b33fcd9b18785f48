//! A whole `main`: a node with its entities, served over HTTP until a signal stops it.
//!
//! Reading order: `program`, a `main` of one line; `serve`, from the start to the stop; `config`, the settings of the command line;
//! `error`, what is said of a failure.

mod about;
mod program;
mod reload;
mod serve;
mod stop_signal;

mod config;
mod error;

pub use crate::run::about::About;
pub use crate::run::config::{Bytes, Config, LogFormat, LogLevel, Origins, Secret, Time, TypedToken};
pub use crate::run::error::{ConfigError, RunError, report};
pub use crate::run::program::main;
pub use crate::run::serve::run;
pub use crate::run::stop_signal::StopSignal;
