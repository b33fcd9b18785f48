//! Serves a node: opens it, listens, waits for a signal, and stops it in good order.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::thread;

use apostate_core::Entities;
use tracing::{info, warn};

use crate::run::about::About;
use crate::run::config::{Config, LogFormat, LogLevel};
use crate::run::error::RunError;
use crate::run::reload::reload;
use crate::run::stop_signal::StopSignal;
use crate::{HttpSettings, Listener, Node};

/// The exit code of a process that was told twice to stop.
const ENDED_AT_ONCE: i32 = 130;

/// Runs a node with the entities `E` until SIGTERM or ctrl-c; then answers what is under way, makes checkpoints, and ends.
/// `welcome` gets the address once the node listens. [`main`](crate::main) is all of a `main`.
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
