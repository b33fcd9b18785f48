//! The `files` engine: all partitions of a process in one sequence of segment files.
//!
//! ```text
//!   dir/LOCK                      held as long as the engine lives: one process a folder
//!   dir/log/0000000007.seg …      segments, dense numbers; the last one is written to
//!   dir/log/spare-3.seg           zeros, or a trimmed segment: the next one
//!   dir/log/stopped-5.seg         partition 5 lost a record: what can be read of it, and why
//! ```
//!
//! One writer thread gathers what has arrived from all partitions, writes it as one group in one call, and syncs
//! once: so the cost of a sync is shared by all. What the bytes mean is told in `format`, what is done about
//! damage in `recover`, and why it is done so in `docs/design/files-engine.md`.

mod aside;
mod disk;
mod engine;
mod faults;
pub mod format;
mod handle;
mod index;
mod mark;
mod open;
mod recover;
mod requests;
mod scan;
mod segments;
mod settings;
#[cfg(feature = "faults")]
mod shadow;
mod spares;
mod writer;

pub use self::engine::FilesEngine;
pub use self::faults::Faults;
pub use self::handle::FilesLog;
pub use self::open::OpenError;
pub use self::settings::{Expected, FilesSettings, SEGMENT_BYTES};
