//! A seed that failed: what is wrong, what led there, and one line to paste.

use std::fmt;

use crate::finding::Finding;

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// In which world.
    pub world: &'static str,
    /// The finding.
    pub finding: Finding,
    /// The messages that led there, one a line.
    pub trace: String,
}

impl Failure {
    /// The line to paste that runs this seed alone.
    #[must_use]
    pub fn paste(&self) -> String {
        let package = std::env::var("CARGO_PKG_NAME").map(|name| format!(" -p {name}")).unwrap_or_default();
        let thread = std::thread::current();
        let test = thread.name().filter(|name| *name != "main").map(|name| format!(" {name}")).unwrap_or_default();
        format!("APOSTATE_SEED={} cargo test{package}{test}", self.seed)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, world, finding, trace } = self;
        writeln!(f, "seed {seed} failed in {world}: {finding}\n\nthe last messages:\n{trace}")?;
        write!(f, "run this seed alone:\n  {}", self.paste())
    }
}

impl std::error::Error for Failure {}
