//! `#[entity]`, `#[handlers]` and `#[data]`: they write what an author of entities could have written by hand.
//!
//! Nothing is decided here. What the macros write is the `Entity` and `Handlers` of `apostate-core`, a reference type
//! with a method per handler, and a private struct per message for its arguments; `apostate/tests/twin.rs` keeps an
//! entity written by hand equal to its macro twin. The macros are documented where authors meet them, in `apostate`;
//! every path that they write begins with `::apostate`.
//!
//! Reading order: [`entity`](mod@entity) reads a struct. [`handlers`](mod@handlers) reads an `impl` block,
//! [`handler`] one of its functions, [`endings`] those that end what a tentative one does, and [`write`](mod@write) turns what they found
//! into code; [`fields`] describes states and arguments. What goes wrong is
//! collected, so that an author sees all of it at once.

mod activities;
mod data;
mod endings;
mod entity;
mod fields;
mod handler;
mod handlers;
mod names;
mod signature;
mod tentative;
mod types;
mod write;

use proc_macro::TokenStream;

/// Makes a struct the state of an entity. Documented in `apostate`.
#[proc_macro_attribute]
pub fn entity(arguments: TokenStream, item: TokenStream) -> TokenStream {
    entity::expand(arguments.into(), item.into()).into()
}

/// Makes the functions of an `impl` block handlers of an entity. Documented in `apostate`.
#[proc_macro_attribute]
pub fn handlers(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handlers::expand(arguments.into(), item.into()).into()
}

/// Makes a type fit for states and messages. Documented in `apostate`.
#[proc_macro_attribute]
pub fn data(arguments: TokenStream, item: TokenStream) -> TokenStream {
    data::expand(arguments.into(), item.into()).into()
}
