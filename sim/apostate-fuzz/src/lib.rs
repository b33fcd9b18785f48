//! Every decoder against bytes that nobody wrote.
//!
//! What comes from a disk, a store or a peer may be anything. A decoder reads it or says no; it never panics, never takes
//! memory by what a length field claims, and what it reads means one thing: written again, it is the same bytes. A
//! [`Layout`] is one decoder with that property as a function, so the same check serves a short run from a seed on any
//! toolchain (`tests/`, a few seconds), a long one (`cargo run --release -p apostate-fuzz`), and one that is guided by
//! coverage (`fuzz/`, for cargo-fuzz).
//!
//! ```text
//!   corpus ──┐
//!            ├──▶ mutate ──▶ amend ──▶ check ──▶ Read | Refused | a finding
//!   made ────┘               checksums
//!                            put right
//! ```
//!
//! Files in `corpus/` that begin with `good` must be read by every later build, those with `bad` refused; what was found
//! stays there as one of them.
//!
//! Reading order: [`Layout`]; `layouts/`, one decoder a file; [`trial`], what is asked of each; [`mutate`]; [`campaign`].

mod layout;

mod layouts;

pub mod campaign;
pub mod corpus;
pub mod mutate;
pub mod trial;

pub use crate::layout::{Layout, Verdict};
pub use crate::layouts::{LAYOUTS, layout};
