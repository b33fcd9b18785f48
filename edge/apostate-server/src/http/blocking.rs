//! Work that may wait for a disk, or is long: it runs on threads of its own, where no connection waits for it.

use apostate_api::ErrorCode;

use crate::http::fault::Fault;

/// Runs `work` on a blocking thread.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Fault::new(ErrorCode::Internal, error.to_string()))
}
