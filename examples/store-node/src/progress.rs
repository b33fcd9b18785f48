//! How far long work has come, on stderr: a bar for people, a few plain lines for files and pipes.

use std::cell::Cell;
use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::figures::grouped;

/// Plain lines per piece of work.
const PLAIN_LINES: u64 = 10;

/// How often a bar is drawn while nothing else happens.
const TICK: Duration = Duration::from_millis(100);

/// One piece of work under way.
pub(crate) struct Progress {
    what: &'static str,
    total: u64,
    done: Cell<u64>,
    look: Look,
}

enum Look {
    Bar(ProgressBar),
    Plain,
}

impl Progress {
    /// Begins work on `total` lines.
    pub(crate) fn of_lines(what: &'static str, total: u64) -> Self {
        let template = "{msg:10} {wide_bar} {human_pos}/{human_len} lines  {per_sec}";
        Self::begin(what, total, ProgressBar::new(total), template)
    }

    /// Begins work of unknown length.
    pub(crate) fn of_unknown_length(what: &'static str) -> Self {
        Self::begin(what, 0, ProgressBar::new_spinner(), "{msg:10} {spinner} {elapsed}")
    }

    fn begin(what: &'static str, total: u64, bar: ProgressBar, template: &str) -> Self {
        let look = if stderr().is_terminal() {
            bar.set_style(ProgressStyle::with_template(template).expect("a template of ours"));
            bar.set_message(what);
            bar.enable_steady_tick(TICK);
            Look::Bar(bar)
        } else {
            eprintln!("{what} …");
            Look::Plain
        };
        Self { what, total, done: Cell::new(0), look }
    }

    /// The work has come this far.
    pub(crate) fn at(&self, done: u64) {
        let before = self.done.replace(done);
        match &self.look {
            Look::Bar(bar) => bar.set_position(done),
            Look::Plain if self.total == 0 => {}
            Look::Plain => {
                let tenth = |lines: u64| lines * PLAIN_LINES / self.total;
                if tenth(done) > tenth(before) {
                    eprintln!("{} {} of {} lines", self.what, grouped(done), grouped(self.total));
                }
            }
        }
    }

    /// How far the work has come.
    pub(crate) fn done(&self) -> u64 {
        self.done.get()
    }

    /// Says something beside it.
    pub(crate) fn say(&self, text: &str) {
        match &self.look {
            Look::Bar(bar) => bar.println(text),
            Look::Plain => eprintln!("{text}"),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Look::Bar(bar) = &self.look {
            bar.finish_and_clear();
        }
    }
}
