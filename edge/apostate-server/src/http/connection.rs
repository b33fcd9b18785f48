//! One connection, from the first byte to the last: the handshake of TLS if the node has a certificate, then HTTP.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tracing::debug;

use crate::http::activity::{ConnectionActivity, ConnectionTimeouts, IdleVerdict, Watched};
use crate::http::edge::Edge;
use crate::http::handshake::handshake;
use crate::http::service::HttpService;
use crate::http::settings::{HEADERS_MAX, HttpSettings};

/// Most bytes that are read ahead of a connection. The head of a request has to fit.
const BUFFER_BYTES: usize = 64 << 10;

/// One of the connections that there may be.
pub(crate) struct Admitted(Arc<Edge>);

impl Admitted {
    /// Lets one in. None: there are as many connections as there may be.
    pub(crate) fn let_in(edge: &Arc<Edge>) -> Option<Self> {
        let max = edge.settings.connections_max;
        let more = |open: usize| (open < max).then_some(open + 1);
        edge.connections.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        edge.meters.connections.fetch_add(1, Ordering::Relaxed);
        Some(Self(Arc::clone(edge)))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Serves a connection until it ends, does nothing for too long, or the node stops.
pub(crate) async fn serve(service: Arc<HttpService>, stream: TcpStream, admitted: Admitted) {
    let edge = &admitted.0;
    let activity = Arc::new(ConnectionActivity::new());
    match edge.tls() {
        None => speak_http(service, edge, Watched::new(stream, Arc::clone(&activity)), activity).await,
        Some(config) => {
            if let Some(stream) = handshake(edge, config, stream, &activity).await {
                speak_http(service, edge, stream, activity).await;
            }
        }
    }
}

/// Serves HTTP on a stream whose reads and writes `activity` sees.
async fn speak_http<S: AsyncRead + AsyncWrite + Unpin>(
    service: Arc<HttpService>,
    edge: &Edge,
    stream: S,
    activity: Arc<ConnectionActivity>,
) {
    let service = {
        let (service, activity) = (Arc::clone(&service), Arc::clone(&activity));
        service_fn(move |request| Arc::clone(&service).serve(Arc::clone(&activity), request))
    };
    let io = TokioIo::new(stream);
    let mut connection = pin!(
        http1::Builder::new()
            .max_buf_size(BUFFER_BYTES)
            // More than we allow, so that a request with too many gets our problem and not hyper's bare 431.
            .max_headers(2 * HEADERS_MAX)
            // `pipeline_flush` would save writes where requests are pipelined, but lifts the bound on what waits to be written:
            // a list would be kept whole for a slow reader.
            .pipeline_flush(false)
            // `ConnectionActivity` has this timeout too.
            .header_read_timeout(None)
            .serve_connection(io, service)
    );
    let mut stopping = pin!(edge.stopping());
    let mut is_stopping = false;
    let timeouts = timeouts(&edge.settings);
    let mut check = pin!(sleep(timeouts.shortest()));
    poll_fn(|context| {
        if let Poll::Ready(result) = connection.as_mut().poll(context) {
            if let Err(error) = result {
                debug!(%error, "connection ended");
            }
            return Poll::Ready(());
        }
        // A head that is not whole by now is not waited for.
        if is_stopping && activity.is_resting() {
            return Poll::Ready(());
        }
        if !is_stopping && stopping.as_mut().poll(context).is_ready() {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
            context.waker().wake_by_ref();
        }
        while check.as_mut().poll(context).is_ready() {
            match activity.check(&timeouts) {
                IdleVerdict::KeepUntil(until) => check.as_mut().reset(Instant::from_std(until)),
                IdleVerdict::Close => {
                    edge.meters.connections_timed_out.fetch_add(1, Ordering::Relaxed);
                    return Poll::Ready(());
                }
            }
        }
        Poll::Pending
    })
    .await;
}

fn timeouts(settings: &HttpSettings) -> ConnectionTimeouts {
    let HttpSettings { header_timeout, write_timeout, idle_timeout, .. } = *settings;
    ConnectionTimeouts { header: header_timeout, write: write_timeout, idle: idle_timeout }
}
