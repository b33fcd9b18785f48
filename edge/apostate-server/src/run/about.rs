//! The application as it describes itself: in its help, in its description of the interface, in traces.

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
