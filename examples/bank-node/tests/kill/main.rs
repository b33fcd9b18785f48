//! A bank whose node is killed with SIGKILL again and again, while money moves by agreements of three accounts.
//!
//! One account pays two others. A quarter of the transfers would pay an account that does not exist, a quarter has no time at all,
//! and some accounts run out of money: so about half of them are refused or expire. After every kill the bank is let come to rest, and then
//! ([`books`]) every account has exactly what the transfers that are done have brought it; nothing is held or expected any more, no transfer
//! is undecided, and no message was parked.
//!
//! ```text
//! cargo test -p bank-node --test kill                         a few seconds
//! cargo xtask money --transfers 10000 --kills 20              longer
//! ```

#![cfg(unix)]

mod books;
mod node;
mod plan;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use apostate_api::client::{Client, Producer};
use bank::{Account, Transfer};

use crate::books::Books;
use crate::node::Served;
use crate::plan::{ACCOUNTS, Plan, Rng, START_CENTS, account};

/// Repetitions that the client may have before answers pay for more: a node that was killed is asked again and again while it opens.
const RETRIES: u32 = 100_000;

/// How long a call is asked again.
const PATIENCE: Duration = Duration::from_secs(120);

struct Arguments {
    transfers: usize,
    kills: usize,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(arguments) = parse(&words) else {
        eprintln!("kill [--transfers N] [--kills N]");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(move_money(&arguments));
    ExitCode::SUCCESS
}

fn parse(words: &[String]) -> Option<Arguments> {
    let mut arguments = Arguments { transfers: 600, kills: 4 };
    for pair in words.chunks(2) {
        let [word, value] = pair else { return None };
        let value = value.parse().ok()?;
        match word.as_str() {
            "--transfers" => arguments.transfers = value,
            "--kills" => arguments.kills = value,
            _ => return None,
        }
    }
    Some(arguments)
}

async fn move_money(arguments: &Arguments) {
    let seed = std::env::var("APOSTATE_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().expect("a number"));
    println!("APOSTATE_SEED={seed} cargo test -p bank-node --test kill");
    let began = Instant::now();
    let mut rng = Rng::new(seed);
    let plans: Vec<Plan> = (0..arguments.transfers).map(|_| Plan::new(&mut rng)).collect();
    let mut node = Served::start();
    let client = Client::new(&node.url()).expect("a URL").with_deadline(PATIENCE).with_retries(RETRIES);
    for number in 0..ACCOUNTS {
        client.call(Account::at(account(number)).open(format!("owner {number}"))).await.expect("it is opened");
        client.call(Account::at(account(number)).pay_in(START_CENTS)).await.expect("it is opened");
    }
    let mut producer = client.producer("plans").expect("a name");
    let rounds = arguments.kills + 1;
    let mut sent = 0;
    for round in 1..=rounds {
        let end = plans.len() * round / rounds;
        for (number, plan) in plans.iter().enumerate().take(end).skip(sent) {
            let share_out = plan.call(Transfer::at(number));
            producer.send(number as u64 + 1, share_out).await.expect("it takes the next number");
        }
        sent = end;
        if round < rounds {
            // The disturbance is what is random; nothing is expected to have happened before it.
            tokio::time::sleep(Duration::from_micros(rng.below(150_000))).await;
            node.kill_and_start();
        }
        wait_for_all(&mut producer).await;
        Books::at_rest(&client, &node, sent).await.check(&plans);
    }
    let books = Books::at_rest(&client, &node, sent).await;
    let [done, refused, expired] = books.check(&plans);
    assert!(refused > 0 && expired > 0 && (1..=3).contains(&(4 * done / plans.len())), "{done} {refused} {expired}");
    println!(
        "money: {} agreements of three accounts, {done} done, {refused} refused, {expired} expired; {} kills in {:.0} s; every account is right",
        plans.len(),
        arguments.kills,
        began.elapsed().as_secs_f64()
    );
}

async fn wait_for_all(producer: &mut Producer) {
    while producer.unanswered() > 0 {
        producer.wait_results().await.expect("every transfer is begun");
    }
    assert_eq!(producer.summary().refused, 0, "a transfer was not even begun");
}

fn fresh_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    now.as_nanos() as u64 ^ u64::from(std::process::id())
}
