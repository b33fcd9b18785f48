//! Handshake: how a connection to a node with a certificate begins.
//!
//! Clients are known by their tokens; none shows a certificate.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use apostate_api::ErrorCode;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use crate::http::activity::{ConnectionActivity, Watched};
use crate::http::edge::Edge;
use crate::http::fault::Fault;
use crate::http::refusal;

/// The first byte of every TLS connection: the type of a handshake record.
const HANDSHAKE_RECORD: u8 = 0x16;

/// The beginning of a connection to a listener with TLS.
enum Beginning {
    Tls(Box<TlsStream<Watched>>),
    /// The client speaks something else.
    Plain(TcpStream),
    /// The client has hung up.
    Closed,
}

/// The encrypted stream of a connection; none if the client does not speak TLS, or not within the header timeout, or a stop begins
/// meanwhile. A client that speaks plain HTTP is told so.
pub(crate) async fn handshake(
    edge: &Edge,
    config: Arc<ServerConfig>,
    stream: TcpStream,
    activity: &Arc<ConnectionActivity>,
) -> Option<Box<TlsStream<Watched>>> {
    let mut begun = pin!(timeout(edge.settings.header_timeout, begin(config, stream, activity)));
    let mut stopping = pin!(edge.stopping());
    let begun = poll_fn(|context| {
        if stopping.as_mut().poll(context).is_ready() {
            return Poll::Ready(None);
        }
        begun.as_mut().poll(context).map(Some)
    });
    match begun.await? {
        Ok(Ok(Beginning::Tls(stream))) => {
            activity.has_begun();
            return Some(stream);
        }
        Ok(Ok(Beginning::Plain(stream))) => {
            let detail = "this port speaks TLS only; ask it with https:// instead of http://";
            refusal::tell(stream, Fault::new(ErrorCode::TlsRequired, detail)).await;
        }
        Ok(Ok(Beginning::Closed)) => {}
        Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
        Err(_) => {
            edge.meters.connections_timed_out.fetch_add(1, Ordering::Relaxed);
        }
    }
    None
}

async fn begin(
    config: Arc<ServerConfig>,
    stream: TcpStream,
    activity: &Arc<ConnectionActivity>,
) -> io::Result<Beginning> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(Beginning::Closed);
    }
    if first != [HANDSHAKE_RECORD] {
        return Ok(Beginning::Plain(stream));
    }
    let accepted = TlsAcceptor::from(config).accept(Watched::new(stream, Arc::clone(activity)));
    Ok(Beginning::Tls(Box::new(accepted.await?)))
}
