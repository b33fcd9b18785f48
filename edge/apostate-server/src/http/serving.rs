//! The HTTP server's threads: how they start, how connections are dealt to them, and how they stop.
//!
//! Each thread has its own reactor, its own connections and its own dispatcher, and meets the others only where connections are
//! dealt out. So a request is read, asked, answered and written on one thread, and only the executor is another one.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use apostate_api::ErrorCode;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::SettingsError;
use crate::client::node_handle::NodeHandle;
use crate::http::certificate::TlsCertificate;
use crate::http::connection::{self, Admitted};
use crate::http::dispatcher::Dispatcher;
use crate::http::edge::{Edge, Stage};
use crate::http::fault::Fault;
use crate::http::refusal;
use crate::http::service::HttpService;
use crate::http::settings::HttpSettings;

/// How long the listener rests when the system gives it no connection, as without a free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Threads, of each thread, that may wait for a disk.
const BLOCKING_THREADS: usize = 8;

/// Connections that wait to be taken.
const BACKLOG: u32 = 4096;

/// File descriptors that a node needs besides its connections.
const FILES_BESIDES: u64 = 256;

/// An address that is this process's own, and that nobody is let in at before [`Node::serve_on`](crate::Node::serve_on).
///
/// Taken before a node is opened, it shows in time that somebody else has it, and nothing is left behind.
pub struct Listener {
    socket: TcpSocket,
    address: SocketAddr,
}

/// A node that listens. Dropped, it closes its connections as they are; [`stop`](Self::stop) lets answers leave first.
pub struct Serving {
    edge: Arc<Edge>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

/// The reason why a node does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be.
    #[error("a setting cannot be used")]
    Settings(#[from] SettingsError),
    /// The address is taken, or is not one of this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system refused a thread or a reactor.
    #[error("cannot start {what}")]
    System {
        /// What is needed.
        what: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Listener {
    /// Takes `address`. Port 0: any that is free.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`], when it cannot be had.
    pub fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address, source };
        let socket = bound(address).map_err(failed)?;
        let address = socket.local_addr().map_err(failed)?;
        Ok(Self { socket, address })
    }

    /// Which address it is.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Lets connections come. Thousands may come at once, as after a restart, and whoever finds no place in the queue waits
    /// for a second.
    fn listen(self) -> Result<StdListener, ServeError> {
        let listen = || {
            let reactor = Builder::new_current_thread().enable_io().build()?;
            let _inside = reactor.enter();
            self.socket.listen(BACKLOG)?.into_std()
        };
        listen().map_err(|source| ServeError::Listen { address: self.address, source })
    }
}

impl Serving {
    pub(crate) fn begin(
        shared: Arc<NodeHandle>,
        listener: Listener,
        settings: HttpSettings,
    ) -> Result<Self, ServeError> {
        let address = listener.local_addr();
        let settings = HttpSettings { listen: address, ..settings };
        settings.validate()?;
        raise_file_limit(settings.connections_max);
        let listener = listener.listen()?;
        if settings.token.is_none() && settings.insecure {
            warn!(
                %address,
                "INSECURE: no token is set; every program and every web page that reaches this address may read and change everything"
            );
        }
        let threads = settings.threads();
        let requests_max = settings.requests_max.div_ceil(threads);
        let edge = Arc::new(Edge::new(Arc::clone(&shared), settings));
        let mut serving = Self { edge: Arc::clone(&edge), address, threads: Vec::new() };
        let mut dealt = Vec::new();
        let mut crews = Vec::new();
        for _ in 0..threads {
            let (deal, sockets) = mpsc::unbounded_channel();
            dealt.push(deal);
            crews.push((runtime()?, sockets));
        }
        let mut listening = Some((listener, dealt));
        for (index, (runtime, sockets)) in crews.into_iter().enumerate() {
            let dispatcher = Dispatcher::new(Arc::clone(&shared), requests_max).ok_or_else(too_many_threads)?;
            let service = HttpService::new(Arc::clone(&edge), Arc::new(dispatcher));
            // The first thread listens for all.
            let listening = listening.take();
            let body = move || run(runtime, Arc::new(service), sockets, listening);
            let thread = thread::Builder::new().name(format!("apostate-http-{index}")).spawn(body);
            serving.threads.push(thread.map_err(|source| ServeError::System { what: "a thread", source })?);
        }
        info!(%address, tls = edge.tls().is_some(), "node listens");
        Ok(serving)
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.edge.connections.load(Ordering::Relaxed)
    }

    /// Lets in who sends this token from now on, and nobody who sends the one before; requests that were let in are answered. False: it
    /// serves without a token, and goes on so.
    pub fn replace_token(&self, token: &str) -> bool {
        self.edge.replace_token(token)
    }

    pub(crate) fn has_token(&self) -> bool {
        self.edge.settings.token.is_some()
    }

    pub(crate) fn has_certificate(&self) -> bool {
        self.edge.tls().is_some()
    }

    /// Shows this certificate to connections that begin from now on; those that are open stay. False: it serves without TLS, and goes on so.
    pub fn replace_certificate(&self, certificate: TlsCertificate) -> bool {
        self.edge.replace_certificate(certificate)
    }

    /// Stops in good order: takes no new connections and no new requests, and waits until what is under way is answered, or
    /// patience is at its end. Stop it before its node.
    pub fn stop(mut self) {
        self.edge.stage.send_replace(Stage::Draining);
        let until = Instant::now() + self.edge.settings.stop_patience;
        while self.connections() > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
        if self.connections() > 0 {
            warn!(
                connections = self.connections(),
                "stop: closing connections that were not finished within stop-patience"
            );
        }
        self.end();
    }

    fn end(&mut self) {
        self.edge.stage.send_replace(Stage::Over);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                error!("an HTTP thread panicked: report it as a bug of apostate");
            }
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.end();
    }
}

fn too_many_threads() -> ServeError {
    let source = io::Error::other("too many threads serve this node; stop one of its other listeners first");
    ServeError::System { what: "another completion queue", source }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a node that ended just now do not keep the next one from its address.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

fn runtime() -> Result<Runtime, ServeError> {
    let mut builder = Builder::new_current_thread();
    builder.enable_io().enable_time().max_blocking_threads(BLOCKING_THREADS).thread_name("apostate-http-blocking");
    builder.build().map_err(|source| ServeError::System { what: "a reactor", source })
}

/// Where the listener deals a connection to.
type Deal = mpsc::UnboundedSender<(StdStream, Admitted)>;
type Sockets = mpsc::UnboundedReceiver<(StdStream, Admitted)>;

/// The body of a thread of the edge.
fn run(runtime: Runtime, service: Arc<HttpService>, sockets: Sockets, listening: Option<(StdListener, Vec<Deal>)>) {
    let mut stage = service.edge.stage.subscribe();
    runtime.spawn(Arc::clone(&service.dispatcher).run());
    if let Some((listener, dealt)) = listening {
        runtime.spawn(listen(Arc::clone(&service.edge), listener, dealt));
    }
    runtime.spawn(take_in(service, sockets));
    // The edge outlives its threads.
    let _ = runtime.block_on(stage.wait_for(|stage| *stage == Stage::Over));
    // All tasks end here. Who reads the disk for a list that nobody waits for any more is not waited for either.
    runtime.shutdown_background();
}

/// Begins to serve what is dealt to this thread.
async fn take_in(service: Arc<HttpService>, mut sockets: Sockets) {
    while let Some((stream, admitted)) = sockets.recv().await {
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                tokio::spawn(connection::serve(Arc::clone(&service), stream, admitted));
            }
            Err(error) => warn!(%error, "cannot register a connection with its thread; it was closed"),
        }
    }
}

/// Takes connections and deals them out, until a stop begins.
async fn listen(edge: Arc<Edge>, listener: StdListener, dealt: Vec<Deal>) {
    let mut stopping = pin!(edge.stopping());
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return error!(%error, "listener failed: the node takes no connections; start it again"),
    };
    let mut turn = 0;
    let mut refusals = JoinSet::new();
    while let Some(accepted) = accept(&listener, stopping.as_mut()).await {
        while refusals.try_join_next().is_some() {}
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!(%error, "cannot accept a connection; trying again. Raise the limit of open files if it persists");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small, and are waited for.
        let _ = stream.set_nodelay(true);
        let Some(admitted) = Admitted::let_in(&edge) else {
            edge.meters.connections_refused.fetch_add(1, Ordering::Relaxed);
            // With TLS only a handshake could tell it, which costs more than there is.
            if refusals.len() < REFUSALS_MAX && edge.tls().is_none() {
                let detail = format!("{} connections are open; come again", edge.settings.connections_max);
                refusals.spawn(refusal::tell(stream, Fault::new(ErrorCode::TooManyConnections, detail)));
            }
            continue;
        };
        turn = (turn + 1) % dealt.len();
        match stream.into_std() {
            // A thread that is gone takes its connection with it.
            Ok(stream) => drop(dealt[turn].send((stream, admitted))),
            Err(error) => warn!(%error, "cannot hand a connection to its thread; it was closed"),
        }
    }
}

/// The next connection. None: a stop has begun.
async fn accept(
    listener: &TcpListener,
    mut stopping: Pin<&mut impl Future<Output = ()>>,
) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|context| {
        if stopping.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        listener.poll_accept(context).map(Some)
    })
    .await
}

/// Connections that are told at once that there are too many; more than that are closed without a word.
const REFUSALS_MAX: usize = 64;

/// Lets the process have as many files as its connections need, as far as it may.
fn raise_file_limit(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let needed = connections as u64 + FILES_BESIDES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
    if setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).is_err() || raised < needed {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(needed);
        warn!(
            files,
            needed, "the limit of open files is below connections-max; raise it with `ulimit -n` or LimitNOFILE"
        );
    }
}
