//! Names, with examples: of entities, of moments.
//!
//! Paper: *Entities* (the entity-key).

/// All that a sender has to know of its partner.
///
/// ```
/// use apostate::EntityKey;
///
/// let key = EntityKey::new("BANK CHARGES")?;
/// assert_eq!(key.as_str(), "BANK CHARGES");
/// assert!(EntityKey::new("").is_err());
/// # Ok::<(), apostate::KeyError>(())
/// ```
pub use apostate_core::EntityKey;

/// Text that is no key can be named all the same; sending to it fails.
///
/// ```
/// use apostate::{EntityKey, KeyError};
///
/// assert_eq!(EntityKey::new(""), Err(KeyError::Empty));
/// assert_eq!(EntityKey::new(&"x".repeat(300)), Err(KeyError::TooLong(300)));
/// ```
pub use apostate_core::KeyError;

/// Keys that `Stock::at` takes; a type of the author's own can be one, too.
///
/// ```
/// use apostate::{EntityKey, KeyError, ToKey};
///
/// struct Sku {
///     maker: u32,
///     number: u32,
/// }
///
/// impl ToKey for &Sku {
///     fn to_key(self) -> Result<EntityKey, KeyError> {
///         format!("{}-{}", self.maker, self.number).to_key()
///     }
/// }
///
/// assert_eq!(Sku { maker: 7, number: 12 }.to_key()?.as_str(), "7-12");
/// # Ok::<(), KeyError>(())
/// ```
pub use apostate_core::ToKey;

/// Which entity a message came from, as [`Tx::sender`](crate::Tx::sender) tells.
///
/// ```
/// # use apostate::prelude::*;
/// # #[entity(name = "account")]
/// # #[derive(Default, Serialize, Deserialize)]
/// # pub struct Account { last: String }
/// #[handlers]
/// impl Account {
///     /// Remembers who paid last.
///     pub fn deposit(&mut self, tx: &mut Tx, amount: u64) {
///         # let _ = amount;
///         self.last = tx.sender().map(|from| from.key().to_string()).unwrap_or_default();
///     }
/// }
/// ```
pub use apostate_core::Address;

/// A key for an entity that has none of its own, made with [`Tx::new_id`](crate::Tx::new_id).
///
/// ```
/// use apostate::{Id, ToKey};
///
/// let id: Id = "01890a5d-ac96-774b-bcce-b302099a8057".parse()?;
/// assert_eq!(id.to_key().unwrap().as_str(), id.to_string());
/// # Ok::<(), String>(())
/// ```
pub use apostate_core::Id;

/// The time of a transaction, as [`Tx::now`](crate::Tx::now) tells.
///
/// ```
/// use apostate::Timestamp;
/// use std::time::Duration;
///
/// let opened = Timestamp(1_700_000_000_000);
/// let closes = opened.after(Duration::from_secs(60));
/// assert_eq!(closes.since(opened), Duration::from_secs(60));
/// ```
pub use apostate_core::Timestamp;
