//! Reload: at SIGHUP the token and the certificate are read again, and nothing else.
//!
//! Each is replaced by itself. What cannot be used is said in the log, and what was in force before stays.

use tracing::{info, warn};

use crate::Serving;
use crate::http::check_token;
use crate::run::config::Config;
use crate::run::error::{ConfigError, with_causes};

/// Reads the token and the certificate again, from where `said` and its file of settings name them.
pub(super) fn reload(said: &Config, serving: &Serving) {
    let config = match said.clone().with_file() {
        Ok(config) => config,
        Err(error) => return refuse("token and certificate", error),
    };
    match config.token() {
        Ok(token) => reload_token(token, serving),
        Err(error) => refuse("token", error),
    }
    match config.certificate() {
        Ok(Some(certificate)) if serving.replace_certificate(certificate.clone()) => {
            info!("certificate read again; new connections are shown this one");
        }
        Ok(None) if !serving.has_certificate() => {}
        Ok(_) => {
            warn!("certificate not replaced: a node with TLS keeps it, and one without needs a restart to begin");
        }
        Err(error) => refuse("certificate", error),
    }
}

fn reload_token(token: Option<String>, serving: &Serving) {
    let Some(token) = token else {
        if serving.has_token() {
            warn!("token not replaced: the settings name none any more, and a node with a token keeps one");
        }
        return;
    };
    match check_token(&token) {
        Err(error) => refuse("token", error.into()),
        Ok(()) if serving.replace_token(&token) => info!("token read again; it is the one that counts now"),
        Ok(()) => warn!("token not replaced: a node without a token needs a restart to want one"),
    }
}

fn refuse(what: &str, error: ConfigError) {
    let error = with_causes(&error);
    warn!(error, "{what} not replaced, the one before stays in force: mend the settings and send SIGHUP again");
}
