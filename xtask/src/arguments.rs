//! The command line: a few commands, and the options of one of them.
//!
//! Written by hand, because `cargo xtask` is compiled before anything else and should be ready in seconds.

use std::fmt::Write as _;

use crate::failure::Failure;
use crate::steps::{self, Step};

/// The command that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Check(Check),
    Fix,
    Test,
    Tidy,
    /// With what the simulator is told.
    Sim(Vec<String>),
    /// With the name of the fixture.
    Fixtures(Vec<String>),
    /// With what the soak is told.
    Soak(Vec<String>),
    /// With how many transfers and kills there are to be.
    Money(Vec<String>),
    Help,
}

/// Which part of the gate to run.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    only: Vec<String>,
    skip: Vec<String>,
    /// Run the steps behind a failing one too.
    pub(crate) keep_going: bool,
}

impl Check {
    /// The steps to run, in the gate's order.
    pub(crate) fn chosen(&self) -> Vec<&'static Step> {
        let named = |names: &[String], step: &Step| names.iter().any(|name| name == step.name);
        steps::GATE
            .iter()
            .copied()
            .filter(|step| self.only.is_empty() || named(&self.only, step))
            .filter(|step| !named(&self.skip, step))
            .collect()
    }
}

/// Understands the words behind `cargo xtask`.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Command, Failure> {
    let mut words = words.into_iter();
    let Some(command) = words.next() else { return Ok(Command::Help) };
    let command = match command.as_str() {
        "check" => return parse_check(words).map(Command::Check),
        "fix" => Command::Fix,
        "test" => Command::Test,
        "tidy" => Command::Tidy,
        "sim" => return Ok(Command::Sim(words.collect())),
        "fixtures" => return Ok(Command::Fixtures(words.collect())),
        "soak" => return Ok(Command::Soak(words.collect())),
        "money" => return Ok(Command::Money(words.collect())),
        "help" | "--help" | "-h" => Command::Help,
        other => return Err(Failure::Usage(format!("there is no chore `{other}`"))),
    };
    match words.next() {
        None => Ok(command),
        Some(word) => Err(Failure::Usage(format!("`{word}` is one word too many"))),
    }
}

fn parse_check(mut words: impl Iterator<Item = String>) -> Result<Check, Failure> {
    let mut check = Check::default();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--keep-going" => check.keep_going = true,
            "--skip" => {
                let name = words.next().ok_or_else(|| Failure::Usage("`--skip` wants the name of a step".into()))?;
                check.skip.push(known(name)?);
            }
            _ => check.only.push(known(word)?),
        }
    }
    if check.chosen().is_empty() {
        return Err(Failure::Usage("every step is left out".into()));
    }
    Ok(check)
}

fn known(name: String) -> Result<String, Failure> {
    if steps::GATE.iter().any(|step| step.name == name) {
        return Ok(name);
    }
    Err(Failure::Usage(format!("the gate has no step `{name}`")))
}

/// The page that `cargo xtask help` prints.
pub(crate) fn usage() -> String {
    let mut page = String::from(
        "cargo xtask test     every test there is\n\
         cargo xtask check    the gate; never writes\n\
         cargo xtask fix      what a tool can put right by itself: layout, and lints that know their cure\n\
         cargo xtask tidy     the house rules\n\
         cargo xtask sim      simulated clusters: --seeds N, --seed SEED --tell, or --hours H\n\
         cargo xtask fixtures a data directory of this build that later ones have to open: NAME\n\
         cargo xtask soak     a node under load that is killed again and again: --minutes M --kill-every SECONDS\n\
         cargo xtask money    a bank that is killed while money moves by agreement: --transfers N --kills N\n\
         \n\
         cargo xtask check [STEP]... [--skip STEP]... [--keep-going]\n\
         \n\
         Steps of the gate, in their order:\n",
    );
    for step in steps::GATE {
        // Writing to a `String` cannot fail.
        let _ = writeln!(page, "  {:<8} {}", step.name, step.proves);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(line: &str) -> Vec<&'static str> {
        match parse(line.split_whitespace().map(String::from)) {
            Ok(Command::Check(check)) => check.chosen().iter().map(|step| step.name).collect(),
            other => panic!("`{line}` is not a check: {other:?}"),
        }
    }

    fn refused(line: &str) -> String {
        parse(line.split_whitespace().map(String::from)).expect_err("should be refused").to_string()
    }

    #[test]
    fn the_gate_runs_every_step_unless_told_otherwise() {
        assert_eq!(chosen("check"), steps::GATE.iter().map(|step| step.name).collect::<Vec<_>>());
    }

    #[test]
    fn named_steps_run_alone_and_in_the_gates_order() {
        assert_eq!(chosen("check clippy fmt"), ["fmt", "clippy"]);
    }

    #[test]
    fn a_skipped_step_is_left_out() {
        assert!(!chosen("check --skip tests").contains(&"tests"));
    }

    #[test]
    fn the_simulator_the_soak_and_the_bank_get_their_own_words() {
        let parsed = parse(["sim", "--seed", "7"].map(String::from)).expect("a chore");
        assert_eq!(parsed, Command::Sim(vec!["--seed".into(), "7".into()]));
        let parsed = parse(["soak", "--minutes", "10"].map(String::from)).expect("a chore");
        assert_eq!(parsed, Command::Soak(vec!["--minutes".into(), "10".into()]));
        let parsed = parse(["money", "--kills", "20"].map(String::from)).expect("a chore");
        assert_eq!(parsed, Command::Money(vec!["--kills".into(), "20".into()]));
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        assert!(refused("chek").contains("`chek`"));
        assert!(refused("check clipy").contains("`clipy`"));
        assert!(refused("check --skip").contains("--skip"));
        assert!(refused("check fmt --skip fmt").contains("left out"));
        assert!(refused("fix everything").contains("`everything`"));
    }

    #[test]
    fn the_help_page_names_every_step() {
        for step in steps::GATE {
            assert!(usage().contains(step.name));
        }
    }
}
