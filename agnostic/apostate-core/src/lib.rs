//! One entity, one message, one atomic step.
//!
//! An *entity* is data with one key that changes atomically and is disjoint from all other data. This crate knows
//! how to run one message against one entity, and gives the outcome: the new state, the messages that
//! were sent, the reply. It has no clock, no seed, no file and no thread; time and seed arrive with the message.
//! Nothing in it knows how many machines there are, or where an entity lives.
//!
//! Reading order: [`EntityKey`] and [`Address`] name things; an author, or a macro, writes an [`Entity`]
//! and its [`Handlers`]; [`Json`] is the form that clients see; [`Tx`] is the only way out of a handler; [`step`](fn@step) runs one.
//!
//! Paper: *Entities*, *Messaging across entities*.

mod activities;
mod address;
mod agreement;
mod answer;
mod ask;
mod call;
mod codec;
mod effects;
mod entity;
mod handler;
mod id;
mod invocation;
mod json;
mod key;
mod later;
pub mod limits;
mod live;
mod outcome;
mod propose;
mod proposed;
mod random;
mod refusal;
pub mod schema;
mod sent;
mod shape;
mod step;
mod tentative;
mod time;
mod timers;
mod tx;

pub use crate::activities::{
    Activities, Activity, ActivityChange, AnyActivities, LoadedActivities, PartnerKey, ToPartner,
};
pub use crate::address::{Address, HandlerId, KindId, name_hash, ring_hash};
pub use crate::agreement::{
    Agreement, AllOrNothing, AtLeast, HasOutcome, JoinedBy, LapsesHeard, LapsesTold, NotSaid, OutcomeTaken, Proposal,
    SaysHowMany, TakesLapsed, TakesOutcome, Told, UnderTry, Untold, WhatIsOffered,
};
pub use crate::answer::{Answer, Reason, encode_answered};
pub use crate::ask::{Ask, AskWithin, IntoAsk, TakesAnswer};
pub use crate::call::{
    Call, FromOutside, Handler, InternalOnly, IntoSend, NotRefusable, Open, ReadOnly, Refusable, SendableMessage,
    Writes,
};
pub use crate::codec::{BodyError, decode, encode, encode_into};
pub use crate::effects::{Effects, TimerChange, written_key_bytes};
pub use crate::entity::{Entity, StateError};
pub use crate::handler::{Access, HandlerDef, HandlerFn, HandlerInfo, HandlerResult, Handlers, Mode, Tentative};
pub use crate::id::Id;
pub use crate::invocation::Invocation;
pub use crate::json::Json;
pub use crate::key::{EntityKey, KeyError, ToKey};
pub use crate::later::{AnswersLater, GivenAnswer, Later, NoAnswers, OwedAnswers};
pub use crate::live::{ACTIVITIES, Entities, Kind, Live, Registry, StartError, decode_state};
pub use crate::outcome::{Lapsed, Offer, Outcome, Partner, confirm_body, encode_agreed, offer_fits};
pub use crate::proposed::{AgreementId, Policy, Proposed};
pub use crate::random::SplitMix64;
pub use crate::refusal::{Refusal, Refused};
pub use crate::schema::SchemaOf;
pub use crate::sent::{Asked, OnRefused, Sent, SentAs, TryOf};
pub use crate::step::{StepOutcome, panic_text, step, step_with};
pub use crate::tentative::{ConfirmedWith, ConfirmsWith, IntoLeg, Lapses, Lasting, Lasts, Leg, Try};
pub use crate::time::Timestamp;
pub use crate::timers::{NoTimers, PendingTimers, TimerId, TimerKey};
pub use crate::tx::{NamedTimer, Tx};
pub use schemars;
