//! Where a store is: in this process ([`Hosted`](crate::host::Hosted)), or behind a URL ([`Remote`](crate::remote::Remote)).
//!
//! Lines go in and entities come out the same way, so replaying, adding up and exporting do not know which it is.

use apostate_core::Handlers;

use crate::failure::Failure;
use crate::feed::Fed;
use crate::row::Row;

/// A store.
pub(crate) trait Place {
    /// Sends `rows`, of which there are `total`, as the log called `log`; returns when all are durable.
    fn feed(&self, log: &str, total: u64, rows: impl Iterator<Item = Result<Row, Failure>>) -> Result<Fed, Failure>;

    /// Waits until no message is on its way.
    fn settle(&self) -> Result<(), Failure>;

    /// All entities of one kind, each with its key.
    fn list<E: Handlers>(&self) -> impl Iterator<Item = Result<(String, E), Failure>>;

    /// How many partitions it has.
    fn partitions(&self) -> Result<usize, Failure>;

    /// Leaves it in good order.
    fn leave(self) -> Result<(), Failure>;
}
