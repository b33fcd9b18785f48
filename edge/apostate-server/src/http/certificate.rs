//! Certificate: what a node shows to its clients, and why one cannot be shown.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain and its private key, ready to be shown to clients.
#[derive(Clone)]
pub struct TlsCertificate {
    chain: Vec<CertificateDer<'static>>,
    config: Arc<ServerConfig>,
}

/// The reason why a certificate cannot be shown to clients.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The chain does not read as PEM, or has no certificate.
    #[error("no certificates in PEM")]
    Chain(#[source] pem::Error),
    /// The key does not read as PEM, or there is none.
    #[error("no private key in PEM")]
    Key(#[source] pem::Error),
    /// The key is of a kind that is not supported, or is another certificate's.
    #[error("certificate and key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

impl TlsCertificate {
    /// The certificate at the beginning of `chain`, signed by the ones behind it, with its private key; both in PEM.
    ///
    /// # Errors
    ///
    /// See [`CertificateError`].
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let chain = read.map_err(CertificateError::Chain)?;
        if chain.is_empty() {
            return Err(CertificateError::Chain(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Key)?;
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = builder
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain.clone(), key));
        let mut config = config.map_err(CertificateError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { chain, config: Arc::new(config) })
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Equal certificates: a key belongs to one of them only.
impl PartialEq for TlsCertificate {
    fn eq(&self, other: &Self) -> bool {
        self.chain == other.chain
    }
}

impl Eq for TlsCertificate {}

impl fmt::Debug for TlsCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsCertificate").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}
