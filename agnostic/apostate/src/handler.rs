//! Handlers, with examples: what `#[handlers]` makes of functions, and what a function can do.
//!
//! Paper: *Messaging across entities*.

#[doc = include_str!("../docs/handlers.md")]
pub use apostate_macros::handlers;

/// The transaction that a handler runs in: the only way out of it.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "parcel")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Parcel { sent: Timestamp, number: Option<Id> }
/// # #[entity(name = "carrier")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Carrier {}
/// # #[handlers]
/// # impl Carrier { pub fn fetch(&mut self, parcel: String) { let _ = parcel; } }
/// #[handlers]
/// impl Parcel {
///     #[open]
///     pub fn send(&mut self, tx: &mut Tx) -> Id {
///         let number = tx.new_id();
///         self.sent = tx.now();
///         self.number = Some(number);
///         tx.send(Carrier::at("north").fetch(tx.key().to_string()));
///         number
///     }
///
///     #[open]
///     pub fn forget(&mut self, tx: &mut Tx) {
///         tx.delete();
///     }
/// }
/// ```
pub use apostate_core::Tx;

/// Id of a timer: data that an entity keeps for as long as it may want to cancel the timer.
///
/// ```
/// # use std::time::Duration;
/// # use apostate::prelude::*;
/// #[entity(name = "hold")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Hold {
///     units: u32,
///     lapses: Option<TimerId>,
/// }
///
/// #[handlers]
/// impl Hold {
///     #[open]
///     pub fn keep(&mut self, tx: &mut Tx, units: u32) {
///         self.units = units;
///         let lapse = Self::at(tx.key()).lapse();
///         self.lapses = Some(tx.send_after(Duration::from_secs(900), lapse));
///     }
///
///     pub fn lapse(&mut self) {
///         self.units = 0;
///     }
///
///     #[open]
///     pub fn take(&mut self, tx: &mut Tx) -> u32 {
///         // True: what it was set for will not happen.
///         let is_kept = self.lapses.take().is_some_and(|timer| tx.cancel_timer(timer));
///         if is_kept { std::mem::take(&mut self.units) } else { 0 }
///     }
/// }
/// ```
pub use apostate_core::TimerId;

/// Timer that is known by a name, from [`Tx::timer`](crate::Tx::timer).
///
/// ```
/// # use std::time::Duration;
/// # use apostate::prelude::*;
/// #[entity(name = "session")]
/// #[derive(Default, Serialize, Deserialize)]
/// pub struct Session {
///     clicks: u64,
/// }
///
/// #[handlers]
/// impl Session {
///     /// Ends the session after ten minutes without a click.
///     #[open]
///     pub fn click(&mut self, tx: &mut Tx) {
///         self.clicks += 1;
///         let end = Self::at(tx.key()).end();
///         tx.timer("idle").send_after(Duration::from_secs(600), end);
///     }
///
///     #[open]
///     pub fn keep(&mut self, tx: &mut Tx) -> bool {
///         tx.timer("idle").cancel()
///     }
///
///     pub fn end(&mut self, tx: &mut Tx) {
///         tx.delete();
///     }
/// }
/// ```
pub use apostate_core::NamedTimer;

/// A considered "no", which programs know by its code and people by its text.
///
/// ```
/// use apostate::Refusal;
///
/// let refusal = Refusal::with_code("out-of-stock", "only 3 left");
/// assert_eq!(refusal.to_string(), "only 3 left (out-of-stock)");
/// assert_eq!(Refusal::new("already placed").code, "refused");
/// ```
pub use apostate_core::Refusal;

/// A handler's first lines: what has to hold, or else it says no.
///
/// ```
/// use apostate::{Refusal, refuse};
///
/// fn withdraw(balance: u64, amount: u64) -> Result<u64, Refusal> {
///     refuse!(amount == 0, status = 422, "nothing to withdraw");
///     refuse!(balance < amount, code = "overdrawn", "the balance is {balance}");
///     Ok(balance - amount)
/// }
/// assert_eq!(withdraw(5, 7).unwrap_err().code, "overdrawn");
/// // Over HTTP a refusal is a 409, unless the handler says otherwise.
/// assert_eq!(withdraw(5, 7).unwrap_err().status(), 409);
/// assert_eq!(withdraw(5, 0).unwrap_err().status(), 422);
/// assert_eq!(withdraw(7, 5), Ok(2));
/// ```
pub use apostate_core::refuse;

/// The argument of an `#[on]` handler that was named with [`or_tell`](crate::Call::or_tell).
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "order")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Order { missing: Vec<String> }
/// #[handlers]
/// impl Order {
///     #[on]
///     fn on_refused(&mut self, tx: &mut Tx, refused: Refused) {
///         let Some(product) = tx.sender() else { return };
///         self.missing.push(format!("{}: {}", product.key(), refused.why));
///     }
/// }
/// ```
pub use apostate_core::Refused;

/// The constant that `#[handlers]` writes beside an `#[on]` handler.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "order")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Order { missing: u32 }
/// #[handlers]
/// impl Order {
///     #[on]
///     fn on_refused(&mut self, refused: Refused) {
///         # drop(refused);
///         self.missing += 1;
///     }
/// }
///
/// impl Order {
///     const MISSING: Handler<Order, Refused> = Self::ON_REFUSED;
/// }
/// ```
pub use apostate_core::Handler;
