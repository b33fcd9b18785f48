//! A message in the types of the application, as the request that it stands for, and the reply to it.

use apostate_core::{Call, HandlerInfo, Handlers, decode};
use hyper::Method;
use serde::de::DeserializeOwned;

use crate::client::asking::Ask;
use crate::client::error::ClientError;
use crate::client::path;
use crate::paths;

/// What is known of the handler that a message is for.
pub(crate) fn row_of<E: Handlers, R, S, A>(call: &Call<E, R, S, A>) -> Result<&'static HandlerInfo, ClientError> {
    let row = E::HANDLERS.iter().find(|row| row.info.id() == call.handler);
    row.map(|row| &row.info)
        .ok_or_else(|| ClientError::Unreadable(format!("`{}` has no handler with the id {:?}", E::NAME, call.handler)))
}

/// The request that a message stands for: a call, without a key.
pub(crate) fn ask_of<'a, E: Handlers, R, S, A>(
    row: &HandlerInfo,
    call: Call<E, R, S, A>,
) -> Result<Ask<'a>, ClientError> {
    let to = call.to?;
    let body = (row.arguments.show)(&call.body).map_err(|error| ClientError::Arguments(error.to_string()))?;
    let path = path::fill(paths::HANDLER, [E::NAME, to.key().as_str(), row.name])?;
    Ok(Ask { method: Method::POST, body: Some(body.into()), ..Ask::get(path) })
}

/// The reply that a node wrote as JSON.
pub(crate) fn reply<R: DeserializeOwned>(row: &HandlerInfo, json: &[u8]) -> Result<R, ClientError> {
    let bytes = (row.reply.read)(json).and_then(|bytes| decode(&bytes));
    bytes.map_err(|error| ClientError::Unreadable(format!("the reply of `{}`: {error}", row.name)))
}
