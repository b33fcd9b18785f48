//! `#[entity]` and `#[handlers]`.
