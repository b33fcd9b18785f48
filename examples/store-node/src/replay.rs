//! `replay`: every line of a file, as fast as it goes, and then the totals.

use std::time::Instant;

use apostate_server::Settings;

use crate::arguments::{Replay, Where};
use crate::csv_file::CsvFile;
use crate::failure::Failure;
use crate::feed::Fed;
use crate::host::Hosted;
use crate::place::Place;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::row::Row;
use crate::totals::{self, Run};

/// Replays a file into the store that was said.
pub(crate) fn run(replay: Replay) -> Result<(), Failure> {
    let Replay { file, site, asking, partitions, singly, connections, json, sizes } = replay;
    let file = CsvFile::new(&file);
    let survey = {
        let _progress = Progress::of_unknown_length("reading");
        file.survey()?
    };
    let rows = file.rows()?.map(|row| row.map_err(Failure::from));
    match site.place() {
        Where::Data(data) => {
            let store = Hosted::open(sizes.apply(Settings { partitions, ..Settings::new(data) }))?;
            work(store, &survey.log, survey.lines, rows, json)
        }
        Where::Node(url) => {
            let store = Remote::new(url, asking)?;
            let store = if singly { store.singly(connections) } else { store };
            work(store, &survey.log, survey.lines, rows, json)
        }
    }
}

/// Sends the lines of the log called `log`, waits until all is quiet, and prints what the entities come to.
pub(crate) fn work(
    store: impl Place,
    log: &str,
    lines: u64,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    json: bool,
) -> Result<(), Failure> {
    let started = Instant::now();
    let Fed { taken, before } = store.feed(log, lines, rows)?;
    store.settle()?;
    let seconds = started.elapsed().as_secs_f64();
    let lines_new = before.map(|before| taken - before);
    let run = Run { lines: taken, lines_new, lines_before: before, seconds, partitions: store.partitions()? };
    let books = totals::books(&store)?;
    store.leave()?;
    totals::print(books.totals(), run, json)?;
    Ok(books.balance()?)
}
