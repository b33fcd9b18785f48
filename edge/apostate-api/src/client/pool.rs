//! The connections of a client to its node: opened when none is idle, used for one request at a time, and kept for the next.
//!
//! ```text
//!   place ──▶ idle connection, or a new one ──▶ request ──▶ answer, to its end ──▶ idle again
//!                          ▲                       │
//!                          └─ closed, nothing sent ┘
//! ```
//!
//! There are as many connections as places, so callers beyond that wait for one. A stream has a connection of its own, beside
//! them: it lasts for as long as its reader likes. Read on in `connection`, one of them, and in `response`, where a request goes
//! over one.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::client::connect::Connector;
use crate::client::connection::{Connection, SendError};

/// How long a connection may be idle and is used again. A node closes those that are idle for 75 seconds, unless it is set
/// otherwise: a request that crosses that on its way gets no answer.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// The connections to one node. Those that are idle for too long are closed when another one comes back.
#[derive(Debug)]
pub(crate) struct Pool {
    connector: Connector,
    connections: usize,
    places: Arc<Semaphore>,
    /// Those that wait for a request, the last used one last.
    idle: Mutex<VecDeque<Idle>>,
}

#[derive(Debug)]
struct Idle {
    since: Instant,
    connection: Connection,
}

/// The right to use a connection: of the pool's number, or of a stream's own.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Room for a stream, which does not count.
    pub(crate) fn of_stream() -> Self {
        Self { _permit: None }
    }
}

/// A connection that is in use. Dropped, it is closed, as nobody knows what still comes over it.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) connection: Connection,
    /// Whether no request went over it before.
    pub(crate) is_new: bool,
    pool: Arc<Pool>,
    place: Place,
}

impl Pool {
    pub(crate) fn new(connector: Connector, connections: usize) -> Self {
        let connections = connections.clamp(1, Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(connections));
        Self { connector, connections, places, idle: Mutex::default() }
    }

    /// The same, with another number of connections, and none open.
    pub(crate) fn resized(&self, connections: usize) -> Self {
        Self::new(self.connector.clone(), connections)
    }

    /// A place, or why none became free in `patience`.
    pub(crate) async fn place(&self, patience: Duration) -> Result<Place, String> {
        let places = Arc::clone(&self.places);
        if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
            return Ok(Place { _permit: Some(permit) });
        }
        match timeout(patience, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: Some(permit) }),
            _ => {
                let connections = self.connections;
                Err(format!("all {connections} connections of the client were in use for {patience:.1?}; give it more"))
            }
        }
    }

    /// A connection that is open, as far as is known.
    pub(crate) async fn lease(self: &Arc<Self>, place: Place) -> Result<Lease, SendError> {
        let (connection, is_new) = match self.take_idle() {
            Some(connection) => (connection, false),
            None => (Connection::open(&self.connector).await?, true),
        };
        Ok(Lease { connection, is_new, pool: Arc::clone(self), place })
    }

    /// The connection that was used last: what is idle for long can be closed then.
    fn take_idle(&self) -> Option<Connection> {
        let runtime = Handle::current().id();
        let mut idle = self.lock();
        let is_usable = |idle: &Idle| idle.since.elapsed() < IDLE_MAX && idle.connection.is_of(runtime);
        let found = idle.iter().rposition(is_usable)?;
        idle.remove(found).map(|idle| idle.connection)
    }

    fn give_back(&self, connection: Connection) {
        let now = Instant::now();
        let mut idle = self.lock();
        while idle.len() >= self.connections || idle.front().is_some_and(|idle| now - idle.since >= IDLE_MAX) {
            idle.pop_front();
        }
        idle.push_back(Idle { since: now, connection });
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Keeps the connection for another request, if it takes one.
    pub(crate) fn give_back(self) {
        if self.connection.is_ready() {
            self.pool.give_back(self.connection);
        }
    }

    /// The place, without the connection, which is closed.
    pub(crate) fn close(self) -> Place {
        self.place
    }
}
