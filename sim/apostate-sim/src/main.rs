//! Runs seeds.

use apostate_sim::{Options, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (mut first, mut count, mut is_told) = (0, 100, false);
    while let Some(word) = args.next() {
        let mut number = || args.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
        match word.as_str() {
            "--seeds" => count = number(),
            "--from" => first = number(),
            "--seed" => {
                first = number();
                count = 1;
            }
            _ => is_told = true,
        }
    }
    let mut faults = apostate_sim::Faults::default();
    let _ = &mut faults;
    let mut failed = 0;
    let start = std::time::Instant::now();
    let mut transactions = 0;
    for seed in first..first + count {
        match run(seed, Options { is_told }) {
            Ok(report) => {
                transactions += report.transactions;
                if count == 1 {
                    println!("{report:#?}\n{}", report.faults);
                }
            }
            Err(broken) => {
                failed += 1;
                let text = broken.to_string();
                println!("seed {seed}: {}", if count == 1 { &text } else { &text[..text.floor_char_boundary(300)] });
            }
        }
    }
    println!("{failed} of {count} failed, {transactions} transactions, {:?}", start.elapsed());
    ExitCode::SUCCESS
}
