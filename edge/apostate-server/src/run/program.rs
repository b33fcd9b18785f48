//! The program around a node: its command line, and how it says why it ends.
//!
//! A `main` of one line is [`main`]. One that does more takes [`Config::from_command_line`] and [`run`](crate::run()), and says what
//! went wrong with [`RunError::report`], or by `?`: the report is also how a [`RunError`] is shown for debugging.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use apostate_core::Entities;

use super::{About, Config, LogFormat, RunError, run};
use crate::{OpenError, ServeError};

/// A whole `main`: serves the entities `E` until SIGTERM or ctrl-c, with the settings of the command line and the environment.
///
/// Understands `--help` and `--version` by what `about` says, and `serve` as a word that changes nothing. What goes wrong is said on
/// stderr with its causes and the next step, and ends in [`RunError::exit_code`]. Says on stdout where it listens, unless its log is
/// JSON.
///
/// ```no_run
/// use std::process::ExitCode;
///
/// use apostate::prelude::*;
/// use apostate_server::About;
///
/// #[entity(name = "stock")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Stock { on_hand: u32 }
///
/// #[handlers]
/// impl Stock {}
///
/// fn main() -> ExitCode {
///     apostate_server::main::<(Stock,)>(About {
///         title: "The shop",
///         description: "Sells tea.",
///         version: env!("CARGO_PKG_VERSION"),
///     })
/// }
/// ```
#[must_use]
pub fn main<E: Entities>(about: About) -> ExitCode {
    let config = Config::from_command_line(about);
    let is_for_people = config.log_format != Some(LogFormat::Json);
    let served = run::<E>(config, about, |address| {
        if is_for_people {
            // Nobody has to read it.
            let _ = welcome(&mut io::stdout(), about, address);
        }
        Ok(())
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", error.report());
            error.exit_code()
        }
    }
}

fn welcome(out: &mut impl Write, about: About, address: SocketAddr) -> io::Result<()> {
    let title = about.title;
    writeln!(out, "{title} is at http://{address}\nhttp://{address}/ says what there is. Stop it with ctrl-c.")?;
    out.flush()
}

/// `error` with its causes in one line, and below it what to try next.
///
/// ```
/// use std::io;
///
/// let error = io::Error::other("no such bank");
/// assert_eq!(apostate_server::report(&error, "name one"), "error: no such bank\n next: name one");
/// ```
#[must_use]
pub fn report(error: &dyn Error, next: &str) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes everything");
        cause = error.source();
    }
    format!("{text}\n next: {next}")
}

impl RunError {
    /// The failure with its causes, and what to try next: for people, in two lines.
    #[must_use]
    pub fn report(&self) -> String {
        report(self, self.next_step())
    }

    /// What to try next.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Config(_) | Self::Open(OpenError::Settings(_)) | Self::Serve(ServeError::Settings(_)) => {
                "see `--help` for what the settings may be; nothing was started"
            }
            Self::Serve(ServeError::Listen { .. }) => {
                "choose another address with `--listen ADDRESS`, or stop what listens there"
            }
            Self::Open(OpenError::Entities(_) | OpenError::PanicAborts) => "change the program, and build it again",
            Self::Open(_) | Self::Serve(ServeError::System { .. }) | Self::Signals(_) => {
                "do what it says above, and run the same command again"
            }
            Self::Output(_) => "make room or choose another place for the output, and run the same command again",
            Self::Stop(_) => "run the same command again: nothing that was acknowledged is lost",
        }
    }
}

/// The report: a `main` that returns the error shows it this way.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Listener;

    #[test]
    fn a_failure_is_told_with_its_causes_and_the_next_step() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
        let address = taken.local_addr().expect("an address");
        let error = RunError::from(Listener::bind(address).err().expect("the address is taken"));
        let report = error.report();
        assert!(report.starts_with("error: cannot serve the node over HTTP: "), "{report}");
        assert!(report.contains(&address.to_string()) && report.contains("in use"), "{report}");
        assert!(report.contains("\n next: choose another address"), "{report}");
        assert_eq!(format!("{error:?}"), report);
    }
}
