//! Findings: everything that the kit can find wrong, one variant for each different answer.

/// A mistake in the author's program, or in the test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// An assertion of the test itself, or another panic in it.
    Assertion(String),
    /// The test does something that cannot be: a message to no entity, a read of one that does not exist.
    Test(String),
    /// The test sent something else in the second run of the same seed.
    TestDiffers(String),
    /// The value in memory and the value that its encoding gives do not do the same.
    StateLost {
        /// The entity.
        entity: String,
        /// The handler that showed it.
        handler: String,
        /// In what way.
        how: String,
    },
    /// A state does not decode, or what is decoded does not encode to the same bytes.
    StateUnsteady {
        /// The entity.
        entity: String,
        /// The handler that left the state.
        handler: String,
        /// In what way.
        how: String,
    },
    /// A handler does not do the same when it runs again with the same state, message, time and seed.
    HandlerDiffers {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
        /// In what way.
        how: String,
    },
    /// A read handler changed its entity.
    ReadChanges {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
    },
    /// Messages that could not be handled and were parked, or calls that failed with nobody waiting.
    Parked(Vec<String>),
    /// A call from the test failed.
    CallFailed {
        /// The message.
        message: String,
        /// Why.
        why: String,
    },
    /// A message for a kind or handler that the world does not have.
    Unknown(String),
    /// So many messages after the faults ended, and still some are on their way.
    Unsettled {
        /// How many.
        messages: u64,
    },
    /// The platform itself broke a promise.
    Platform(String),
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Assertion(text) | Self::Test(text) => f.write_str(text),
            Self::TestDiffers(text) => {
                write!(f, "the test itself did something else in the second run of the seed: {text}")
            }
            Self::StateLost { entity, handler, how } => write!(
                f,
                "the state of {entity} does not survive its encoding: `{handler}` does one thing on the value in memory \
                 and another on the one read back from its bytes: {how}\nA field that is not encoded \
                 (`#[serde(skip)]`?) is lost whenever the entity is not in memory."
            ),
            Self::StateUnsteady { entity, handler, how } => write!(
                f,
                "the state of {entity} does not survive its encoding, as `{handler}` left it: {how}\nA `HashMap` or \
                 `HashSet` in a state has another order each time: use `BTreeMap` or `BTreeSet`."
            ),
            Self::HandlerDiffers { entity, handler, how } => write!(
                f,
                "`{handler}` of {entity} does not do the same twice, with the same state, message, time and seed: \
                 {how}\nThe order of a `HashMap`, a static variable, a clock or random numbers of its own? Ask `tx.now()`, \
                 `tx.random()` and `tx.new_id()`, and iterate over what has an order."
            ),
            Self::ReadChanges { entity, handler } => {
                write!(f, "`{handler}` of {entity} takes `&self` and changes its entity all the same")
            }
            Self::Parked(messages) => {
                write!(
                    f,
                    "messages were parked or calls failed with nobody waiting; if the test expects that, call `world.allow_parked()`:"
                )?;
                messages.iter().try_for_each(|message| write!(f, "\n  {message}"))
            }
            Self::CallFailed { message, why } => write!(f, "the call {message} failed: {why}"),
            Self::Unknown(text) => f.write_str(text),
            Self::Unsettled { messages } => write!(
                f,
                "the world does not become quiescent: {messages} messages after the faults ended, some are still on their way; do \
                 two entities answer each other for ever?"
            ),
            Self::Platform(text) => write!(f, "the platform broke a promise; please report it with this seed: {text}"),
        }
    }
}

/// The result of a step of a world.
pub(crate) type Check<T = ()> = Result<T, Finding>;
