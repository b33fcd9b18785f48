//! How things are shown: a table for people, JSON for programs.

use std::io::{self, Write};

use apostate_api::JsonText;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;
use serde_json::json;

use crate::failure::Failure;
use crate::terminal::visible;

/// Rows of a table that is printed before all of it is known: columns are as wide as these need.
const ROWS_AT_ONCE: usize = 1000;

/// Where data goes, and in which form.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// One thing: JSON on one line, or its properties, one a line.
    pub(crate) fn one<T: Serialize>(
        self,
        thing: &T,
        rows: impl FnOnce() -> Vec<(String, String)>,
    ) -> Result<(), Failure> {
        if self.is_json {
            return line(thing);
        }
        let mut table = empty();
        table.add_rows(rows().into_iter().map(|(name, value)| [name, visible(&value).into_owned()]));
        print(&table)
    }

    /// Many things: one JSON object a line, or a table.
    pub(crate) fn many<T: Serialize>(
        self,
        header: &[&str],
        mut things: impl Iterator<Item = Result<T, Failure>>,
        row: impl Fn(&T) -> Vec<String>,
    ) -> Result<(), Failure> {
        if self.is_json {
            return things.try_for_each(|thing| line(&thing?));
        }
        let mut has_more = true;
        let mut is_first = true;
        while has_more {
            let mut table = empty();
            table.set_header(header);
            let mut broken = None;
            for thing in things.by_ref().take(ROWS_AT_ONCE) {
                match thing {
                    Ok(thing) => drop(table.add_row(row(&thing).iter().map(|cell| visible(cell)))),
                    Err(failure) => {
                        broken = Some(failure);
                        break;
                    }
                }
            }
            has_more = table.row_count() == ROWS_AT_ONCE;
            if is_first || table.row_count() > 0 {
                print(&table)?;
            }
            is_first = false;
            broken.map_or(Ok(()), Err)?;
        }
        Ok(())
    }

    /// A value of the author's own. For programs it is what the node said, to the byte.
    pub(crate) fn value(self, value: &JsonText) -> Result<(), Failure> {
        match value.as_str() {
            text if self.is_json => Ok(writeln!(io::stdout(), "{text}")?),
            "null" => self.done("done"),
            _ => Ok(writeln!(io::stdout(), "{}", visible(&plain(value, indented)))?),
        }
    }

    /// Something is amiss with one of many things, and the others are gone on with.
    pub(crate) fn amiss(self, what: &str) -> Result<(), Failure> {
        if self.is_json {
            return Ok(writeln!(io::stderr(), "{}", json!({ "detail": what }))?);
        }
        Ok(writeln!(io::stderr(), "{}", visible(what))?)
    }

    /// Something was done, and there is nothing to show.
    pub(crate) fn done(self, what: &str) -> Result<(), Failure> {
        if !self.is_json {
            writeln!(io::stderr(), "{what}")?;
        }
        Ok(())
    }
}

/// A value for people: a text without its quotes, anything else as `write` writes its JSON.
pub(crate) fn plain(value: &JsonText, write: impl FnOnce(&str) -> String) -> String {
    value.read::<String>().unwrap_or_else(|_| write(value.as_str()))
}

/// JSON with a line for each field and item. Numbers and texts stay as they are written.
fn indented(json: &str) -> String {
    let (mut text, mut depth, mut in_string, mut is_escaped) = (String::with_capacity(2 * json.len()), 0, false, false);
    let line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
    };
    let mut signs = json.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            _ if in_string => {
                text.push(sign);
                in_string = is_escaped || sign != '"';
                is_escaped = !is_escaped && sign == '\\';
                continue;
            }
            '{' | '[' if matches!(signs.peek(), Some('}' | ']')) => {
                text.push(sign);
                text.extend(signs.next());
                continue;
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut text, depth);
            }
            _ => {}
        }
        text.push(sign);
        match sign {
            '"' => in_string = true,
            ':' => text.push(' '),
            ',' => line(&mut text, depth),
            '{' | '[' => {
                depth += 1;
                line(&mut text, depth);
            }
            _ => {}
        }
    }
    text
}

fn line<T: Serialize>(thing: &T) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, thing).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}

fn empty() -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn print(table: &Table) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    for row in table.lines() {
        // Columns are padded on both sides; nobody wants that at the edges.
        writeln!(out, "{}", row.strip_prefix(' ').unwrap_or(&row).trim_end())?;
    }
    Ok(())
}

/// Properties, with names of ours.
pub(crate) fn rows<const N: usize>(rows: [(&str, String); N]) -> Vec<(String, String)> {
    rows.map(|(name, value)| (name.to_owned(), value)).into()
}

/// A moment in milliseconds since 1970, as people write it, in UTC.
pub(crate) fn time(millis: u64) -> String {
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + std::time::Duration::from_millis(millis)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_people_has_lines_and_every_digit() {
        let json = r#"{"b":[18446744073709551617,1.50],"a":{},"t":"x:\"{,"}"#;
        let expected =
            "{\n  \"b\": [\n    18446744073709551617,\n    1.50\n  ],\n  \"a\": {},\n  \"t\": \"x:\\\"{,\"\n}";
        assert_eq!(indented(json), expected);
        assert_eq!(indented("5"), "5");
        assert_eq!(plain(&JsonText::new(r#""a\nb""#).expect("JSON"), indented), "a\nb");
    }
}
