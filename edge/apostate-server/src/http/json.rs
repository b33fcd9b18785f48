//! JSON at the edge: the author's types read arguments and show replies and states, and what they panic with becomes a fault.

use std::panic::{AssertUnwindSafe, catch_unwind};

use apostate_api::ErrorCode;
use apostate_core::limits::BODY_BYTES_MAX;
use apostate_core::{Json, panic_text};

use crate::http::edge::ShowState;
use crate::http::fault::Fault;

/// The arguments that a JSON text says, in our encoding.
pub(crate) fn arguments(json: &Json, text: &[u8]) -> Result<Vec<u8>, Fault> {
    let bytes = guarded(|| (json.read)(text))?.map_err(|error| Fault::new(ErrorCode::BadJson, error.to_string()))?;
    if bytes.len() > BODY_BYTES_MAX {
        let detail = format!("the arguments take {} bytes, and {BODY_BYTES_MAX} are allowed", bytes.len());
        return Err(Fault::new(ErrorCode::TransactionTooLarge, detail));
    }
    Ok(bytes)
}

/// The reply of `entity` as JSON text.
pub(crate) fn shown(json: &Json, entity: &dyn Fn() -> String, reply: &[u8]) -> Result<Vec<u8>, Fault> {
    let fault = |why: &str| {
        Fault::new(
            ErrorCode::UnreadableReply,
            format!("{} did it, and its reply cannot be shown as JSON: {why}", entity()),
        )
    };
    let shown = guarded(|| (json.show)(reply)).map_err(|panicked| fault(&panicked.problem().detail))?;
    shown.map_err(|error| fault(&error.to_string()))
}

/// An entity as JSON text.
pub(crate) fn entity_text(
    kind: &str,
    show: ShowState,
    key: &str,
    version: u64,
    state: &[u8],
) -> Result<Vec<u8>, Fault> {
    let mut text = b"{\"kind\":".to_vec();
    quoted(&mut text, kind);
    text.push(b',');
    write_entity(&mut text, kind, show, key, version, state)?;
    Ok(text)
}

/// Appends the rest of an object that is an entity: its key, its version and its state.
pub(crate) fn write_entity(
    into: &mut Vec<u8>,
    kind: &str,
    show: ShowState,
    key: &str,
    version: u64,
    state: &[u8],
) -> Result<(), Fault> {
    let fault =
        |why: &str| Fault::new(ErrorCode::UnreadableState, format!("the state of {kind}/{key} cannot be read: {why}"));
    let state = guarded(|| show(state)).map_err(|panicked| fault(&panicked.problem().detail))?;
    let state = state.map_err(|error| fault(&error.to_string()))?;
    into.reserve(state.len() + key.len() + 64);
    into.extend_from_slice(b"\"key\":");
    quoted(into, key);
    into.extend_from_slice(format!(",\"version\":{version},\"state\":").as_bytes());
    into.extend_from_slice(&state);
    into.push(b'}');
    Ok(())
}

/// What the author's types do to be read and shown may panic.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        Fault::new(ErrorCode::Internal, format!("a type of the application panicked: {}", panic_text(payload.as_ref())))
    })
}

/// Appends `text` as JSON.
pub(crate) fn quoted(into: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(into, text).expect("a text is JSON, and memory takes everything");
}
