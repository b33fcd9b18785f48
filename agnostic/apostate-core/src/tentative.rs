//! Tries as values: `Stock::at("tea").reserve(hold)`, for a handler that is `#[tentative]`.
//!
//! A [`Try`] is not sent and not asked: only an agreement takes it, as each tentative operation needs somebody who ends it. Its type
//! parameters say which entity it is for (`E`), what that offers (`R`), whether its confirm takes a value that is not said yet
//! ([`ConfirmsWith`]), and whether the entity may end the operation by itself ([`Lasting`], [`Lapses`]).

use std::marker::PhantomData;

use serde::Serialize;

use crate::{Address, Entity, EntityKey, HandlerId, KeyError, KindId, confirm_body, encode, shape};

/// An operation that waits for its ending as long as it takes.
#[derive(Clone, Copy, Debug)]
pub struct Lasting;

/// An operation that its entity cancels by itself after a time (`self_expire`).
#[derive(Clone, Copy, Debug)]
pub struct Lapses;

/// Whether an operation may lapse: [`Lasting`] or [`Lapses`].
pub trait Lasts {
    /// Whether it may.
    const CAN_LAPSE: bool;
}

impl Lasts for Lasting {
    const CAN_LAPSE: bool = false;
}

impl Lasts for Lapses {
    const CAN_LAPSE: bool = true;
}

/// The need of a try whose confirm takes a `V`: [`Try::confirm_with`] is to say it.
#[derive(Clone, Copy, Debug)]
pub struct ConfirmsWith<V>(PhantomData<fn(V)>);

/// Needs that a value of the type `V` meets: a confirm takes it.
#[diagnostic::on_unimplemented(
    message = "the confirm of this try does not take a `{V}`",
    label = "not what it takes beside its hold",
    note = "what a confirm takes behind the arguments of its try is told it by `.confirm_with(…)`; without such an argument, leave that out"
)]
pub trait ConfirmedWith<V> {}

impl<V> ConfirmedWith<V> for ConfirmsWith<V> {}

/// A try of one entity, which no agreement has taken yet.
#[must_use = "nothing is tried before an agreement asks it: `Agreement::within(…).ask(…)`"]
pub struct Try<E, R, C = (), L = Lasting> {
    /// The entity that it is for, or why there can be none.
    pub to: Result<Address, KeyError>,
    /// The tentative handler that will run.
    pub handler: HandlerId,
    /// The handler's arguments, encoded: the *hold*, which confirm and cancel get as well.
    pub body: Vec<u8>,
    confirm_with: Option<Box<[u8]>>,
    is_offer_read: bool,
    types: PhantomData<fn(E, C, L) -> R>,
}

impl<E: Entity, R, C, L> Try<E, R, C, L> {
    /// A try for the handler called `handler`, with `arguments` that encode as a map of names to values.
    pub fn new<T: Serialize + ?Sized>(key: Result<EntityKey, KeyError>, handler: &'static str, arguments: &T) -> Self {
        Self {
            to: key.map(|key| Address::new(KindId::of(E::NAME), key)),
            handler: HandlerId::of(handler),
            body: encode(arguments),
            confirm_with: None,
            is_offer_read: true,
            types: PhantomData,
        }
    }

    /// The same try, of which the proposer does not want to know what is offered: so it goes with others that offer something else.
    pub fn ignoring_the_offer(self) -> Try<E, (), C, L> {
        Try { is_offer_read: false, ..self.typed() }
    }

    /// The value that the confirm takes beside the hold, if it comes to that. The platform decides alone, so it is said with the proposal.
    ///
    /// # Panics
    ///
    /// When the value, or the hold beside it, is nested so deep that it could not be read: a bug of the author.
    pub fn confirm_with<V: Serialize>(self, value: V) -> Try<E, R, (), L>
    where
        C: ConfirmedWith<V>,
    {
        let value = encode(&value);
        assert!(
            shape::is_shallow(&confirm_body(&self.body, Some(&value))),
            "what a confirm is told is nested deeper than it can be read"
        );
        Try { confirm_with: Some(value.into()), ..self.typed() }
    }

    fn typed<R2, C2>(self) -> Try<E, R2, C2, L> {
        let Self { to, handler, body, confirm_with, is_offer_read, types: _ } = self;
        Try { to, handler, body, confirm_with, is_offer_read, types: PhantomData }
    }
}

/// A leg of an agreement that is put together: a try without its types.
pub struct Leg {
    pub(crate) to: Result<Address, KeyError>,
    pub(crate) handler: HandlerId,
    pub(crate) body: Vec<u8>,
    pub(crate) confirm_with: Option<Box<[u8]>>,
    pub(crate) is_offer_read: bool,
    pub(crate) can_lapse: bool,
}

/// Tries that an agreement takes whose partners offer an `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of this agreement",
    label = "not a try whose partner offers a `{R}`",
    note = "an agreement asks `#[tentative]` handlers, as each of its parts can be confirmed or cancelled",
    note = "all partners of one agreement offer the same: `.ignoring_the_offer()` makes it `()`",
    note = "a confirm that takes a value is told it with `.confirm_with(…)`"
)]
pub trait IntoLeg<R> {
    /// [`Lasting`] or [`Lapses`].
    type Lasts: Lasts;

    /// The leg.
    fn into_leg(self) -> Leg;
}

impl<E: Entity, R, L: Lasts> IntoLeg<R> for Try<E, R, (), L> {
    type Lasts = L;

    fn into_leg(self) -> Leg {
        let Self { to, handler, body, confirm_with, is_offer_read, types: _ } = self;
        Leg { to, handler, body, confirm_with, is_offer_read, can_lapse: L::CAN_LAPSE }
    }
}
