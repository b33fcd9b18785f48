//! Storage of a node: its data directory, the log of all its partitions, and the store that shortens the log.
//!
//! Reading order: `directory` and `manifest`, whose data it is; `kinds`, of what; `disk`, log and store together; `checkpointer` and `loader`, the threads
//! that wait for the store so that no executor does.

pub(crate) mod directory;
pub(crate) mod kinds;
mod manifest;

pub(crate) mod disk;

pub(crate) mod checkpointer;
pub(crate) mod loader;
