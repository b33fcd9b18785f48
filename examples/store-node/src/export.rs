//! All entities of one kind as CSV on stdout, sorted by the bytes of their names.

use std::io::{BufWriter, Write, stdout};
use std::path::Path;

use apostate_server::{CallError, Client, Listed};
use store::{Country, Customer, Invoice, Stock, Table};

use crate::arguments::Kind;
use crate::failure::Failure;
use crate::host::{self, Hosted};

/// Writes the entities of `kind` that live in `data`.
pub(crate) fn run(kind: Kind, data: &Path) -> Result<(), Failure> {
    let store = Hosted::open_existing(data)?;
    store.settle()?;
    let written = write(kind, store.client());
    store.stop()?;
    written
}

fn write(kind: Kind, client: &Client) -> Result<(), Failure> {
    match kind {
        Kind::Stock => write_table(client.list::<Stock>()),
        Kind::Customer => write_table(client.list::<Customer>()),
        Kind::Country => write_table(client.list::<Country>()),
        Kind::Invoice => write_table(client.list::<Invoice>()),
    }
}

fn write_table<E: Table>(entities: impl Iterator<Item = Result<Listed<E>, CallError>>) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for listed in entities {
        let listed = listed?;
        rows.push(listed.entity.row(listed.key.as_str()));
    }
    // The name comes first, and no two entities of a kind have the same.
    rows.sort_unstable();
    let mut csv = csv::Writer::from_writer(BufWriter::new(stdout().lock()));
    csv.write_record(E::COLUMNS).map_err(host::output)?;
    for row in rows {
        csv.write_record(row).map_err(host::output)?;
    }
    csv.into_inner().map_err(|error| error.into_error())?.flush()?;
    Ok(())
}
