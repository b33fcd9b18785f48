//! `replay`: every line of a file, as fast as it goes, and then the totals.

use std::path::Path;
use std::time::Instant;

use apostate_server::Settings;

use crate::csv_file::CsvFile;
use crate::failure::Failure;
use crate::feed::{Fed, feed};
use crate::host::Hosted;
use crate::progress::Progress;
use crate::row::Row;
use crate::totals::{self, Run};

/// Replays `file` into the store of these settings.
pub(crate) fn run(file: &Path, settings: Settings, json: bool) -> Result<(), Failure> {
    let file = CsvFile::new(file);
    let survey = {
        let _progress = Progress::of_unknown_length("reading");
        file.survey()?
    };
    let store = Hosted::open(settings)?;
    let rows = file.rows()?.map(|row| row.map_err(Failure::from));
    work(store, &survey.log, survey.lines, rows, json)
}

/// Sends the lines of the log called `log`, waits until all is quiet, and prints what the entities come to.
pub(crate) fn work(
    store: Hosted,
    log: &str,
    lines: u64,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    json: bool,
) -> Result<(), Failure> {
    let started = Instant::now();
    let Fed { new, before } = feed(store.client(), log, lines, rows)?;
    store.settle()?;
    let seconds = started.elapsed().as_secs_f64();
    let run = Run { lines_new: new, lines_before: before, seconds, partitions: store.partitions() };
    let books = totals::books(store.client())?;
    store.stop()?;
    totals::print(books.totals(), run, json)?;
    Ok(books.balance()?)
}
