//! A node under mixed load over HTTP, killed with SIGKILL again and again, and a history that must make sense afterwards.
//!
//! Callers add tags to journals, with an `Idempotency-Key` each, and look at them. A node that is killed leaves them with
//! calls of which nobody knows what became: some are asked again with the same key until they are answered, some are
//! left unknown. In the end every journal says in which order its tags came, and then ([`history`]): each journal is
//! linearizable, every acknowledged tag is there, no tag is there twice, none that was refused is there; and the
//! mirror, to which each journal sends its tags by message, has the same tags in the same order.
//!
//! ```text
//! cargo test -p apostate-server --test soak                                        a few seconds
//! cargo xtask soak --minutes 10 --kill-every 20                                    longer
//! ```

#![cfg(unix)]

mod app;
mod caller;
mod history;
mod node;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::caller::Caller;
use crate::history::Histories;
use crate::node::Node;

/// Callers at once: as many connections.
const CALLERS: u32 = 24;

struct Arguments {
    time: Duration,
    kill_every: Duration,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == node::ROLE) {
        return node::serve(&words[1..]);
    }
    let Some(arguments) = parse(&words) else {
        eprintln!("soak [--minutes M] [--kill-every SECONDS]");
        return ExitCode::from(2);
    };
    match soak(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(broken) => {
            eprintln!("soak: FAILED: {broken}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> Option<Arguments> {
    let mut arguments = Arguments { time: Duration::from_secs(6), kill_every: Duration::from_secs(1) };
    for pair in words.chunks(2) {
        let [word, value] = pair else { return None };
        let value: f64 = value.parse().ok().filter(|value| *value > 0.0)?;
        match word.as_str() {
            "--minutes" => arguments.time = Duration::from_secs_f64(value * 60.0),
            "--kill-every" => arguments.kill_every = Duration::from_secs_f64(value),
            _ => return None,
        }
    }
    Some(arguments)
}

fn soak(arguments: &Arguments) -> Result<(), String> {
    history::try_the_checks();
    let began = Instant::now();
    let mut node = Node::start()?;
    let is_over = AtomicBool::new(false);
    let url = node.url().to_owned();
    let (kills, histories) = thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|number| {
                let (url, is_over) = (&url, &is_over);
                scope.spawn(move || Caller::new(url, number, began).run(is_over))
            })
            .collect();
        let kills = kill_again_and_again(&mut node, arguments, began);
        is_over.store(true, Ordering::Relaxed);
        let mut histories = Histories::default();
        for caller in callers {
            histories.add(caller.join().map_err(|_| "a caller panicked".to_owned())??);
        }
        Ok::<_, String>((kills?, histories))
    })?;
    let ends = node.read_journals()?;
    let summary = histories.check(&ends)?;
    node.stop()?;
    println!(
        "soak: {kills} kills in {:.0} s; {} adds acknowledged, {} refused, {} failed, {} unknown of which {} were done; {} looks; \
         {} journals are linearizable, and their mirrors alike",
        began.elapsed().as_secs_f64(),
        summary.acknowledged,
        summary.refused,
        summary.failed,
        summary.unknown,
        summary.unknown_done,
        summary.looks,
        ends.len(),
    );
    Ok(())
}

/// How often it was killed.
fn kill_again_and_again(node: &mut Node, arguments: &Arguments, began: Instant) -> Result<u32, String> {
    let mut kills = 0;
    let mut told = Instant::now();
    while began.elapsed() < arguments.time {
        // The disturbance is what is timed; nothing is expected to have happened by then.
        thread::sleep(arguments.kill_every);
        node.kill_and_start_again()?;
        kills += 1;
        if told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            println!("soak: {kills} kills in {:.0} s", began.elapsed().as_secs_f64());
        }
    }
    Ok(kills)
}
