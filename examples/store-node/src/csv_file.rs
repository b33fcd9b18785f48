//! An Online Retail CSV file, plain or gzip, read from the front as often as one likes.
//!
//! It is read twice: [`CsvFile::survey`] looks at every line before the first one is sent, so that a file with a
//! bad line changes nothing at all.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::StringRecord;
use flate2::bufread::MultiGzDecoder;

use crate::row::{self, COLUMNS, FieldError, Row};

/// The first bytes of a gzip file.
const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

const BUFFER_BYTES: usize = 256 << 10;

/// A file of lines of invoices.
#[derive(Clone, Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
}

/// A survey of a file in which every line is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// How many lines there are.
    pub(crate) lines: u64,
    /// Names the log that the file is (the beginning of). Files that begin with the same line are the same log, of
    /// which one may know more than the other.
    pub(crate) log: String,
}

/// Why a file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The file cannot be read at all, or not to its end.
    #[error("{path} cannot be read")]
    Io { path: PathBuf, source: io::Error },
    /// The file has other columns.
    #[error("{path}, line 1: the columns are `{found}`, not `{}`", COLUMNS.join(","))]
    Header { path: PathBuf, found: String },
    /// There is nothing below the header.
    #[error("{path} has no lines below its header")]
    Empty { path: PathBuf },
    /// A line is no CSV, or not of eight fields.
    #[error("{path}, line {line}: {why}")]
    NotCsv { path: PathBuf, line: u64, why: String },
    /// A field cannot be used.
    #[error("{path}, line {line}")]
    Field { path: PathBuf, line: u64, source: FieldError },
    /// One invoice has two customers or countries.
    #[error("{path}, line {line}: invoice {invoice} was for {earlier} before, and is for {later} here")]
    TwoParties { path: PathBuf, line: u64, invoice: String, earlier: String, later: String },
}

impl CsvFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Reads every line, from the first.
    pub(crate) fn rows(&self) -> Result<Rows, FileError> {
        let io = |source| FileError::Io { path: self.path.clone(), source };
        let file = File::open(&self.path).map_err(io)?;
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let is_gzip = file.fill_buf().map_err(io)?.starts_with(&GZIP_MAGIC);
        let bytes: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let reader = csv::ReaderBuilder::new().buffer_capacity(BUFFER_BYTES).from_reader(bytes);
        let mut rows = Rows { path: self.path.clone(), reader, record: StringRecord::new() };
        rows.check_header()?;
        Ok(rows)
    }

    /// Checks every line.
    pub(crate) fn survey(&self) -> Result<Survey, FileError> {
        let mut rows = self.rows()?;
        let mut parties = HashMap::<String, (String, String)>::new();
        let mut survey = Survey { lines: 0, log: String::new() };
        while let Some(row) = rows.next() {
            let Row { invoice, line } = row?;
            if survey.lines == 0 {
                survey.log = format!("{invoice} {} {}", line.stock_code, line.time);
            }
            survey.lines += 1;
            let later = (line.customer, line.country);
            match parties.get(&invoice) {
                Some(earlier) if *earlier != later => return Err(rows.two_parties(invoice, earlier, &later)),
                Some(_) => {}
                None => drop(parties.insert(invoice, later)),
            }
        }
        if survey.lines == 0 { Err(FileError::Empty { path: self.path.clone() }) } else { Ok(survey) }
    }
}

/// The lines of a file, from the first.
pub(crate) struct Rows {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    record: StringRecord,
}

impl Rows {
    fn check_header(&mut self) -> Result<(), FileError> {
        let header = match self.reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(self.error(error)),
        };
        let mut found: Vec<_> = header.iter().collect();
        if let Some(first) = found.first_mut() {
            *first = first.trim_start_matches('\u{FEFF}');
        }
        if found == COLUMNS {
            return Ok(());
        }
        Err(FileError::Header { path: self.path.clone(), found: found.join(",") })
    }

    /// The line of the file that the last row began on, from 1.
    fn line(&self) -> u64 {
        self.record.position().map_or(1, csv::Position::line)
    }

    fn error(&self, error: csv::Error) -> FileError {
        let path = self.path.clone();
        let line = error.position().map_or(1, csv::Position::line);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => FileError::Io { path, source },
            csv::ErrorKind::Utf8 { err, .. } => FileError::NotCsv { path, line, why: format!("not UTF-8: {err}") },
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                FileError::NotCsv { path, line, why: format!("{len} fields, not {expected_len}") }
            }
            other => FileError::NotCsv { path, line, why: format!("{other:?}") },
        }
    }

    fn two_parties(&self, invoice: String, earlier: &(String, String), later: &(String, String)) -> FileError {
        let party = |(customer, country): &(String, String)| format!("customer `{customer}` in `{country}`");
        let (earlier, later) = (party(earlier), party(later));
        FileError::TwoParties { path: self.path.clone(), line: self.line(), invoice, earlier, later }
    }
}

impl Iterator for Rows {
    type Item = Result<Row, FileError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(row::read(&self.record).map_err(|source| FileError::Field {
                path: self.path.clone(),
                line: self.line(),
                source,
            })),
            Err(error) => Some(Err(self.error(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const GOOD: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
        536365,85123A,\"A \"\"HANGER\"\", WHITE\",6,2010-12-01T08:26,2.55,17850,United Kingdom\n\
        C536379,D,Discount,-1,2010-12-01T09:41,27.50,14527,United Kingdom\n";

    /// Bytes of a file that is nearly right.
    fn spoiled(good: &[u8], rng: &mut u64) -> Vec<u8> {
        let mut bytes = good.to_vec();
        let mut below = |end: usize| {
            *rng ^= *rng << 13;
            *rng ^= *rng >> 7;
            *rng ^= *rng << 17;
            (*rng % end as u64) as usize
        };
        for _ in 0..=below(3) {
            let at = below(bytes.len());
            match below(4) {
                0 => bytes[at] = b"\",\n\r0-.9\xFF"[below(9)],
                1 => bytes[at] ^= 1 << below(8),
                2 => drop(bytes.splice(at..at, *b"99999999999999999999")),
                _ => bytes.truncate(at.max(1)),
            }
        }
        bytes
    }

    #[test]
    fn a_file_of_any_bytes_is_read_or_refused() {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(GOOD.as_bytes()).expect("memory");
        let packed = packed.finish().expect("memory");
        let dir = tempfile::tempdir().expect("a directory");
        let file = CsvFile::new(&dir.path().join("file.csv"));
        let (mut rng, mut good, mut bad) = (0x9E37_79B9_7F4A_7C15, 0, 0);
        for trial in 0..3_000 {
            let bytes = spoiled(if trial % 3 == 0 { &packed } else { GOOD.as_bytes() }, &mut rng);
            std::fs::write(&file.path, bytes).expect("a file");
            match file.survey() {
                Ok(survey) => good += survey.lines,
                Err(error) => bad += u64::from(!error.to_string().is_empty()),
            }
        }
        assert!(good > 100 && bad > 100, "{good} lines are good, {bad} files bad: that tries nothing");
    }
}
