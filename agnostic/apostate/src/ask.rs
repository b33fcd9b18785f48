//! Asking, with examples: what an entity asks another one, and the answer that comes back.
//!
//! Paper: *Messaging across entities*.

#[doc = include_str!("../docs/asks.md")]
pub use apostate_core::Answer;

/// The reason of [`Answer::Failed`], which programs know by its code and people by its text.
///
/// ```
/// use apostate::prelude::*;
/// use apostate::Reason;
///
/// fn is_there(answer: &Answer<u32>) -> bool {
///     !matches!(answer, Answer::Failed(Reason { code, .. }) if code == "entity-missing")
/// }
/// assert!(is_there(&Answer::Answered(7)));
/// ```
pub use apostate_core::Reason;

/// A message that is about to be asked: how long to wait is not said yet.
///
/// ```
/// # use apostate::prelude::*;
/// # use std::time::Duration;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32, level: u32 }
/// #[handlers]
/// impl Stock {
///     pub fn compare(&mut self, tx: &mut Tx) {
///         let ask: apostate::Ask<'_, u32> = tx.ask(Self::at("other").available());
///         ask.within(Duration::from_secs(5)).then(Self::ON_LEVEL);
///     }
///
///     pub fn available(&self) -> u32 {
///         self.on_hand
///     }
///
///     #[on]
///     fn on_level(&mut self, answer: Answer<u32>) {
///         if let Answer::Answered(level) = answer {
///             self.level = level;
///         }
///     }
/// }
/// ```
pub use apostate_core::Ask;

/// A message that is about to be asked: who takes the answer is not said yet.
///
/// ```
/// # use apostate::prelude::*;
/// use apostate::AskWithin;
/// use std::time::Duration;
///
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock { on_hand: u32 }
/// # #[handlers]
/// # impl Stock {
/// #     pub fn available(&self) -> u32 { self.on_hand }
/// # }
/// fn ask_soon<'t>(tx: &'t mut Tx<'_>, product: &str) -> AskWithin<'t, u32> {
///     tx.ask(Stock::at(product).available()).within(Duration::from_secs(5))
/// }
/// ```
pub use apostate_core::AskWithin;

/// Arguments of [`Tx::ask`](crate::Tx::ask), for functions of the author's own that ask.
///
/// ```
/// use apostate::{AskWithin, IntoAsk, Tx};
/// use std::time::Duration;
///
/// fn ask_soon<'t, M: IntoAsk>(tx: &'t mut Tx<'_>, message: M) -> AskWithin<'t, M::Reply> {
///     tx.ask(message).within(Duration::from_secs(5))
/// }
/// ```
pub use apostate_core::IntoAsk;

/// Handlers that [`AskWithin::then`] takes: `#[on]` handlers of an [`Answer`].
///
/// ```
/// # use apostate::prelude::*;
/// use apostate::{AskWithin, TakesAnswer};
///
/// /// For functions of the author's own.
/// fn end_with<R>(ask: AskWithin<'_, R>, handler: impl TakesAnswer<R>) {
///     ask.then(handler);
/// }
/// ```
pub use apostate_core::TakesAnswer;
