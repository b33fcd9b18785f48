//! The conformance suite: what any log engine must do, as cases that it runs.
//!
//! An engine brings a [`Bench`], and its test calls [`run`]. Each case is a sentence about [`Log`](crate::Log) and begins with
//! an empty log. A failure names the case and what was seen.
//!
//! ```
//! use apostate_log::conformance::{Bench, Fault, run};
//! use apostate_log::{Log, MemoryFault, MemoryLog};
//!
//! struct Memory(MemoryLog);
//!
//! impl Bench for Memory {
//!     fn fresh(&mut self) -> Box<dyn Log> {
//!         self.0 = MemoryLog::new(apostate_log::conformance::PARTITION);
//!         Box::new(self.0.clone())
//!     }
//!     fn another(&mut self) -> Box<dyn Log> {
//!         Box::new(self.0.clone())
//!     }
//!     fn crash(&mut self) -> Box<dyn Log> {
//!         Box::new(self.0.clone())
//!     }
//!     fn wait(&mut self) {}
//!     fn inject(&mut self, fault: Option<Fault>) -> bool {
//!         match fault {
//!             Some(Fault::Full) => self.0.inject([MemoryFault::Full]),
//!             Some(Fault::Unknown) => self.0.inject([MemoryFault::UnknownWritten]),
//!             None => {}
//!         }
//!         true
//!     }
//! }
//!
//! run(&mut Memory(MemoryLog::new(apostate_log::conformance::PARTITION)));
//! ```

mod appending;
mod bench;
mod chain;
mod reading;
mod writers;

pub use self::bench::{Bench, Fault, PARTITION};

/// A sentence, and what proves it.
pub type Case = (&'static str, fn(&mut dyn Bench));

/// All cases.
pub const CASES: &[Case] = &[
    ("an empty log has no last record", reading::an_empty_log_has_no_last_record),
    ("records read back whole, in pages", reading::records_read_back_whole_in_pages),
    ("a read behind the last record is empty", reading::a_read_behind_the_last_record_is_empty),
    ("what is trimmed is not needed any more", reading::what_is_trimmed_is_not_needed_any_more),
    ("last is known when all is trimmed", reading::last_is_known_when_all_is_trimmed),
    ("appends are pipelined and answered in order", appending::appends_are_pipelined_and_answered_in_order),
    ("positions are dense", appending::positions_are_dense),
    ("the same bytes again are ok", appending::the_same_bytes_again_are_ok),
    ("a full log is tried again", appending::a_full_log_is_tried_again),
    ("an unknown append ends when it is repeated", appending::an_unknown_append_ends_when_it_is_repeated),
    ("a crash keeps what was acknowledged", writers::a_crash_keeps_what_was_acknowledged),
    ("other bytes are answered with what stands there", writers::other_bytes_are_answered_with_what_stands_there),
    ("a writer that lost its place never writes again", writers::a_writer_that_lost_its_place_never_writes_again),
    ("confirm tells the writer from the fenced", writers::confirm_tells_the_writer_from_the_fenced),
];

/// Runs all cases.
///
/// # Panics
///
/// When the engine fails one.
pub fn run(bench: &mut dyn Bench) {
    for (sentence, case) in CASES {
        // Shown by the test harness of whatever case fails.
        println!("conformance: {sentence}");
        bench.inject(None);
        case(bench);
    }
}
