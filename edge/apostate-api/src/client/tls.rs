//! TLS, if the feature `tls` is on: what a node shows is checked against the certificates that this machine trusts, or against given ones.

#[cfg(feature = "tls")]
use crate::client::error::{SetupError, cause};

/// Whether a client of this build can ask URLs with this scheme. Gets ready for it.
pub(crate) fn is_spoken(scheme: &str) -> bool {
    match scheme {
        "http" => {
            prepare();
            true
        }
        "https" => prepare(),
        _ => false,
    }
}

/// Names the provider of cryptography, unless the program has done so. Whether there is one.
fn prepare() -> bool {
    #[cfg(feature = "tls")]
    {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    cfg!(feature = "tls")
}

/// Trusts the authorities of a PEM text, and no others.
#[cfg(feature = "tls")]
pub(crate) fn trusting(http: reqwest::ClientBuilder, authorities: &[u8]) -> Result<reqwest::ClientBuilder, SetupError> {
    let no_certificate = |why: String| SetupError::Authorities(why);
    let certificates =
        reqwest::Certificate::from_pem_bundle(authorities).map_err(|error| no_certificate(cause(&error)))?;
    if certificates.is_empty() {
        return Err(no_certificate("there is none in PEM".to_owned()));
    }
    Ok(http.tls_certs_only(certificates))
}
