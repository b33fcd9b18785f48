//! Limits of one step, related to each other by the compiler.

/// Longest entity key, in bytes of UTF-8.
pub const KEY_BYTES_MAX: usize = 256;

/// Most bytes that one handler run may write: state, rows, messages and reply together.
pub const TX_BYTES_MAX: usize = 4 << 20;

/// Bytes that a message takes besides its body and its keys, wherever it is written down: what counts of it to [`TX_BYTES_MAX`].
pub const SENT_OVERHEAD_BYTES: usize = 128;

/// Most messages that one handler run may send.
pub const TX_MESSAGES_MAX: usize = 10_000;

/// Most open asks of one entity: messages that it asked, and whose answers its handlers have not taken yet.
pub const ASKS_PER_ENTITY_MAX: usize = 1000;

/// Bytes that an ask takes besides its message and both keys, wherever it and its deadline are written down: what counts of it to
/// [`TX_BYTES_MAX`].
pub const ASK_OVERHEAD_BYTES: usize = 192;

/// Most partners of one agreement, each counted as often as it is asked: the run that proposes sends a try to each.
pub const AGREEMENT_PARTNERS_MAX: usize = TX_MESSAGES_MAX;

/// Most agreements of one entity that are undecided at once.
pub const AGREEMENTS_PER_ENTITY_MAX: usize = 10_000;

/// Bytes that an agreement takes besides its legs and four times its proposer's key, wherever it and its deadline are written down: what
/// counts of it to [`TX_BYTES_MAX`].
pub const AGREEMENT_OVERHEAD_BYTES: usize = 256;

/// Bytes that a leg of an agreement takes besides its try, both keys and the value of its confirm: what counts of it to [`TX_BYTES_MAX`].
pub const LEG_OVERHEAD_BYTES: usize = 96;

/// Most answers that an entity owes at once: calls that it answers later, and has not answered yet.
pub const OWED_PER_ENTITY_MAX: usize = 1000;

/// Bytes that an owed answer takes besides its reply and its entity's key, wherever it, its deadline and its caller's client key are written down:
/// what counts of it to [`TX_BYTES_MAX`], when it is owed and when it is given.
pub const OWED_OVERHEAD_BYTES: usize = 1024;

/// Bytes that an activity takes besides its value and its keys, wherever it is written down: what counts of it to [`TX_BYTES_MAX`].
pub const ACTIVITY_OVERHEAD_BYTES: usize = 64;

/// Most activities that one handler run may ask for. One that is not in memory is loaded, and the run begins anew; so many of them cost
/// half a million look-ups at worst.
pub const TX_ACTIVITIES_MAX: usize = 1000;

/// Most timers of one entity that are pending at once. A run that sets more is too large.
pub const TIMERS_PER_ENTITY_MAX: usize = 1000;

/// Most timers that one handler run may set, those included that it cancels or replaces itself.
pub const TX_TIMERS_MAX: usize = 1024;

/// Longest name of a timer, in bytes.
pub const TIMER_NAME_BYTES_MAX: usize = 64;

/// Bytes that a timer takes besides its message's body, its name and its keys, wherever it is written down: what counts of it to
/// [`TX_BYTES_MAX`].
pub const TIMER_OVERHEAD_BYTES: usize = 128;

/// Longest body of a request from outside, in bytes. Between entities a body is limited as part of its transaction.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Deepest nesting of a state, a body or a reply: lists and maps within each other. Decoding takes stack for each level.
pub const NESTING_MAX: usize = 128;

/// Longest code of a refusal, in bytes; longer ones are cut.
pub const REFUSAL_CODE_BYTES_MAX: usize = 64;

/// Longest text of a refusal, in bytes; longer ones are cut.
pub const REFUSAL_TEXT_BYTES_MAX: usize = 4096;

const _: () = assert!(BODY_BYTES_MAX <= TX_BYTES_MAX);
const _: () = assert!(REFUSAL_CODE_BYTES_MAX + REFUSAL_TEXT_BYTES_MAX <= BODY_BYTES_MAX);
const _: () = assert!(TIMERS_PER_ENTITY_MAX <= TX_TIMERS_MAX);
// An agreement with as many partners as it may have fits one run, if keys and holds are short; so do its endings, which are smaller.
const _: () = assert!(AGREEMENT_PARTNERS_MAX * (SENT_OVERHEAD_BYTES + LEG_OVERHEAD_BYTES) < TX_BYTES_MAX);
// An entity with as many timers as it may have can be deleted, whatever its key.
const _: () =
    assert!(TIMERS_PER_ENTITY_MAX * (TIMER_OVERHEAD_BYTES + TIMER_NAME_BYTES_MAX + 2 * KEY_BYTES_MAX) < TX_BYTES_MAX);
const _: () = assert!(KEY_BYTES_MAX <= u16::MAX as usize);
