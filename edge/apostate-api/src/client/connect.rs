//! The way to a node: a TCP connection to its address, and TLS on it if its URL says so. No proxy is asked, whatever the environment says.

use std::fmt::Debug;
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tower_service::Service;
use url::{Position, Url};

use crate::client::error::{SetupError, cause};
use crate::client::tls::Tls;

/// How long a connection may take to open.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Bytes in both directions.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Stream for S {}

/// Opens connections to one node.
#[derive(Clone, Debug)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    /// None: the bytes go as they are.
    tls: Option<Tls>,
    node: Uri,
}

impl Connector {
    pub(crate) fn new(node: &Url, tls: Option<Tls>) -> Result<Self, SetupError> {
        // Every address of a name is tried, with a share of the time each.
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_PATIENCE));
        let node = Uri::try_from(&node[..Position::BeforePath]).map_err(|error| SetupError::Url(error.to_string()))?;
        Ok(Self { tcp, tls, node })
    }

    /// Opens a connection, or says why there is none.
    pub(crate) async fn open(&self) -> Result<Box<dyn Stream>, String> {
        let open = async {
            let tcp = self.tcp.clone().call(self.node.clone()).await.map_err(|error| cause(&error))?;
            let tcp = TokioIo::into_inner(tcp);
            Ok(match &self.tls {
                None => Box::new(tcp) as Box<dyn Stream>,
                Some(tls) => Box::new(tls.handshake(tcp).await.map_err(|error| cause(&error))?),
            })
        };
        timeout(CONNECT_PATIENCE, open).await.unwrap_or_else(|_| Err(format!("no connection for {CONNECT_PATIENCE:?}")))
    }
}
