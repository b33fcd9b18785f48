//! `serve`: the store as a node that clients use over HTTP. The first thing that a newcomer runs.

use std::io::{self, Write};

use apostate_server::{About, Config, LogFormat, RunError};
use store::Store;

use crate::failure::Failure;

/// The program's description of itself.
pub(crate) const ABOUT: About = About {
    title: "The store",
    description: "Order processing: invoices take lines, and stock, customers and countries add up.",
    version: env!("CARGO_PKG_VERSION"),
};

/// Serves the store until it is told to stop; then answers what is under way, and stops cleanly.
pub(crate) fn run(config: Config) -> Result<(), Failure> {
    // With what its file says, which may be the token.
    let config = config.with_file().map_err(RunError::from)?;
    let has_token = config.token.is_some() || config.token_file.is_some();
    let scheme = if config.tls_cert.is_some() { "https" } else { "http" };
    // A reader of JSON reads nothing else; the log says where it listens.
    let is_for_people = config.log_format != Some(LogFormat::Json);
    apostate_server::run::<Store>(config, ABOUT, |address| {
        if is_for_people {
            // The line is optional: its reader may be gone.
            let _ = welcome(&mut io::stdout(), &format!("{scheme}://{address}"), has_token);
        }
        Ok(())
    })
    .map_err(Failure::from)
}

/// Where it is, and what to try.
fn welcome(out: &mut impl Write, url: &str, has_token: bool) -> io::Result<()> {
    let token = if has_token { " -H \"Authorization: Bearer $APOSTATE_TOKEN\"" } else { "" };
    write!(
        out,
        "The store is at {url}

Three requests to paste:
  curl -s {url}/entities/invoice/536365/line{token} -H 'Content-Type: application/json' -d '{{\"line\": {LINE}}}'
  curl -s {url}/entities/stock/85123A{token}
  curl -s {url}/entities/invoice{token}

{url}/ says what else there is. Stop it with ctrl-c, or kill it: started again, it goes on.
"
    )?;
    out.flush()
}

/// A line of an invoice.
const LINE: &str = r#"{"stock_code": "85123A", "units": 6, "price_milli": 2550, "time": "2010-12-01T08:26", "customer": "17850", "country": "United Kingdom"}"#;
