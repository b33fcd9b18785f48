//! The program around a node: its command line, and how it says why it ends.
//!
//! A `main` of one line is [`main`]. One that does more takes [`Config::from_command_line`] and [`run`](crate::run()), and says what
//! went wrong with [`RunError::report`](crate::RunError::report), or by `?`: the report is also how a [`RunError`](crate::RunError) is shown for debugging.

use std::io::{self, Write};
use std::process::ExitCode;

use apostate_core::Entities;

use crate::run::about::About;
use crate::run::config::{Config, LogFormat};
use crate::run::serve::run;

/// A whole `main`: serves the entities `E` until SIGTERM or ctrl-c, with the settings of the command line and the environment.
///
/// Understands `--help` and `--version` by what `about` says, and `serve` as a word that changes nothing. What goes wrong is said on
/// stderr with its causes and the next step, and ends in [`RunError::exit_code`](crate::RunError::exit_code). Says on stdout where it listens, unless its log is
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
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    let is_for_people = config.log_format != Some(LogFormat::Json);
    let served = run::<E>(config, about, |address| {
        if is_for_people {
            // Nobody has to read it.
            let _ = welcome(&mut io::stdout(), about, &format!("{scheme}://{address}"));
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

fn welcome(out: &mut impl Write, about: About, url: &str) -> io::Result<()> {
    let title = about.title;
    writeln!(out, "{title} is at {url}\n{url}/ says what there is. Stop it with ctrl-c.")?;
    out.flush()
}
