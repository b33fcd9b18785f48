//! Activities, with examples: what an entity remembers about each of its partners.
//!
//! Paper: *Activities: managing state for each partner*.

#[doc = include_str!("../docs/activities.md")]
pub use apostate_core::Activities;

/// An activity that is read is used as the value that it is.
///
/// ```
/// use apostate::Activity;
/// use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock {}
/// # #[handlers]
/// # impl Stock {}
///
/// let mut promised: Activities<u32> = Activities::default();
/// *promised.with(Stock::at("tea")) += 3;
/// let tea: Activity<'_, u32> = promised.of(Stock::at("tea"));
/// assert_eq!(*tea, 3);
/// ```
pub use apostate_core::Activity;

/// A partner is a reference, or the address of whoever has sent a message.
///
/// ```
/// use apostate::ToPartner;
/// use apostate::prelude::*;
/// # #[entity(name = "stock")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Stock {}
/// # #[handlers]
/// # impl Stock {}
///
/// assert_eq!(Stock::at("tea").address().key().as_str(), "tea");
/// ```
pub use apostate_core::ToPartner;
