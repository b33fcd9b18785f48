//! Errors of a whole program: the report for people, and the exit code.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::{CertificateError, DirectoryError, DiskError, OpenError, ServeError, SettingsError, StopError};

/// The exit code of a process that was told what cannot be used, as of one whose words cannot be understood.
pub(super) const UNUSABLE: i32 = 2;

/// Why the configuration is invalid. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The configuration file is malformed.
    #[error("invalid configuration file {}: {detail}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// The place and the cause.
        detail: String,
    },
    /// Both a token and a file with one are set.
    #[error(
        "both `token` and `token-file` are set, by the command line, by the environment (APOSTATE_TOKEN, APOSTATE_TOKEN_FILE), or \
         by the file of settings; leave one out"
    )]
    TwoTokens,
    /// One of two settings that belong together is missing.
    #[error("`{set}` is set and `{missing}` is not; set both, or leave both out")]
    Half {
        /// The one that is set.
        set: &'static str,
        /// The one that belongs to it.
        missing: &'static str,
    },
    /// The certificate cannot be used.
    #[error("cannot use the certificate in {} with the key in {}", .cert.display(), .key.display())]
    Certificate {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// The reason.
        source: CertificateError,
    },
    /// A setting is invalid.
    #[error(transparent)]
    Setting(#[from] SettingsError),
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
            | Self::Open(OpenError::Disk(DiskError::Directory(DirectoryError::Newer { .. })))
            | Self::Serve(ServeError::Settings(_)) => ExitCode::from(UNUSABLE as u8),
            _ => ExitCode::FAILURE,
        }
    }
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
    format!("error: {}\n next: {next}", with_causes(error))
}

/// `error` with its causes in one line.
pub(super) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a string takes everything");
        cause = error.source();
    }
    text
}

impl RunError {
    /// The failure with its causes, and what to try next: for people, in two lines.
    #[must_use]
    pub fn report(&self) -> String {
        report(self, self.next_step())
    }

    /// The next thing to try.
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
