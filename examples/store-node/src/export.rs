//! All entities of one kind as CSV on stdout, sorted by the bytes of their names.

use std::io::{BufWriter, Write, stdout};

use store::{Country, Customer, Invoice, Stock, Table};

use crate::arguments::{Asking, Kind, Site, Where};
use crate::failure::Failure;
use crate::host::{self, Hosted};
use crate::place::Place;
use crate::remote::Remote;

/// Writes the entities of `kind` that live there.
pub(crate) fn run(kind: Kind, site: Site, asking: Asking) -> Result<(), Failure> {
    match site.place() {
        Where::Data(data) => write(kind, Hosted::open_existing(&data)?),
        Where::Node(url) => write(kind, Remote::new(url, asking)?),
    }
}

fn write(kind: Kind, store: impl Place) -> Result<(), Failure> {
    store.settle()?;
    let written = match kind {
        Kind::Stock => write_table(store.list::<Stock>()),
        Kind::Customer => write_table(store.list::<Customer>()),
        Kind::Country => write_table(store.list::<Country>()),
        Kind::Invoice => write_table(store.list::<Invoice>()),
    };
    store.leave()?;
    written
}

fn write_table<E: Table>(entities: impl Iterator<Item = Result<(String, E), Failure>>) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for listed in entities {
        let (key, entity) = listed?;
        rows.push(entity.row(&key));
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
