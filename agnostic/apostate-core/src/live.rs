//! Kinds with their types erased: the layers below the entity's own code see bytes, and these.

use std::collections::BTreeMap;

use crate::{
    AnyActivities, BodyError, Entity, HandlerFn, HandlerId, HandlerInfo, HandlerResult, Handlers, Json, KindId, Mode,
    SchemaOf, StateError, Tx, codec, json,
};

/// A decoded entity with its type erased.
pub trait Live: Send {
    /// Runs handler number `handler` of the kind's table.
    fn run(&mut self, handler: usize, tx: &mut Tx<'_>, body: &[u8]) -> HandlerResult;

    /// Appends the state's encoding to `bytes`: the version of its shape, then the state.
    fn encode(&self, bytes: &mut Vec<u8>);

    /// Memory of the entity about its partners, if its kind has such a field.
    fn activities(&mut self) -> Option<&mut dyn AnyActivities>;
}

struct Alive<E>(E);

impl<E: Handlers> Live for Alive<E> {
    fn run(&mut self, handler: usize, tx: &mut Tx<'_>, body: &[u8]) -> HandlerResult {
        match E::HANDLERS[handler].run {
            HandlerFn::Change(run) => run(&mut self.0, tx, body),
            HandlerFn::Read(run) => run(&self.0, tx, body),
        }
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&E::VERSION.to_le_bytes());
        codec::encode_into(&self.0, bytes);
    }

    fn activities(&mut self) -> Option<&mut dyn AnyActivities> {
        self.0.activities()
    }
}

/// A kind of entity with its type erased.
#[derive(Clone)]
pub struct Kind {
    /// The id: the hash of the name.
    pub id: KindId,
    /// The name.
    pub name: &'static str,
    /// The documentation, as its author wrote it.
    pub doc: &'static str,
    /// The descriptions of its handlers, in the order of its table.
    pub handlers: Vec<HandlerInfo>,
    /// Reads a state as [`Live::encode`] wrote it, and gives it as JSON text. It fails as [`decode`](Self::decode) does, and
    /// when the state is none that JSON can say.
    pub show_state: fn(&[u8]) -> Result<Vec<u8>, StateError>,
    /// Describes the state.
    pub state_schema: SchemaOf,
    /// Whether its entities remember something about partners.
    pub has_activities: bool,
    /// Form in JSON of what they remember about one partner, for people outside.
    pub activity_json: Option<Json>,
    ids: Vec<HandlerId>,
    new: fn() -> Box<dyn Live>,
    decode: Decode,
}

/// Reads a state, and erases its type.
type Decode = fn(&[u8]) -> Result<Box<dyn Live>, StateError>;

impl Kind {
    /// The kind of `E`.
    #[must_use]
    pub fn of<E: Handlers>() -> Self {
        Self {
            id: KindId::of(E::NAME),
            name: E::NAME,
            doc: E::DOC,
            handlers: E::HANDLERS.iter().map(|handler| handler.info).collect(),
            ids: E::HANDLERS.iter().map(|handler| handler.info.id()).collect(),
            show_state: show_state::<E>,
            state_schema: E::state_schema,
            has_activities: E::default().activities().is_some(),
            activity_json: E::activity_json(),
            new: || Box::new(Alive(E::default())),
            decode: |bytes| Ok(Box::new(Alive(decode_state::<E>(bytes)?))),
        }
    }

    /// An entity that was not changed yet.
    #[must_use]
    pub fn new_entity(&self) -> Box<dyn Live> {
        (self.new)()
    }

    /// The entity whose state [`Live::encode`] wrote.
    ///
    /// # Errors
    ///
    /// When the bytes are no state of this kind, or of a version with no way from there to here.
    pub fn decode(&self, bytes: &[u8]) -> Result<Box<dyn Live>, StateError> {
        (self.decode)(bytes)
    }

    /// The number of the handler `id` in the kind's table.
    #[must_use]
    pub fn find(&self, id: HandlerId) -> Option<usize> {
        self.ids.iter().position(|&other| other == id)
    }
}

/// Reads a state as [`Live::encode`] wrote it.
///
/// # Errors
///
/// When the bytes are no state of `E`, or of a version with no way from there to here.
pub fn decode_state<E: Entity>(bytes: &[u8]) -> Result<E, StateError> {
    let (version, state) = bytes.split_first_chunk().ok_or_else(|| StateError("the state is cut short".to_owned()))?;
    match u32::from_le_bytes(*version) {
        version if version == E::VERSION => Ok(codec::decode(state)?),
        from => E::migrate(from, state),
    }
}

fn show_state<E: Entity>(bytes: &[u8]) -> Result<Vec<u8>, StateError> {
    let state = decode_state::<E>(bytes)?;
    json::text(&state).map_err(|BodyError(error)| StateError(format!("it cannot be shown as JSON: {error}")))
}

/// The kinds that a program knows.
#[derive(Clone, Default)]
pub struct Registry {
    kinds: Vec<Kind>,
}

/// Why a set of entities cannot start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Two kinds have one name, or names with one hash.
    #[error("kinds `{first}` and `{second}` have the same id; rename one")]
    KindsCollide {
        /// The one registered first.
        first: &'static str,
        /// The one that came later.
        second: &'static str,
    },
    /// Two handlers of a kind have one name, or names with one hash.
    #[error("handlers `{first}` and `{second}` of kind `{kind}` have the same id; rename one")]
    HandlersCollide {
        /// The kind.
        kind: &'static str,
        /// The one written first.
        first: &'static str,
        /// The one that came later.
        second: &'static str,
    },
    /// A name is empty or too long to be part of a URL.
    #[error("`{name}` cannot be a name: 1 to 64 bytes of a-z, 0-9, `-` and `_`")]
    BadName {
        /// The name.
        name: &'static str,
    },
    /// A read handler has the name by which clients list what an entity remembers about its partners.
    #[error(
        "kind `{kind}` has a read handler `{handler}`, and `/entities/{kind}/KEY/{handler}` lists what an entity remembers about its \
         partners; rename the handler"
    )]
    ReservedName {
        /// The kind.
        kind: &'static str,
        /// The handler.
        handler: &'static str,
    },
}

/// Name by which clients list what an entity remembers about its partners: no read handler may have it.
pub const ACTIVITIES: &str = "activities";

impl Registry {
    /// Adds the kind of `E`.
    ///
    /// # Errors
    ///
    /// When names or their hashes collide, or a name cannot be one.
    pub fn with<E: Handlers>(mut self) -> Result<Self, StartError> {
        let kind = Kind::of::<E>();
        check_name(kind.name)?;
        if let Some(first) = self.kinds.iter().find(|other| other.id == kind.id) {
            return Err(StartError::KindsCollide { first: first.name, second: kind.name });
        }
        let mut seen = BTreeMap::new();
        for handler in &kind.handlers {
            check_name(handler.name)?;
            if handler.mode == Mode::Reads && handler.name == ACTIVITIES {
                return Err(StartError::ReservedName { kind: kind.name, handler: handler.name });
            }
            if let Some(first) = seen.insert(handler.id(), handler.name) {
                return Err(StartError::HandlersCollide { kind: kind.name, first, second: handler.name });
            }
        }
        self.kinds.push(kind);
        Ok(self)
    }

    /// Every kind, in the order added.
    #[must_use]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The number of the kind `id`.
    #[must_use]
    pub fn find(&self, id: KindId) -> Option<usize> {
        self.kinds.iter().position(|kind| kind.id == id)
    }

    /// The kind called `name`.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Kind> {
        self.kinds.iter().find(|kind| kind.name == name)
    }
}

fn check_name(name: &'static str) -> Result<(), StartError> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if fits { Ok(()) } else { Err(StartError::BadName { name }) }
}

/// A set of kinds named by types: a tuple of entities.
pub trait Entities {
    /// The registry that knows them.
    ///
    /// # Errors
    ///
    /// When names or their hashes collide.
    fn registry() -> Result<Registry, StartError>;
}

macro_rules! tuples {
    ($(($($entity:ident)+))+) => {$(
        impl<$($entity: Handlers),+> Entities for ($($entity,)+) {
            fn registry() -> Result<Registry, StartError> {
                let registry = Registry::default();
                $(let registry = registry.with::<$entity>()?;)+
                Ok(registry)
            }
        }
    )+};
}
tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
    (A B C D E F G H I) (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L)
}
