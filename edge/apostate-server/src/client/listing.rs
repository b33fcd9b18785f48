//! Listing: all entities of a kind, read from the checkpoints.

use std::marker::PhantomData;
use std::sync::Arc;

use apostate_core::{Address, EntityKey, Handlers, KindId, decode_state};
use apostate_partition::{Range, StoredEntity, list};

use crate::CallError;
use crate::client::checkpoint::CheckpointRequest;
use crate::client::node_handle::NodeHandle;

/// About how many bytes are read at a time.
pub(crate) const PAGE_BYTES: usize = 256 << 10;

/// One entity of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<E> {
    /// The key of the entity.
    pub key: EntityKey,
    /// How often it was changed, as of `entity`.
    pub version: u64,
    /// The state of the entity, durable, as of some moment after the list was asked for.
    pub entity: E,
}

/// All entities of a kind, in order of their places on the ring, then of their keys. Ends after an error, other than
/// [`CallError::Unreadable`]: an entity whose state does not read hides no other.
#[must_use = "a list is read lazily"]
pub struct Listing<E> {
    node: Arc<NodeHandle>,
    /// For each partition in the order of the ring: its checkpoint request.
    requests: std::vec::IntoIter<CheckpointRequest>,
    /// The range that pages are read from, and the last entity read there. A range of the store, whoever has it by now.
    current: Option<(Range, Option<Address>)>,
    page: std::vec::IntoIter<StoredEntity>,
    types: PhantomData<fn() -> E>,
}

impl<E: Handlers> Listing<E> {
    pub(crate) fn new(node: &Arc<NodeHandle>) -> Self {
        Self {
            node: Arc::clone(node),
            requests: CheckpointRequest::send_to_all(node).into_iter(),
            current: None,
            page: Vec::new().into_iter(),
            types: PhantomData,
        }
    }

    /// Reads on until there is a page, or nothing is left.
    fn turn_page(&mut self) -> Result<(), CallError> {
        while self.page.as_slice().is_empty() {
            if let Some((range, after)) = self.current.take() {
                self.read_page(range, after)?;
            } else if let Some(request) = self.requests.next() {
                self.enter(&request)?;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    fn enter(&mut self, request: &CheckpointRequest) -> Result<(), CallError> {
        request.wait(&self.node)?;
        self.current = Some((request.range, None));
        Ok(())
    }

    fn read_page(&mut self, range: Range, after: Option<Address>) -> Result<(), CallError> {
        let kind = KindId::of(E::NAME);
        let read = self.node.with_store(|store| list(store, range, kind, after.as_ref(), PAGE_BYTES))?;
        let page = read.map_err(|error| CallError::unlisted(E::NAME, &error))?;
        if let Some(last) = page.last() {
            self.current = Some((range, Some(last.address.clone())));
        }
        self.page = page.into_iter();
        Ok(())
    }

    fn read(&self, stored: &StoredEntity) -> Result<Listed<E>, CallError> {
        let entity = decode_state::<E>(&stored.state).map_err(|error| CallError::Unreadable {
            entity: self.node.name_of(&stored.address),
            detail: error.to_string(),
        })?;
        Ok(Listed { key: stored.address.key().clone(), version: stored.version, entity })
    }

    fn end(&mut self) {
        self.requests = Vec::new().into_iter();
        self.current = None;
        self.page = Vec::new().into_iter();
    }
}

impl<E: Handlers> Iterator for Listing<E> {
    type Item = Result<Listed<E>, CallError>;

    fn next(&mut self) -> Option<Self::Item> {
        let listed = match self.turn_page() {
            Ok(()) => {
                let stored = self.page.next()?;
                self.read(&stored)
            }
            Err(error) => Err(error),
        };
        if listed.as_ref().is_err_and(|error| !matches!(error, CallError::Unreadable { .. })) {
            self.end();
        }
        Some(listed)
    }
}
