//! The interface of a partition: inputs that it is given and effects that it asks for, its whole contact with the host. Values only.
//!
//! Reading order: [`Input`] goes in and [`Effect`] comes out; a [`Request`] gets an [`Answer`], of which a [`Failure`] is one; a
//! [`StopReason`] is the last that is heard of a partition.

mod ancestors;
mod answer;
mod config;
mod effect;
mod failure;
mod input;
mod load;
mod notice;
mod observer;
mod open_error;
mod quota;
mod request;
mod settle;
mod span;
mod split;
mod status;
mod stop;

pub use self::ancestors::Ancestors;
pub use self::answer::Answer;
pub use self::config::Config;
pub use self::effect::Effect;
pub use self::failure::Failure;
pub use self::input::{Input, ParkedCommand};
pub use self::load::{Load, Loaded};
pub use self::notice::{AfterPanic, Notice};
pub use self::observer::{CrashSuspect, RunEnd, RunObserver};
pub use self::open_error::OpenError;
pub use self::quota::Quota;
pub use self::request::{Request, RequestKind};
pub use self::settle::{ParkedEnding, Settle, SettleVerdict};
pub use self::span::{Span, SpanEnd};
pub use self::split::{SplitIntent, SplitRefusal};
pub use self::status::{Counts, Status};
pub use self::stop::{Damage, Invariant, Outage, StopReason, Stored};
