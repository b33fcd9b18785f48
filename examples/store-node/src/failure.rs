//! What can go wrong, each with the next thing to try.

use std::error::Error;
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

use apostate_server::{CallError, OpenError, ProducerError, StopError};
use store::Imbalance;

use crate::csv_file::FileError;

/// Why the program did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file is not as it should be. Nothing of it was sent.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to export.
    #[error("there is no store in {dir}")]
    NoStore { dir: PathBuf },
    /// The store does not start.
    #[error("the store in {dir} does not start")]
    Open { dir: PathBuf, source: OpenError },
    /// A line was not taken.
    #[error("line {number} was not taken")]
    Line { number: u64, source: Box<dyn Error + Send + Sync> },
    /// The stream of lines broke off.
    #[error("the lines were not all taken")]
    Producer(#[from] ProducerError),
    /// The entities do not answer.
    #[error("the entities do not answer")]
    Call(#[from] CallError),
    /// The store does not stop as it should.
    #[error("the store did not stop in good order")]
    Stop(#[from] StopError),
    /// The entities contradict each other.
    #[error(transparent)]
    Balance(#[from] Imbalance),
    /// A directory for a moment could not be had.
    #[error("no directory can be made for the demonstration")]
    Scratch(#[source] io::Error),
    /// Nobody takes what is written.
    #[error("the output cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// Whether the reader of our output has seen enough, and nothing is wrong.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The failure with its causes, and then what to try next.
    pub(crate) fn told(&self) -> String {
        let mut text = format!("error: {self}");
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(text, ": {error}").expect("a string takes everything");
            cause = error.source();
        }
        format!("{text}\n next: {}", self.next())
    }

    fn next(&self) -> String {
        match self {
            Self::File(FileError::Io { .. }) => {
                "check the file's path and that it is whole; nothing of it was sent".into()
            }
            Self::File(_) => "mend that line and run the same command again; nothing of the file was sent".into(),
            Self::NoStore { dir } => {
                format!("make one with `cargo run --release -- replay FILE --data {}`", dir.display())
            }
            Self::Open { .. } => "do what it says above, and run the same command again".into(),
            Self::Line { .. } => {
                "this is a fault in the store's own code: keep the directory and report the line".into()
            }
            Self::Producer(_) | Self::Call(_) | Self::Stop(_) => {
                "run the same command again: it continues, and counts no line twice".into()
            }
            Self::Balance(_) => {
                "run the same command again; if the books still do not balance, keep the directory and report it".into()
            }
            Self::Scratch(_) => "name one yourself: `cargo run --release -- demo --data DIR`".into(),
            Self::Output(_) => "make room or choose another place, and run the same command again".into(),
        }
    }
}
