//! A whole `main`: a node with its entities, served over HTTP until a signal stops it.

mod config;
mod program;
mod stop_signal;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;

use apostate_core::Entities;
use tracing::{info, warn};

use crate::{DirectoryError, DiskError, HttpSettings, Listener, Node, OpenError, ServeError, Serving, StopError};

pub use crate::run::config::{Bytes, Config, ConfigError, LogFormat, LogLevel, Origins, Secret, Time, TypedToken};
pub use crate::run::program::{main, report};
pub use crate::run::stop_signal::StopSignal;

/// The exit code of a process that was told twice to stop.
const ENDED_AT_ONCE: i32 = 130;
/// The exit code of a process that was told what cannot be used, as of one whose words cannot be understood.
const UNUSABLE: i32 = 2;

/// The application as it describes itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The name of the application.
    pub title: &'static str,
    /// The purpose of it, in a sentence.
    pub description: &'static str,
    /// The version of the application.
    pub version: &'static str,
}

/// Why a node did not run, or did not end as it should.
#[derive(thiserror::Error)]
pub enum RunError {
    /// The settings are invalid. Nothing was started.
    #[error("invalid settings")]
    Config(#[from] ConfigError),
    /// The signals that stop the process cannot be received. Nothing was started.
    #[error("cannot install signal handlers")]
    Signals(#[source] io::Error),
    /// The node does not open.
    #[error("cannot open the node")]
    Open(#[from] OpenError),
    /// The node cannot be served over HTTP.
    #[error("cannot serve the node over HTTP")]
    Serve(#[from] ServeError),
    /// The output cannot be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
    /// The node did not stop in good order; nothing that was acknowledged is lost.
    #[error("the node did not stop cleanly; acknowledged changes are durable")]
    Stop(#[from] StopError),
}

impl RunError {
    /// The exit code of the process: 2 when settings are invalid, by themselves or for the data that is there, as for a command line that
    /// cannot be parsed, so that a supervisor need not restart it; 1 for all else.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_)
            | Self::Open(OpenError::Settings(_))
            | Self::Open(OpenError::Disk(DiskError::Directory(DirectoryError::OtherPartitions { .. })))
            | Self::Serve(ServeError::Settings(_)) => ExitCode::from(UNUSABLE as u8),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs a node with the entities `E` until SIGTERM or ctrl-c; then answers what is under way, makes checkpoints, and ends.
/// `welcome` gets the address once the node listens. [`main`] is all of a `main`.
///
/// ```no_run
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {}
/// use apostate_server::{About, Config, run};
///
/// let about = About { title: "The shop", description: "Sells tea.", version: "1.0.0" };
/// run::<(Stock,)>(Config::from_command_line(about), about, |address| Ok(println!("http://{address}")))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`RunError`]. Settings are looked at, and the address is taken, before anything starts.
pub fn run<E: Entities>(
    config: Config,
    about: About,
    welcome: impl FnOnce(SocketAddr) -> io::Result<()>,
) -> Result<(), RunError> {
    let said = config;
    let config = said.clone().with_file()?;
    let mut settings = config.settings()?;
    if let Some(traces) = &mut settings.traces {
        about.title.clone_into(&mut traces.service);
    }
    let http = HttpSettings {
        title: about.title.to_owned(),
        description: about.description.to_owned(),
        version: about.version.to_owned(),
        ..config.http_settings()?
    };
    let mut stop = StopSignal::listen().map_err(RunError::Signals)?;
    init_log(config.log_format.unwrap_or_default(), config.log_level.unwrap_or_default());
    // Before anything is opened: new data would be left behind, with a number of partitions that stays.
    let listener = Listener::bind(http.listen)?;
    let mut node = Node::open::<E>(settings)?;
    let serving = node.serve_on(listener, http)?;
    welcome(serving.local_addr()).map_err(RunError::Output)?;
    let signal = stop.wait_reloading(|| reload(&said, &serving));
    info!(signal, "stopping after open requests are answered; a second signal exits at once");
    thread::spawn(move || {
        let signal = stop.wait();
        warn!(signal, "exiting at once; acknowledged changes are durable");
        std::process::exit(ENDED_AT_ONCE);
    });
    serving.stop();
    Ok(node.stop()?)
}

/// Reads the token again. One that cannot be used changes nothing: whoever is let in stays let in.
fn reload(said: &Config, serving: &Serving) {
    let token = said.clone().with_file().and_then(|config| config.http_settings()).map(|settings| settings.token);
    match token.map_err(RunError::from) {
        Ok(Some(token)) if serving.replace_token(&token) => info!("token read again; it is the one that counts now"),
        Ok(_) => {
            warn!("token not replaced: a node with a token keeps one, and one without needs a restart to want one")
        }
        Err(error) => warn!(error = error.report(), "token not replaced: the settings cannot be used any more"),
    }
}

/// Logs to stderr from now on, unless the program has seen to that already.
fn init_log(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => tracing::Level::ERROR,
        LogLevel::Warn => tracing::Level::WARN,
        LogLevel::Info => tracing::Level::INFO,
        LogLevel::Debug => tracing::Level::DEBUG,
    };
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_max_level(level).with_target(false);
    // Colours are for people; a journal would keep their codes.
    let log = log.with_ansi(io::stderr().is_terminal());
    // One that is there already is the program's own, and stays.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
