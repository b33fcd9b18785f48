//! TLS, if the feature `tls` is on: what a node shows is checked against the certificates that this machine trusts, or against given ones.

#[cfg(feature = "tls")]
pub(crate) use self::spoken::{Authorities, Tls};
#[cfg(not(feature = "tls"))]
pub(crate) use self::unspoken::{Authorities, Tls};

#[cfg(feature = "tls")]
mod spoken {
    use std::fmt;
    use std::io;
    use std::net::IpAddr;
    use std::sync::Arc;

    use rustls::crypto::{CryptoProvider, ring};
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::BuilderVerifierExt;
    use tokio::net::TcpStream;
    use tokio_rustls::TlsConnector;
    use tokio_rustls::client::TlsStream;
    use url::{Host, Url};

    use crate::client::error::{SetupError, cause};

    /// Authorities whose word is taken, instead of those that this machine trusts.
    pub(crate) struct Authorities(RootCertStore);

    impl Authorities {
        /// The authorities of a PEM text.
        pub(crate) fn of(pem: &[u8]) -> Result<Self, SetupError> {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|error| SetupError::Authorities(error.to_string()))?;
                roots.add(certificate).map_err(|error| SetupError::Authorities(cause(&error)))?;
            }
            match roots.is_empty() {
                true => Err(SetupError::Authorities("there is none in PEM".to_owned())),
                false => Ok(Self(roots)),
            }
        }
    }

    /// TLS with one node.
    #[derive(Clone)]
    pub(crate) struct Tls {
        connector: TlsConnector,
        name: ServerName<'static>,
    }

    impl fmt::Debug for Tls {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
        }
    }

    impl Tls {
        /// TLS with the node at `url`. None: this build does not speak it.
        pub(crate) fn with(url: &Url, authorities: Option<Authorities>) -> Result<Option<Self>, SetupError> {
            let name = match url.host() {
                Some(Host::Ipv4(address)) => IpAddr::from(address).into(),
                Some(Host::Ipv6(address)) => IpAddr::from(address).into(),
                name => ServerName::try_from(name.map_or_else(String::new, |name| name.to_string()))
                    .map_err(|error| SetupError::Url(format!("no certificate names the host of `{url}`: {error}")))?,
            };
            let connector = TlsConnector::from(Arc::new(config(authorities)?));
            Ok(Some(Self { connector, name }))
        }

        pub(crate) async fn handshake(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
            self.connector.connect(self.name.clone(), tcp).await
        }
    }

    fn config(authorities: Option<Authorities>) -> Result<ClientConfig, SetupError> {
        let setup = |error: rustls::Error| SetupError::Http(cause(&error));
        let given = CryptoProvider::get_default().cloned();
        let provider = given.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let config =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(setup)?;
        let config = match authorities {
            Some(Authorities(roots)) => config.with_root_certificates(roots),
            None => config.with_platform_verifier().map_err(setup)?,
        };
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(not(feature = "tls"))]
mod unspoken {
    use std::io;

    use tokio::net::TcpStream;
    use url::Url;

    use crate::client::error::SetupError;

    /// Authorities that this build cannot take.
    #[derive(Debug)]
    pub(crate) enum Authorities {}

    /// TLS, which this build does not speak.
    #[derive(Clone, Debug)]
    pub(crate) enum Tls {}

    impl Tls {
        pub(crate) fn with(_: &Url, _: Option<Authorities>) -> Result<Option<Self>, SetupError> {
            Ok(None)
        }

        pub(crate) async fn handshake(&self, _: TcpStream) -> io::Result<TcpStream> {
            match *self {}
        }
    }
}
