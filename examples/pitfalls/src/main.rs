//! A gallery of wrong programs: data corrupting architectures, on one computer.
//!
//! Most favourite ways of sharing data between workers are unsafe on a single machine, and a second machine only makes it
//! happen more often. Each pitfall is one file with two programs: a wrong one, over a store that does nothing wrong, and
//! the same with entities. Both meet the same interleaving, from the same seed: the same worker takes its turn, crashes
//! between two steps, or has its answer lost. What they lose and double is a number.
//!
//! ```text
//!   cargo run -p pitfalls-node            seed 1
//!   cargo run -p pitfalls-node -- 42      another one
//! ```
//!
//! Reading order: [`read_modify_write`] is the shortest; then [`check_then_act`], [`stale_cache`], [`dual_write`],
//! [`unchecked_retry`], [`neighbours`]. [`workers`] schedules the steps, [`gallery`] counts, [`temp_node`] is a real node.
//!
//! The title is that of a talk by Sean T. Allen, *Data Corrupting Architectures We Know and Love*.

mod read_modify_write;

mod check_then_act;
mod stale_cache;

mod dual_write;
mod unchecked_retry;

mod neighbours;

mod gallery;
mod rng;
mod temp_node;
mod workers;

use std::error::Error;
use std::process::ExitCode;

use crate::gallery::{Pitfall, Row};

/// Every pitfall, in reading order.
const GALLERY: [Pitfall; 7] = [
    read_modify_write::PITFALL,
    check_then_act::PITFALL,
    stale_cache::PITFALL,
    dual_write::SAVE_FIRST,
    dual_write::SEND_FIRST,
    unchecked_retry::PITFALL,
    neighbours::PITFALL,
];

fn main() -> ExitCode {
    let seed = match std::env::args().nth(1).map_or(Ok(1), |seed| seed.parse()) {
        Ok(seed) => seed,
        Err(error) => {
            eprintln!("the seed is a whole number: {error}; try `cargo run -p pitfalls-node -- 42`");
            return ExitCode::FAILURE;
        }
    };
    match show(seed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Shows every pitfall.
fn show(seed: u64) -> Result<(), Box<dyn Error>> {
    println!("{} workers, one step at a time, in the order of seed {seed}\n\n{}", workers::WORKERS, Row::heading());
    let mut missed = Vec::new();
    for pitfall in &GALLERY {
        let row = pitfall.show(seed)?;
        println!("{}", row.line());
        if !row.proves_its_point() {
            missed.push(pitfall.name);
        }
    }
    if !missed.is_empty() {
        return Err(format!("no point was made with seed {seed}: {}", missed.join("; ")).into());
    }
    println!("\nEach row is one file: less examples/pitfalls/src/read_modify_write.rs");
    Ok(())
}

/// An error and its causes.
fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
