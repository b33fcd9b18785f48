//! Putting an agreement together: whom it asks, how many have to accept, for how long it waits, and who is told.
//!
//! ```text
//!   tx.propose(Agreement::within(Duration::from_secs(900))
//!       .ask_all(lines.iter().map(|line| Stock::at(&line.sku).reserve(Hold { units: line.units })))
//!       .then(Self::DECIDED));
//! ```
//!
//! The types see to it that somebody takes the outcome, that lapses are heard of where there can be any, and that all offers are of one
//! type. Each type parameter of a [`Proposal`] says what has been said: who takes the outcome (`T`), the policy (`P`), lapses (`L`).
//!
//! Paper: *Activities: managing state for each partner* (tentative operations).

use std::marker::PhantomData;
use std::time::Duration;

use crate::tentative::{IntoLeg, Lapses, Lasting, Leg};
use crate::{Entity, Handler, HandlerId, KindId, Lapsed, Outcome};

/// The beginning of an agreement with other entities.
#[derive(Clone, Copy, Debug)]
pub enum Agreement {}

impl Agreement {
    /// An agreement that is decided within this time from the transaction on; what has not been accepted by then is not agreed.
    pub fn within<R>(wait: Duration) -> Proposal<R> {
        Proposal { wait: Some(wait), ..Proposal::new() }
    }

    /// An agreement on behalf of the try that runs, which is answered when this agreement is decided: accepted, with what the handler
    /// returns, if it is agreed; else refused. Its partners are confirmed or cancelled when the operation is. One at most, and only in a
    /// `#[tentative]` handler.
    ///
    /// It lasts for as long as the agreement above it does; [`but_within`](Proposal::but_within) sets it an earlier end.
    pub fn under_this_try<R>() -> Proposal<R, UnderTry> {
        Proposal { is_under_try: true, ..Proposal::new() }
    }
}

/// An agreement that is put together.
#[must_use = "nothing is proposed before `tx.propose(…)` takes it"]
pub struct Proposal<R = (), T = Untold, P = AllOrNothing, L = Lasting> {
    pub(crate) legs: Vec<Leg>,
    pub(crate) wait: Option<Duration>,
    pub(crate) needed: Needed,
    pub(crate) is_eager: bool,
    pub(crate) then: Option<(KindId, HandlerId)>,
    pub(crate) lapsed: Option<(KindId, HandlerId)>,
    pub(crate) is_under_try: bool,
    types: PhantomData<fn(T, P, L) -> R>,
}

/// How many partners have to accept.
#[derive(Clone, Copy)]
pub(crate) enum Needed {
    All,
    AtLeast(u32),
}

impl<R, T> Proposal<R, T> {
    fn new() -> Self {
        Self {
            legs: Vec::new(),
            wait: None,
            needed: Needed::All,
            is_eager: false,
            then: None,
            lapsed: None,
            is_under_try: false,
            types: PhantomData,
        }
    }
}

impl<R, T, P, L> Proposal<R, T, P, L> {
    fn typed<T2, P2, L2>(self) -> Proposal<R, T2, P2, L2> {
        let Self { legs, wait, needed, is_eager, then, lapsed, is_under_try, types: _ } = self;
        Proposal { legs, wait, needed, is_eager, then, lapsed, is_under_try, types: PhantomData }
    }

    /// Asks one more partner. One that is asked twice has two operations, each with its own ending.
    pub fn ask<I>(mut self, leg: I) -> Proposal<R, T, P, L::Joined>
    where
        I: IntoLeg<R>,
        L: JoinedBy<I::Lasts>,
    {
        self.legs.push(leg.into_leg());
        self.typed()
    }

    /// Asks many partners, in this order. None at all are allowed.
    pub fn ask_all<I>(mut self, legs: impl IntoIterator<Item = I>) -> Proposal<R, T, P, L::Joined>
    where
        I: IntoLeg<R>,
        L: JoinedBy<I::Lasts>,
    {
        self.legs.extend(legs.into_iter().map(IntoLeg::into_leg));
        self.typed()
    }

    /// Agreed when at least so many have accepted. Unless it is [`eager`](Self::eagerly), all are waited for, or for the deadline, as more
    /// may accept; it is refused as soon as so many cannot be reached any more.
    ///
    /// # Panics
    ///
    /// When `partners` is 0, which nobody would have to accept: a bug of the author. [`Tx::propose`](crate::Tx::propose) panics when it is
    /// more than are asked.
    pub fn at_least(self, partners: u32) -> Proposal<R, T, AtLeast, L>
    where
        P: NotSaid,
    {
        assert!(partners > 0, "at_least(0) is what nobody has to accept: say `.take_what_is_offered()`");
        Proposal { needed: Needed::AtLeast(partners), ..self.typed() }
    }

    /// Agreed when all have answered, or at the deadline, with those that have accepted by then; they may be none.
    pub fn take_what_is_offered(self) -> Proposal<R, T, WhatIsOffered, L>
    where
        P: NotSaid,
    {
        Proposal { needed: Needed::AtLeast(0), ..self.typed() }
    }

    /// Agreed as soon as enough have accepted; the others are cancelled, whatever they answer.
    pub fn eagerly(self) -> Self
    where
        P: SaysHowMany,
    {
        Self { is_eager: true, ..self }
    }

    /// Has lapses told to the entity's own handler: an operation that was to be confirmed had been ended by its partner before, at its own
    /// time. Told once for each, after the outcome.
    pub fn on_lapsed(self, lapsed: impl TakesLapsed) -> Proposal<R, T, P, LapsesTold> {
        Proposal { lapsed: Some(lapsed.names()), ..self.typed() }
    }

    /// Has the outcome told to the entity's own handler, in a transaction of its own.
    pub fn then(self, then: impl TakesOutcome<R>) -> Proposal<R, Told, P, L>
    where
        T: HasOutcome,
    {
        Proposal { then: Some(then.names()), ..self.typed() }
    }
}

impl<R, P, L> Proposal<R, UnderTry, P, L> {
    /// Waits for this time at most, also if the agreement above would wait longer.
    pub fn but_within(self, wait: Duration) -> Self {
        Self { wait: Some(wait), ..self }
    }
}

/// An agreement of which nobody takes the outcome yet.
#[derive(Clone, Copy, Debug)]
pub struct Untold;

/// An agreement of which a handler takes the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Told;

/// An agreement of which the outcome is the answer to the try that runs.
#[derive(Clone, Copy, Debug)]
pub struct UnderTry;

/// Agreements that have an outcome to tell.
#[diagnostic::on_unimplemented(
    message = "the outcome of this agreement is taken already",
    label = "a second taker",
    note = "the outcome of an agreement under a try is the answer to that try, so no handler takes it: leave `.then(…)` out"
)]
pub trait HasOutcome {}

impl HasOutcome for Untold {}

/// Agreements of which somebody takes the outcome.
#[diagnostic::on_unimplemented(
    message = "nobody takes the outcome of this agreement",
    label = "not proposed yet",
    note = "write `#[on] fn decided(&mut self, outcome: Outcome)`, and end the agreement with `.then(Self::DECIDED)`"
)]
pub trait OutcomeTaken {}

impl OutcomeTaken for Told {}
impl OutcomeTaken for UnderTry {}

/// All have to accept, or nothing is agreed.
#[derive(Clone, Copy, Debug)]
pub struct AllOrNothing;

/// A number of partners has to accept.
#[derive(Clone, Copy, Debug)]
pub struct AtLeast;

/// Partners may accept, and none has to.
#[derive(Clone, Copy, Debug)]
pub struct WhatIsOffered;

/// Policies that say how many partners have to accept.
#[diagnostic::on_unimplemented(
    message = "an agreement is eager about a number of partners, and `{Self}` is none",
    label = "how many are enough is not said",
    note = "say the number first: `.at_least(2).eagerly()`"
)]
pub trait SaysHowMany {}

impl SaysHowMany for AtLeast {}

/// Agreements of which the policy has not been said.
#[diagnostic::on_unimplemented(
    message = "this agreement has a policy already: `{Self}`",
    label = "a second policy",
    note = "say one of `.at_least(n)` and `.take_what_is_offered()`, or neither for all or nothing"
)]
pub trait NotSaid {}

impl NotSaid for AllOrNothing {}

/// An agreement that says who hears of lapses.
#[derive(Clone, Copy, Debug)]
pub struct LapsesTold;

/// The sum of what an agreement has asked so far and one more leg, as to lapses.
pub trait JoinedBy<L> {
    /// The sum.
    type Joined;
}

impl<L> JoinedBy<L> for Lasting {
    type Joined = L;
}

impl<L> JoinedBy<L> for Lapses {
    type Joined = Self;
}

impl<L> JoinedBy<L> for LapsesTold {
    type Joined = Self;
}

/// Agreements that cannot lapse in part, or say who hears of it.
#[diagnostic::on_unimplemented(
    message = "a partner may end its part of this agreement by itself, and nobody would hear of it",
    label = "may lapse in part",
    note = "a handler with `self_expire` is among those asked: write `#[on] fn lapsed(&mut self, lapsed: Lapsed)`, and say \
            `.on_lapsed(Self::LAPSED)`"
)]
pub trait LapsesHeard {}

impl LapsesHeard for Lasting {}
impl LapsesHeard for LapsesTold {}

/// Handlers that take the outcome of an agreement whose partners offer an `R`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the outcome of this agreement",
    label = "not a handler for an outcome of `{R}`",
    note = "its partners offer `{R}`: write `#[on] fn decided(&mut self, outcome: Outcome<{R}>)`, and name `Self::DECIDED`"
)]
pub trait TakesOutcome<R> {
    /// The handler's kind, and the handler.
    fn names(self) -> (KindId, HandlerId);
}

impl<E: Entity, R> TakesOutcome<R> for Handler<E, Outcome<R>> {
    fn names(self) -> (KindId, HandlerId) {
        (KindId::of(E::NAME), self.id())
    }
}

/// Handlers that hear of lapses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take the news of a lapse",
    label = "not a handler for a `Lapsed`",
    note = "write `#[on] fn lapsed(&mut self, lapsed: Lapsed)`, and name `Self::LAPSED`"
)]
pub trait TakesLapsed {
    /// The handler's kind, and the handler.
    fn names(self) -> (KindId, HandlerId);
}

impl<E: Entity> TakesLapsed for Handler<E, Lapsed> {
    fn names(self) -> (KindId, HandlerId) {
        (KindId::of(E::NAME), self.id())
    }
}
