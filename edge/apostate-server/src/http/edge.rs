//! What all threads of the edge share: the kinds by their names, the settings, the limits, the meters.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock, RwLock};

use apostate_api::ErrorCode;
use apostate_core::{Access, EntityKey, HandlerId, HandlerInfo, Json, Kind, KindId, Mode, StateError};
use bytes::Bytes;
use rustls::ServerConfig;
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::client::node_handle::NodeHandle;
use crate::http::argument_types::ArgumentTypes;
use crate::http::budget::Budget;
use crate::http::certificate::TlsCertificate;
use crate::http::fault::Fault;
use crate::http::meters::Meters;
use crate::http::overload::Rejections;
use crate::http::path;
use crate::http::settings::HttpSettings;
use crate::sync::{read, write};

/// Operators whose lists are under way at once.
const OPERATORS_MAX: usize = 4;

/// What the meter of reading whole states is called.
const STATE_METER: &str = "(state)";

/// What all threads of the edge share.
pub(crate) struct Edge {
    pub(crate) shared: Arc<NodeHandle>,
    pub(crate) settings: HttpSettings,
    /// The token that counts: at first the one of the settings.
    token: RwLock<Option<String>>,
    /// The certificate that connections are shown from now on, if the node speaks TLS.
    certificate: Option<RwLock<TlsCertificate>>,
    pub(crate) kinds: Vec<KindRow>,
    pub(crate) meters: Meters,
    pub(crate) budget: Budget,
    pub(crate) rejections: Rejections,
    pub(crate) openapi: OnceLock<Bytes>,
    /// Open connections.
    pub(crate) connections: AtomicUsize,
    pub(crate) stage: watch::Sender<Stage>,
    /// How many of each there may be, so that none can keep out the others.
    lists: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    operators: Arc<Semaphore>,
    /// One at a time reads how the partitions are.
    pub(crate) reporting: Arc<tokio::sync::Mutex<()>>,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Everybody is served.
    Serving,
    /// What is under way is answered, and nothing new is taken.
    Draining,
    /// Nobody is waited for any more.
    Over,
}

/// Shows an encoded state as JSON.
pub(crate) type ShowState = fn(&[u8]) -> Result<Vec<u8>, StateError>;

/// A kind, as requests name it.
pub(crate) struct KindRow {
    pub(crate) id: KindId,
    pub(crate) name: &'static str,
    pub(crate) show_state: ShowState,
    /// Form in JSON of what its entities remember about one partner.
    pub(crate) activity: Option<Json>,
    pub(crate) handlers: Vec<HandlerRow>,
    /// Where readings of the whole state are counted.
    pub(crate) meter: usize,
}

/// A handler, as requests name it.
pub(crate) struct HandlerRow {
    pub(crate) id: HandlerId,
    pub(crate) name: &'static str,
    pub(crate) mode: Mode,
    pub(crate) access: Access,
    /// Whether it answers later: a call without a client key is given one.
    pub(crate) answers_later: bool,
    pub(crate) arguments: Json,
    pub(crate) reply: Json,
    /// Of a handler that reads: the types that its arguments may have in a query.
    pub(crate) argument_types: ArgumentTypes,
    pub(crate) meter: usize,
}

impl Edge {
    pub(crate) fn new(shared: Arc<NodeHandle>, settings: HttpSettings) -> Self {
        let mut names = Vec::new();
        let kinds = shared.registry.kinds().iter().map(|kind| KindRow::new(kind, &mut names)).collect();
        Self {
            kinds,
            meters: Meters::new(names.into_iter()),
            budget: Budget::new(settings.bodies_bytes_max),
            rejections: Rejections::default(),
            openapi: OnceLock::new(),
            connections: AtomicUsize::new(0),
            stage: watch::channel(Stage::Serving).0,
            lists: Arc::new(Semaphore::new(settings.streams_max)),
            streams: Arc::new(Semaphore::new(settings.streams_max)),
            operators: Arc::new(Semaphore::new(OPERATORS_MAX)),
            reporting: Arc::default(),
            shared,
            token: RwLock::new(settings.token.clone()),
            certificate: settings.certificate.clone().map(RwLock::new),
            settings,
        }
    }

    /// Whether whoever sends this `Authorization` may do everything.
    pub(crate) fn admits(&self, authorization: Option<&[u8]>) -> bool {
        if self.settings.token.is_none() {
            return true;
        }
        let token = read(&self.token);
        let Some(token) = token.as_ref() else { return false };
        let Some((scheme, given)) = authorization.and_then(|value| value.split_at_checked(b"Bearer ".len())) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(given.trim_ascii().ct_eq(token.as_bytes()))
    }

    /// Lets in who sends this token, and nobody who sends the one before. False: the node was started without one.
    pub(crate) fn replace_token(&self, token: &str) -> bool {
        let has_one = self.settings.token.is_some();
        if has_one {
            *write(&self.token) = Some(token.to_owned());
        }
        has_one
    }

    /// The TLS configuration of a connection that begins now; none if the node speaks plain HTTP.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.certificate.as_ref().map(|certificate| read(certificate).config())
    }

    /// Shows this certificate to every connection from now on. False: the node was started without one.
    pub(crate) fn replace_certificate(&self, new: TlsCertificate) -> bool {
        self.certificate.as_ref().map(|certificate| *write(certificate) = new).is_some()
    }

    /// The kind called `name`.
    pub(crate) fn kind(&self, name: &str) -> Result<&KindRow, Fault> {
        Ok(&self.kinds[self.kind_index(name)?])
    }

    /// The place of the kind called `name`. Kinds are few.
    pub(crate) fn kind_index(&self, name: &str) -> Result<usize, Fault> {
        self.kinds.iter().position(|kind| kind.name == name).ok_or_else(|| {
            let known: Vec<_> = self.kinds.iter().map(|kind| kind.name).collect();
            Fault::new(ErrorCode::KindMissing, format!("there is no kind `{name}`; there are {}", known.join(", ")))
        })
    }

    /// Room for one more list.
    pub(crate) fn list(&self) -> Result<OwnedSemaphorePermit, Fault> {
        room(&self.lists, "as many lists are under way as there may be")
    }

    /// Room for one more stream of messages.
    pub(crate) fn stream(&self) -> Result<OwnedSemaphorePermit, Fault> {
        room(&self.streams, "as many streams of messages are under way as there may be; nothing was done")
    }

    /// Room for one more list for operators.
    pub(crate) fn operator(&self) -> Result<OwnedSemaphorePermit, Fault> {
        room(&self.operators, "as many operators ask as may at once")
    }

    /// Waits for a stop to begin.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + use<> {
        let mut stage = self.stage.subscribe();
        async move {
            // Whoever waits has gone before the edge has.
            let _ = stage.wait_for(|stage| *stage != Stage::Serving).await;
        }
    }

    /// Whether a stop has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.stage.borrow() != Stage::Serving || self.shared.is_closing()
    }
}

fn room(places: &Arc<Semaphore>, detail: &str) -> Result<OwnedSemaphorePermit, Fault> {
    Arc::clone(places).try_acquire_owned().map_err(|_| Fault::new(ErrorCode::TooManyStreams, detail))
}

/// The key that a segment of a path stands for.
pub(crate) fn key(segment: &str) -> Result<EntityKey, Fault> {
    path::key_of(segment).map_err(|detail| Fault::new(ErrorCode::BadKey, detail))
}

impl KindRow {
    fn new(kind: &Kind, names: &mut Vec<(&'static str, &'static str)>) -> Self {
        let mut meter = |name| {
            names.push((kind.name, name));
            names.len() - 1
        };
        Self {
            id: kind.id,
            name: kind.name,
            show_state: kind.show_state,
            activity: kind.activity_json,
            meter: meter(STATE_METER),
            handlers: kind.handlers.iter().map(|info| HandlerRow::new(info, meter(info.name))).collect(),
        }
    }

    /// The handler called `name` that the world outside may use. Handlers of a kind are few.
    pub(crate) fn handler(&self, name: &str) -> Result<&HandlerRow, Fault> {
        let handler = self.handlers.iter().find(|handler| handler.name == name).ok_or_else(|| {
            let open = self.handlers.iter().filter(|handler| handler.access == Access::Open);
            let open: Vec<_> = open.map(|handler| handler.name).collect();
            let open = if open.is_empty() { "none".to_owned() } else { open.join(", ") };
            let detail = format!("{} has no handler `{name}`; open to the world outside: {open}", self.name);
            Fault::new(ErrorCode::HandlerMissing, detail)
        })?;
        match handler.access {
            Access::Open => Ok(handler),
            Access::Tentative => {
                let detail = format!("`{name}` is tentative: only an agreement of entities sends it to {}", self.name);
                // There is no method for it.
                Err(Fault::new(ErrorCode::TentativeIsProposed, detail).allowing([]))
            }
            Access::Entities | Access::Own => {
                let detail = format!("only entities may send `{name}` to {}; its author has not opened it", self.name);
                Err(Fault::new(ErrorCode::HandlerNotOpen, detail))
            }
        }
    }
}

impl HandlerRow {
    fn new(info: &HandlerInfo, meter: usize) -> Self {
        let HandlerInfo { name, mode, refusable: _, answers_later, access, doc: _, arguments, reply, tentative: _ } =
            *info;
        let argument_types = match mode {
            Mode::Reads => ArgumentTypes::of(&arguments),
            Mode::Changes => ArgumentTypes::default(),
        };
        Self { id: info.id(), name, mode, access, answers_later, arguments, reply, argument_types, meter }
    }
}
