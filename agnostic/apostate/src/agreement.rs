//! Agreements, with examples: the values that an agreement is put together of, and what its proposer is told.
//!
//! The types in here are named by functions of an author's own that put agreements together; all others find them through
//! [`Agreement`] and the methods of what it gives.
//!
//! Paper: *Activities: managing state for each partner* (tentative operations).

#[doc = include_str!("../docs/agreements.md")]
pub use apostate_core::Agreement;

/// The outcome of an agreement, as the argument of the `#[on]` handler that was named with [`then`](Proposal::then).
///
/// ```
/// use apostate::prelude::*;
///
/// /// The cheapest of what was offered.
/// fn cheapest(outcome: Outcome<u64>) -> Option<Offer<u64>> {
///     match outcome {
///         Outcome::Agreed { offers } => offers.into_iter().min_by_key(|offer| offer.offer),
///         Outcome::Refused { .. } | Outcome::Expired => None,
///     }
/// }
/// assert_eq!(cheapest(Outcome::Expired), None);
/// ```
pub use apostate_core::Outcome;

/// Id of an agreement: data that a proposer keeps, to know which of several it is told of.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use std::time::Duration;
/// # use apostate::prelude::*;
/// #[entity(name = "calendar")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Calendar {
///     hours: u32,
///     people: BTreeMap<AgreementId, String>,
/// }
///
/// #[handlers]
/// impl Calendar {
///     #[open]
///     pub fn book(&mut self, tx: &mut Tx, person: String, court: String) {
///         let held = Agreement::within(Duration::from_secs(60)).ask(Self::at(court).hold());
///         let id = tx.propose(held.then(Self::DECIDED));
///         self.people.insert(id, person);
///     }
///
///     #[on]
///     fn decided(&mut self, tx: &mut Tx, outcome: Outcome) {
///         let person = tx.agreement().and_then(|id| self.people.remove(&id));
///         // …
///         # drop((person, outcome));
///     }
///
///     #[tentative(confirm = keep, cancel = release)]
///     pub fn hold(&mut self) -> Result<(), Refusal> {
///         refuse!(self.hours == 0, "full");
///         self.hours -= 1;
///         Ok(())
///     }
///
///     fn keep(&mut self) {}
///
///     fn release(&mut self) {
///         self.hours += 1;
///     }
/// }
/// ```
pub use apostate_core::AgreementId;

/// The offer of one partner, in [`Outcome::Agreed`].
///
/// ```
/// use apostate::prelude::*;
///
/// fn from_london(offers: &[Offer<u64>]) -> Option<u64> {
///     offers.iter().find(|offer| offer.partner.key.as_str() == "london").map(|offer| offer.offer)
/// }
/// assert_eq!(from_london(&[]), None);
/// ```
pub use apostate_core::Offer;

/// A partner by name, as an outcome tells it. It can be asked what is [remembered](crate::Activities) about it.
///
/// ```
/// use apostate::prelude::*;
/// use apostate::Partner;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock {}
/// # #[handlers]
/// # impl Stock {}
///
/// let mut refusals: Activities<u32> = Activities::default();
/// let tea = Partner { kind: "stock".to_owned(), key: EntityKey::new("tea")? };
/// *refusals.with(&tea) += 1;
/// assert_eq!(*refusals.of(Stock::at("tea")), 1);
/// # Ok::<(), KeyError>(())
/// ```
pub use apostate_core::Partner;

/// The argument of the `#[on]` handler that was named with [`on_lapsed`](Proposal::on_lapsed).
///
/// ```
/// # use apostate::prelude::*;
/// # use std::time::Duration;
/// #[entity(name = "court")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Room {
///     is_taken: bool,
/// }
///
/// #[handlers]
/// impl Room {
///     /// Held for a quarter of an hour, whatever becomes of the booking.
///     #[tentative(confirm = keep, cancel = free, self_expire = Duration::from_secs(900))]
///     pub fn hold(&mut self) -> Result<(), Refusal> {
///         refuse!(self.is_taken, "this court is taken");
///         self.is_taken = true;
///         Ok(())
///     }
///
///     fn keep(&mut self) {}
///
///     fn free(&mut self) {
///         self.is_taken = false;
///     }
/// }
///
/// #[entity(name = "booking")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Booking {
///     lost: Vec<String>,
/// }
///
/// #[handlers]
/// impl Booking {
///     #[open]
///     pub fn book(&mut self, tx: &mut Tx, rooms: Vec<String>) {
///         let rooms = rooms.into_iter().map(|court| Room::at(court).hold());
///         tx.propose(
///             Agreement::within(Duration::from_secs(600))
///                 .ask_all(rooms)
///                 .on_lapsed(Self::LAPSED)
///                 .then(Self::DECIDED),
///         );
///     }
///
///     #[on]
///     fn decided(&mut self, _outcome: Outcome) {}
///
///     #[on]
///     fn lapsed(&mut self, lapsed: Lapsed) {
///         self.lost.push(lapsed.partner.key.to_string());
///     }
/// }
/// ```
pub use apostate_core::Lapsed;

/// The value that the reference of a [`#[tentative]`](macro@crate::handlers) handler gives. It cannot be sent or asked, and no client can call it.
///
/// ```
/// use apostate::Try;
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     #[tentative(confirm = sell, cancel = put_back)]
/// #     pub fn reserve(&mut self, units: u32) -> Result<u32, Refusal> {
/// #         self.on_hand -= units;
/// #         Ok(self.on_hand)
/// #     }
/// #     fn sell(&mut self, _units: u32) {}
/// #     fn put_back(&mut self, units: u32) { self.on_hand += units; }
/// # }
///
/// let reserve: Try<Stock, u32> = Stock::at("tea").reserve(5);
/// assert_eq!(reserve.body, b"\x81\xa5units\x05");
/// // Nobody wants to know what is left.
/// let reserve: Try<Stock, ()> = reserve.ignoring_the_offer();
/// ```
pub use apostate_core::Try;

/// An agreement that is put together: [`Tx::propose`](crate::Tx::propose) takes it.
///
/// ```
/// # use apostate::prelude::*;
/// use apostate::agreement::{Proposal, Untold};
/// use std::time::Duration;
///
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     #[tentative(confirm = sell, cancel = put_back)]
/// #     pub fn reserve(&mut self, units: u32) -> Result<(), Refusal> {
/// #         self.on_hand -= units;
/// #         Ok(())
/// #     }
/// #     fn sell(&mut self, _units: u32) {}
/// #     fn put_back(&mut self, units: u32) { self.on_hand += units; }
/// # }
/// fn one_of_each(products: &[&str]) -> Proposal<(), Untold> {
///     let tries = products.iter().map(|product| Stock::at(*product).reserve(1));
///     Agreement::within(Duration::from_secs(60)).ask_all(tries)
/// }
/// ```
pub use apostate_core::Proposal;

/// Taker of the outcome, as a [`Proposal`] says: none yet ([`Untold`]), a handler ([`Told`]), or the answer to a try ([`UnderTry`]).
///
/// ```
/// use apostate::Tx;
/// use apostate::agreement::{OutcomeTaken, Proposal};
///
/// fn propose_if<T: OutcomeTaken>(tx: &mut Tx, condition: bool, proposal: Proposal<(), T>) {
///     if condition {
///         tx.propose(proposal);
///     }
/// }
/// ```
pub use apostate_core::{HasOutcome, OutcomeTaken, Told, UnderTry, Untold};

/// The policy, as a [`Proposal`] says: all or nothing, at least a number, or what is offered.
///
/// ```
/// use apostate::agreement::{AtLeast, Proposal, Untold};
///
/// fn two_at_once(proposal: Proposal<u64, Untold>) -> Proposal<u64, Untold, AtLeast> {
///     proposal.at_least(2).eagerly()
/// }
/// ```
pub use apostate_core::{AllOrNothing, AtLeast, NotSaid, SaysHowMany, WhatIsOffered};

/// Lapses of parts of an agreement, as a [`Try`] and a [`Proposal`] say: whether there can be any, and whether somebody hears of them.
///
/// ```
/// use apostate::Entity;
/// use apostate::agreement::{Lapses, Lasting, LapsesTold, Proposal, TakesLapsed, Untold};
///
/// fn told<R>(proposal: Proposal<R, Untold>, handler: impl TakesLapsed) -> Proposal<R, Untold, apostate::agreement::AllOrNothing, LapsesTold> {
///     proposal.on_lapsed(handler)
/// }
///
/// fn can_lapse<E: Entity>(_: &apostate::Try<E, (), (), Lapses>) -> bool {
///     true
/// }
/// ```
pub use apostate_core::{JoinedBy, Lapses, LapsesHeard, LapsesTold, Lasting, Lasts};

/// A try whose confirm takes a value that has not been said yet.
///
/// ```
/// use apostate::{Entity, Try};
/// use apostate::agreement::ConfirmsWith;
///
/// fn in_full<E: Entity, R>(attempt: Try<E, R, ConfirmsWith<u32>>) -> Try<E, R> {
///     attempt.confirm_with(100)
/// }
/// ```
pub use apostate_core::{ConfirmedWith, ConfirmsWith};

/// Arguments of [`Proposal::ask`], for functions of the author's own: tries whose partners offer an `R`.
///
/// ```
/// use apostate::agreement::{IntoLeg, Leg, Lasting, Proposal, Untold};
///
/// fn ask_both<R>(proposal: Proposal<R, Untold>, tries: [impl IntoLeg<R, Lasts = Lasting>; 2]) -> Proposal<R, Untold> {
///     proposal.ask_all(tries)
/// }
///
/// fn legs<R>(tries: Vec<impl IntoLeg<R>>) -> Vec<Leg> {
///     tries.into_iter().map(IntoLeg::into_leg).collect()
/// }
/// ```
pub use apostate_core::{IntoLeg, Leg};

/// Handlers that [`Proposal::then`] takes: `#[on]` handlers of an [`Outcome`].
///
/// ```
/// use apostate::agreement::{Proposal, TakesOutcome, Untold};
/// use apostate::Tx;
///
/// fn end_with<R>(tx: &mut Tx, proposal: Proposal<R, Untold>, handler: impl TakesOutcome<R>) {
///     tx.propose(proposal.then(handler));
/// }
/// ```
pub use apostate_core::{TakesLapsed, TakesOutcome};
