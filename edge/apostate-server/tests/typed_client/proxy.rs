//! A network that breaks where a test wants it to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Stands between a client and a node.
pub(crate) struct Proxy {
    address: SocketAddr,
    way: Arc<Way>,
    task: JoinHandle<()>,
}

struct Way {
    node: SocketAddr,
    /// How many answers are to be lost.
    to_lose: AtomicUsize,
    lost: AtomicUsize,
    /// How many connections were cut.
    broken: AtomicUsize,
    /// How often everything was cut.
    cuts: watch::Sender<u64>,
}

impl Proxy {
    pub(crate) async fn start(node: SocketAddr) -> Self {
        Self::at(([127, 0, 0, 1], 0).into(), node).await
    }

    pub(crate) async fn at(address: SocketAddr, node: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("it listens");
        let way = Way {
            node,
            to_lose: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            cuts: watch::channel(0).0,
        };
        let way = Arc::new(way);
        let connections = Arc::clone(&way);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, Arc::clone(&connections)));
            }
        });
        Self { address, way, task }
    }

    /// An address where nobody listens.
    pub(crate) async fn free_address() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        listener.local_addr().expect("it listens")
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Of so many requests from now on the answer never arrives: the connection is cut when it comes.
    pub(crate) fn lose_answers(&self, count: usize) {
        self.way.to_lose.store(count, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> usize {
        self.way.lost.load(Ordering::Relaxed)
    }

    /// How many connections were cut.
    pub(crate) fn broken(&self) -> usize {
        self.way.broken.load(Ordering::Relaxed)
    }

    /// Cuts every connection that there is.
    pub(crate) fn cut(&self) {
        self.way.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

/// Carries bytes both ways until one end has no more, or the connection is cut.
async fn carry(client: TcpStream, way: Arc<Way>) {
    let mut cuts = way.cuts.subscribe();
    let Ok(node) = TcpStream::connect(way.node).await else { return };
    let ((from_client, to_client), (from_node, to_node)) = (client.into_split(), node.into_split());
    tokio::select! {
        _ = cuts.changed() => drop(way.broken.fetch_add(1, Ordering::Relaxed)),
        () = copy(from_client, to_node, || false) => {}
        () = copy(from_node, to_client, || way.loses()) => {}
    }
}

/// Carries bytes one way until there are no more, or the next ones are lost.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_lost: impl Fn() -> bool) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count) = from.read(&mut bytes).await {
        if count == 0 || is_lost() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}

impl Way {
    fn loses(&self) -> bool {
        let lose = |left: usize| left.checked_sub(1);
        let is_lost = self.to_lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose).is_ok();
        self.lost.fetch_add(usize::from(is_lost), Ordering::Relaxed);
        is_lost
    }
}
