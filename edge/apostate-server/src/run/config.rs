//! Configuration: the settings of an operator, in three places with the same words.
//!
//! `--cache-bytes 1GiB` on the command line, `APOSTATE_CACHE_BYTES=1GiB` in the environment, `cache-bytes = "1GiB"` in a TOML
//! file: the first that says something counts, in this order, and then the default. Everything is read and checked before
//! anything starts.
//!
//! A setting is here because no default can serve: it depends on the machine (memory, threads, disk), on who is near
//! (addresses, tokens, time limits), or on what the application promises to its clients (how long keys are remembered).

mod address;
mod origins;
mod typed_token;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Arg, Args, Command, FromArgMatches, ValueEnum};
use serde::Deserialize;

pub use self::origins::Origins;
pub use self::typed_token::TypedToken;
pub use self::units::{Bytes, Secret, Time};
use crate::run::about::About;
use crate::run::error::{ConfigError, RunError, UNUSABLE};
use crate::settings::COUNT_MAX;
use crate::{HttpSettings, Settings, Share, TlsCertificate, TraceSettings};

/// The settings of a node, as far as something was said. Flatten it into a command line of your own, or use it as it is.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// A TOML file with settings
    #[arg(long, env = "APOSTATE_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// The data directory; created if it is missing [default: data]
    #[arg(long, env = "APOSTATE_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The address or host name to listen on, with a port [default: 127.0.0.1:7070]
    #[arg(long, env = "APOSTATE_LISTEN", value_name = "ADDRESS", value_parser = address::parse)]
    #[serde(default, deserialize_with = "address::deserialize")]
    pub listen: Option<SocketAddr>,
    /// In which way the command line itself says the token
    #[command(flatten)]
    #[serde(skip)]
    pub typed_token: TypedToken,
    /// The token that clients must send; required unless the address is a loopback one
    #[arg(long, env = "APOSTATE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<Secret>,
    /// A file with the token, which does not show in a list of processes
    #[arg(long, env = "APOSTATE_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A file with the node's certificate and its chain, in PEM; with it the node speaks TLS, and nothing else
    #[arg(long, env = "APOSTATE_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// A file with the private key of that certificate, in PEM
    #[arg(long, env = "APOSTATE_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Listens on any address without a token: every client, and every web page in a browser, may read and change everything
    /// [default: false]
    #[arg(long, env = "APOSTATE_INSECURE", num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub insecure: Option<bool>,

    /// Origins whose pages may ask this node from a browser, such as `https://shop.example`, with commas between them
    #[arg(long, env = "APOSTATE_CORS_ORIGINS", value_name = "ORIGINS")]
    pub cors_origins: Option<Origins>,

    /// How many partitions new data gets [default: one per core]
    #[arg(long, env = "APOSTATE_PARTITIONS", value_name = "N")]
    pub partitions: Option<u32>,
    /// Threads that run handlers [default: one per core]
    #[arg(long, env = "APOSTATE_THREADS", value_name = "N")]
    pub threads: Option<usize>,
    /// Threads that serve connections [default: one per core, at most 4]
    #[arg(long, env = "APOSTATE_HTTP_THREADS", value_name = "N")]
    pub http_threads: Option<usize>,
    /// Threads that read entities from the store [default: 2]
    #[arg(long, env = "APOSTATE_LOADERS", value_name = "N")]
    pub loaders: Option<usize>,

    /// Memory for entities beyond those that are in use [default: 256MiB]
    #[arg(long, env = "APOSTATE_CACHE_BYTES", value_name = "BYTES")]
    pub cache_bytes: Option<Bytes>,
    /// Memory for blocks of the store [default: 32MiB]
    #[arg(long, env = "APOSTATE_STORE_CACHE_BYTES", value_name = "BYTES")]
    pub store_cache_bytes: Option<Bytes>,
    /// Memory for changed entities that wait for a checkpoint [default: 1GiB]
    #[arg(long, env = "APOSTATE_DIRTY_BYTES_MAX", value_name = "BYTES")]
    pub dirty_bytes_max: Option<Bytes>,
    /// Log between two checkpoints: more makes fewer of them, and a longer start after a crash [default: 128MiB]
    #[arg(long, env = "APOSTATE_CHECKPOINT_LOG_BYTES", value_name = "BYTES")]
    pub checkpoint_log_bytes: Option<Bytes>,
    /// Size of one file of the log [default: 64MiB]
    #[arg(long, env = "APOSTATE_SEGMENT_BYTES", value_name = "BYTES")]
    pub segment_bytes: Option<Bytes>,

    /// Requests over HTTP that may be open; more are refused as busy [default: 8192]
    #[arg(long, env = "APOSTATE_REQUESTS_MAX", value_name = "N")]
    pub requests_max: Option<usize>,
    /// Connections at once [default: 10000]
    #[arg(long, env = "APOSTATE_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// Lists and streams of messages at once [default: 64]
    #[arg(long, env = "APOSTATE_STREAMS_MAX", value_name = "N")]
    pub streams_max: Option<usize>,
    /// Longest body of a request, and longest line of a stream [default: 4MiB]
    #[arg(long, env = "APOSTATE_BODY_BYTES_MAX", value_name = "BYTES")]
    pub body_bytes_max: Option<Bytes>,

    /// How long the head of a request may take [default: 10s]
    #[arg(long, env = "APOSTATE_HEADER_TIMEOUT", value_name = "TIME")]
    pub header_timeout: Option<Time>,
    /// How long the body of a request may take [default: 30s]
    #[arg(long, env = "APOSTATE_BODY_TIMEOUT", value_name = "TIME")]
    pub body_timeout: Option<Time>,
    /// How long a connection may be idle [default: 75s]
    #[arg(long, env = "APOSTATE_IDLE_TIMEOUT", value_name = "TIME")]
    pub idle_timeout: Option<Time>,
    /// How long a client may read nothing of its answer [default: 30s]
    #[arg(long, env = "APOSTATE_WRITE_TIMEOUT", value_name = "TIME")]
    pub write_timeout: Option<Time>,
    /// How long client keys are remembered [default: 24h]
    #[arg(long, env = "APOSTATE_CLIENT_KEY_RETENTION", value_name = "TIME")]
    pub client_key_retention: Option<Time>,
    /// Takes the wall clock of this start at its word, however long ago the newest record was made [default: false]
    #[arg(long, env = "APOSTATE_TRUST_CLOCK", num_args = 0..=1, default_missing_value = "true", value_name = "true|false")]
    pub trust_clock: Option<bool>,
    /// How long a message whose handler panics is tried again before it is parked [default: 30s]
    #[arg(long, env = "APOSTATE_RETRY_TIME_MAX", value_name = "TIME")]
    pub retry_time_max: Option<Time>,
    /// How long a stop waits for what is under way [default: 10s]
    #[arg(long, env = "APOSTATE_STOP_PATIENCE", value_name = "TIME")]
    pub stop_patience: Option<Time>,

    /// The OpenTelemetry collector that traces are sent to, by OTLP over HTTP; without one nothing is traced
    #[arg(long, env = "APOSTATE_TRACES", value_name = "URL")]
    pub traces: Option<String>,
    /// The share of requests that are traced among those without a trace of their own [default: 1]
    #[arg(long, env = "APOSTATE_TRACE_SHARE", value_name = "SHARE")]
    pub trace_share: Option<Share>,

    /// The least severity that is logged [default: info]
    #[arg(long, env = "APOSTATE_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<LogLevel>,
    /// The format of the log: text, or JSON with one object a line [default: text]
    #[arg(long, env = "APOSTATE_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// The least severity that is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// Something was lost or stopped.
    Error,
    /// Something that an operator should check.
    Warn,
    /// Starts, stops, and rare changes.
    #[default]
    Info,
    /// Details for a developer.
    Debug,
}

/// How it is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// The configuration in the command line, the environment and the file that they name. `--help` and `--version` show `about`.
    ///
    /// Ends the process when they ask for help; and with exit code 2 when they cannot be parsed, or a setting is invalid, before anything
    /// starts.
    #[must_use]
    pub fn from_command_line(about: About) -> Self {
        let matches = Self::command(about).get_matches();
        let said = Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
        said.checked().unwrap_or_else(|error| {
            eprintln!("{}", RunError::from(error).report());
            std::process::exit(UNUSABLE);
        })
    }

    /// The command line of a program that does nothing but serve.
    fn command(about: About) -> Command {
        let serve = Arg::new("serve").value_parser(["serve"]).hide_possible_values(true);
        let command = Self::augment_args(Command::new("node")).display_name(about.title).version(about.version);
        command
            .about(format!("{}: {}", about.title, about.description))
            .long_about(None)
            .arg(serve.help("Serves until it is told to stop, as it does without this word"))
    }

    /// The same with what its file says, if all of it can be used.
    fn checked(self) -> Result<Self, ConfigError> {
        let config = self.with_file()?;
        config.settings()?;
        config.http_settings()?;
        Ok(config)
    }

    /// Adds what the file says that [`config`](Self::config) names, where nothing else was said.
    ///
    /// # Errors
    ///
    /// When there is no such file, or it has an unknown key or an invalid value.
    pub fn with_file(self) -> Result<Self, ConfigError> {
        let Some(file) = self.config.clone() else { return Ok(self) };
        let text = read(&file)?;
        let malformed = |error| ConfigError::Malformed { file, detail: place_and_reason(&text, &error) };
        Ok(self.over(toml::from_str(&text).map_err(malformed)?))
    }

    /// The settings of `self`, and where one is missing, that of `other`. A token and a file with one are one thing, said in two
    /// ways.
    fn over(self, mut other: Self) -> Self {
        if self.token.is_some() || self.token_file.is_some() {
            (other.token, other.token_file) = (None, None);
        }
        macro_rules! first {
            ($($field:ident)+) => {{
                let Self { $($field),+ } = self;
                Self { $($field: $field.or(other.$field)),+ }
            }};
        }
        first! {
            config data listen typed_token token token_file tls_cert tls_key insecure cors_origins partitions threads http_threads loaders cache_bytes store_cache_bytes
            dirty_bytes_max checkpoint_log_bytes segment_bytes requests_max connections_max streams_max body_bytes_max
            header_timeout body_timeout idle_timeout write_timeout client_key_retention trust_clock retry_time_max
            stop_patience traces trace_share log_level log_format
        }
    }

    /// The settings of the node.
    ///
    /// # Errors
    ///
    /// When a setting is invalid.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let default = Settings::default();
        let memory = |said: Option<Bytes>, default| said.map_or(default, Bytes::as_usize);
        let settings = Settings {
            data: self.data.clone().unwrap_or(default.data),
            partitions: self.partitions.or(default.partitions),
            threads: self.threads.or(default.threads),
            loaders: self.loaders.unwrap_or(default.loaders),
            cache_bytes: memory(self.cache_bytes, default.cache_bytes),
            store_cache_bytes: memory(self.store_cache_bytes, default.store_cache_bytes),
            dirty_bytes_max: memory(self.dirty_bytes_max, default.dirty_bytes_max),
            checkpoint_log_bytes: self.checkpoint_log_bytes.map_or(default.checkpoint_log_bytes, |bytes| bytes.0),
            segment_bytes: self.segment_bytes.map_or(default.segment_bytes, |bytes| bytes.0),
            // A partition takes what the edge lets in.
            partition_requests_max: self.requests_max.unwrap_or(0).clamp(default.partition_requests_max, COUNT_MAX),
            client_key_retention: self.client_key_retention.map_or(default.client_key_retention, |time| time.0),
            trust_clock: self.trust_clock.unwrap_or(default.trust_clock),
            retry_time_max: self.retry_time_max.map_or(default.retry_time_max, |time| time.0),
            stop_patience: self.stop_patience.map_or(default.stop_patience, |time| time.0),
            traces: self.traces.clone().map(|collector| TraceSettings {
                share: self.trace_share.unwrap_or(Share::ALL),
                ..TraceSettings::new(collector)
            }),
            clock: default.clock,
        };
        settings.validate()?;
        Ok(settings)
    }

    /// The settings of HTTP.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or the files with the token or the certificate cannot be read.
    pub fn http_settings(&self) -> Result<HttpSettings, ConfigError> {
        let default = HttpSettings::default();
        let time = |said: Option<Time>, default| said.map_or(default, |time| time.0);
        let body_bytes_max = self.body_bytes_max.map_or(default.body_bytes_max, Bytes::as_usize);
        let settings = HttpSettings {
            listen: self.listen.unwrap_or(default.listen),
            token: self.token()?,
            certificate: self.certificate()?,
            insecure: self.insecure.unwrap_or(default.insecure),
            cors_origins: self.cors_origins.clone().map_or(default.cors_origins.clone(), |origins| origins.0),
            threads: self.http_threads.or(default.threads),
            body_bytes_max,
            bodies_bytes_max: default.bodies_bytes_max.max(body_bytes_max),
            connections_max: self.connections_max.unwrap_or(default.connections_max),
            streams_max: self.streams_max.unwrap_or(default.streams_max),
            requests_max: self.requests_max.unwrap_or(default.requests_max),
            header_timeout: time(self.header_timeout, default.header_timeout),
            body_timeout: time(self.body_timeout, default.body_timeout),
            idle_timeout: time(self.idle_timeout, default.idle_timeout),
            write_timeout: time(self.write_timeout, default.write_timeout),
            stop_patience: time(self.stop_patience, default.stop_patience),
            ..default
        };
        settings.validate()?;
        Ok(settings)
    }
}

impl Config {
    /// The token itself, or what is in its file, without the line's end.
    pub(super) fn token(&self) -> Result<Option<String>, ConfigError> {
        match self.typed_token.of_two(self.token.as_ref(), self.token_file.as_ref()) {
            (Some(_), Some(_)) => Err(ConfigError::TwoTokens),
            (Some(Secret(token)), None) => Ok(Some(token.clone())),
            (None, Some(file)) => Ok(Some(read(file)?.trim_end_matches(['\r', '\n']).to_owned())),
            (None, None) => Ok(None),
        }
    }

    /// The certificate and the key in their files.
    pub(super) fn certificate(&self) -> Result<Option<TlsCertificate>, ConfigError> {
        let (cert, key) = match (&self.tls_cert, &self.tls_key) {
            (None, None) => return Ok(None),
            (Some(cert), Some(key)) => (cert, key),
            (Some(_), None) => return Err(ConfigError::Half { set: "tls-cert", missing: "tls-key" }),
            (None, Some(_)) => return Err(ConfigError::Half { set: "tls-key", missing: "tls-cert" }),
        };
        let unusable = |source| ConfigError::Certificate { cert: cert.clone(), key: key.clone(), source };
        TlsCertificate::from_pem(read(cert)?.as_bytes(), read(key)?.as_bytes()).map(Some).map_err(unusable)
    }
}

/// The place where `text` is wrong, and the cause. Never the line itself: it may be the one with the token.
fn place_and_reason(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return error.message().to_owned() };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("line {line}, column {column}: {}", error.message())
}

fn read(file: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(file).map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests;
