//! Lets decoders read bytes for as long as one likes, or one input again.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use apostate_fuzz::campaign::Campaign;
use apostate_fuzz::{LAYOUTS, Layout, corpus, layout};
use clap::Parser;

/// Every decoder against bytes that nobody wrote.
#[derive(Parser)]
struct Arguments {
    /// One layout by name; all of them, one after the other, if none is named.
    layout: Option<String>,
    /// How long each layout is tried.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where rng starts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// One input, as hexadecimal digits: reads it and nothing else.
    #[arg(long, requires = "layout")]
    hex: Option<String>,
    /// Writes what the encoders make today into the corpus, for every later build to read.
    #[arg(long)]
    preserve: bool,
}

fn main() -> ExitCode {
    // A finding says what was panicked about, and a partition that stops because it was lied to is none.
    std::panic::set_hook(Box::new(|_| {}));
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let layouts = match arguments.layout.as_deref() {
        None => LAYOUTS.to_vec(),
        Some(name) => vec![layout(name).ok_or_else(|| unknown(name))?],
    };
    for layout in layouts {
        match &arguments.hex {
            Some(hex) => println!("{:?}", layout.try_on(&bytes_of(hex)?).map_err(|found| found.to_string())?),
            None if arguments.preserve => corpus::preserve(layout)?,
            None => campaign(layout, arguments)?,
        }
    }
    Ok(())
}

fn campaign(layout: &'static Layout, arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let mut campaign = Campaign::new(layout, arguments.seed)?;
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    while Instant::now() < until {
        for _ in 0..1000 {
            campaign.step().map_err(|found| found.to_string())?;
        }
    }
    let figures = campaign.figures();
    println!("{:<8} {:>12} read {:>12} refused", layout.name, figures.read, figures.refused);
    Ok(())
}

fn unknown(name: &str) -> String {
    let names: Vec<_> = LAYOUTS.iter().map(|layout| layout.name).collect();
    format!("there is no layout `{name}`; there are {}", names.join(", "))
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, String> {
    let pair = |at: usize| hex.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(pair).collect();
    bytes.ok_or_else(|| format!("`{hex}` are no pairs of hexadecimal digits"))
}
