//! Reads of the store, for threads that may wait: what a partition loads while it serves, and what lists show.

mod agreements;
mod forget;
mod list;
mod load;
mod partners;

pub use self::agreements::{
    AnsweredLeg, Side, StoredAgreement, StoredAnswer, StoredOperation, StoredSettlement, Unfinished, operation_at,
    place_of, unfinished, unfinished_at,
};
pub use self::forget::forget_partition;
pub use self::list::{StoredEntity, StoredMessage, list, parked, parked_message, stored_position};
pub use self::load::load;
pub use self::partners::{Partners, StoredLeg, StoredOwed, StoredPartner, StoredTimer, Which, partners};
