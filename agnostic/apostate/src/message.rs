//! Messages, with examples: their types know who may send them, and how.
//!
//! Paper: *Messaging across entities*.

/// A message as a value: what `Stock::at("tea").receive(5)` gives.
///
/// ```
/// use apostate::{Call, Open, NotRefusable};
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     #[open]
/// #     pub fn receive(&mut self, units: u32) -> u32 {
/// #         self.on_hand += units;
/// #         self.on_hand
/// #     }
/// # }
///
/// let message: Call<Stock, u32, NotRefusable, Open> = Stock::at("tea").receive(5);
/// assert_eq!(message.to.unwrap().key().as_str(), "tea");
/// assert_eq!(message.body, b"\x81\xa5units\x05");
/// ```
pub use apostate_core::Call;

/// The message of a handler that cannot refuse: [`Tx::send`](crate::Tx::send) takes it as it is.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     pub fn put_back(&mut self, units: u32) { self.on_hand += units; }
/// # }
/// fn give_back(tx: &mut Tx, units: u32) {
///     let message: apostate::Call<Stock, (), apostate::NotRefusable, _> = Stock::at("tea").put_back(units);
///     tx.send(message);
/// }
/// ```
pub use apostate_core::NotRefusable;

/// The message of a handler that can refuse: its sender says first what a refusal means.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     pub fn take(&mut self, units: u32) -> Result<(), Refusal> {
/// #         refuse!(self.on_hand < units, "only {} left", self.on_hand);
/// #         Ok(())
/// #     }
/// # }
/// fn take_if_there(tx: &mut Tx, units: u32) {
///     let message: apostate::Call<Stock, (), apostate::Refusable, _> = Stock::at("tea").take(units);
///     tx.send(message.or_ignore());
/// }
/// ```
pub use apostate_core::Refusable;

/// The message of a handler that takes `&self`: for clients to call and for entities to [ask](crate::Tx::ask), not to send.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     #[open]
/// #     pub fn available(&self) -> u32 { self.on_hand }
/// # }
/// let message: apostate::Call<Stock, u32, apostate::ReadOnly, _> = Stock::at("tea").available();
/// ```
pub use apostate_core::ReadOnly;

/// The message of an `#[open] pub fn`.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     #[open]
/// #     pub fn receive(&mut self, units: u32) { self.on_hand += units; }
/// # }
/// let message: apostate::Call<Stock, (), _, apostate::Open> = Stock::at("tea").receive(5);
/// ```
pub use apostate_core::Open;

/// The message of a `pub fn` that is not `#[open]`.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     pub fn put_back(&mut self, units: u32) { self.on_hand += units; }
/// # }
/// let message: apostate::Call<Stock, (), _, apostate::InternalOnly> = Stock::at("tea").put_back(5);
/// ```
pub use apostate_core::InternalOnly;

/// Messages that clients may send.
///
/// ```
/// use apostate::{Call, Entity, FromOutside};
///
/// fn call<E: Entity, R, S, A: FromOutside>(message: Call<E, R, S, A>) {
///     # drop(message);
///     // …
/// }
/// ```
pub use apostate_core::FromOutside;

/// A message that says what happens when it is refused.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     pub fn take(&mut self, units: u32) -> Result<(), Refusal> {
/// #         refuse!(self.on_hand < units, "only {} left", self.on_hand);
/// #         Ok(())
/// #     }
/// # }
/// fn take_all(products: &[&str]) -> Vec<apostate::SendableMessage> {
///     products.iter().map(|product| Stock::at(*product).take(1).or_ignore()).collect()
/// }
/// ```
pub use apostate_core::SendableMessage;

/// Arguments of [`Tx::send`](crate::Tx::send), for functions of the author's own that send.
///
/// ```
/// use apostate::{IntoSend, Tx};
///
/// fn send_if(tx: &mut Tx, condition: bool, message: impl IntoSend) {
///     if condition {
///         tx.send(message);
///     }
/// }
/// ```
pub use apostate_core::IntoSend;
