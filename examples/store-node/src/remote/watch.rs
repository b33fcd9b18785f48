//! Says what is waited for when there is no progress for a while, so that a bar that stands still is explained.

use std::convert::Infallible;
use std::time::Duration;

use apostate_api::client::Client;
use tokio::time::{Instant, sleep};

use crate::progress::Progress;

/// How long nothing is heard before that is said.
const SILENCE: Duration = Duration::from_secs(1);

/// How long the node is asked how it is.
const PROBE: Duration = Duration::from_millis(300);

/// How often the same is said.
const PAUSE: Duration = Duration::from_secs(5);

/// Watches `progress` for ever. The node at `url` is given up after `patience`, by the requests to it.
pub(crate) async fn watch(client: &Client, url: &str, patience: Duration, progress: &Progress) -> Infallible {
    let probe = client.clone().with_deadline(PROBE).with_attempt(PROBE);
    loop {
        let (done, since) = (progress.done(), Instant::now());
        sleep(SILENCE).await;
        while progress.done() == done {
            let is_ready = probe.ready().await;
            if progress.done() != done {
                break;
            }
            let why =
                is_ready.map_or_else(|error| error.to_string(), |()| "it is ready, and has not answered".to_owned());
            let (seconds, patience) = (since.elapsed().as_secs(), patience.as_secs());
            progress.say(&format!("waiting for {url} for {seconds} s now, and {patience} s at most: {why}"));
            sleep(PAUSE).await;
        }
    }
}
