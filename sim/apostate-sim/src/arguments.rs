//! The command line.

/// The command line, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) work: Work,
    /// Prints what happens, line by line.
    pub(crate) is_told: bool,
    /// Splits partitions in memory, and merges them again.
    pub(crate) splits: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Work {
    One { seed: u64 },
    Many { first: u64, count: u64 },
    Soak { first: u64, hours: f64 },
    Planted { most: u64, only: Option<String> },
    Digest { first: u64, count: u64, bug: Option<String> },
}

pub(crate) fn usage() -> &'static str {
    "apostate-sim --seeds N [--from SEED]    runs N seeds\n\
     apostate-sim --seed SEED [--tell]       runs one seed twice, and tells what happens\n\
     apostate-sim --hours H [--from SEED]    runs seeds for so long\n\
     … --split                               splits partitions in memory meanwhile, and merges them again\n\
     apostate-sim --planted [--seeds N] [--bug NAME]\n\
     \u{20}                                       sees that every planted bug is caught within N seeds\n\
     apostate-sim --digest --seeds N [--from SEED] [--bug NAME]\n\
     \u{20}                                       prints a line for each seed, the same for builds that do the same"
}

/// Understands the command line.
pub(crate) fn parse(words: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut seed, mut seeds, mut hours, mut first) = (None, None, None, 0);
    let (mut is_told, mut splits, mut is_planted, mut is_digest, mut bug) = (false, false, false, false, None);
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` wants a number"));
        let bad = |value: &str| format!("`{value}` is no number for `{word}`");
        let number = |value: String| value.parse::<u64>().map_err(|_| bad(&value));
        match word.as_str() {
            "--seed" => seed = Some(number(value()?)?),
            "--seeds" => seeds = Some(number(value()?)?),
            "--from" => first = number(value()?)?,
            "--hours" => {
                let value = value()?;
                hours = Some(value.parse::<f64>().map_err(|_| bad(&value))?);
            }
            "--bug" => bug = Some(value()?),
            "--tell" => is_told = true,
            "--split" => splits = true,
            "--planted" => is_planted = true,
            "--digest" => is_digest = true,
            _ => return Err(format!("`{word}` is not known")),
        }
    }
    if bug.is_some() && !(is_planted || is_digest) {
        return Err("`--bug` goes with `--planted` or `--digest`".to_owned());
    }
    let work = match (is_planted, seed, seeds, hours) {
        (false, None, Some(count), None) if is_digest => Work::Digest { first, count, bug },
        _ if is_digest => return Err("`--digest` wants `--seeds`".to_owned()),
        (true, None, most, None) => Work::Planted { most: most.unwrap_or(1000), only: bug },
        (false, Some(seed), None, None) => Work::One { seed },
        (false, None, Some(count), None) => Work::Many { first, count },
        (false, None, None, Some(hours)) => Work::Soak { first, hours },
        _ => return Err("say one of `--seed`, `--seeds` and `--hours`".to_owned()),
    };
    Ok(Arguments { work, is_told, splits })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Work, String> {
        parse(line.split_whitespace().map(String::from)).map(|arguments| arguments.work)
    }

    #[test]
    fn what_is_asked_for_is_understood() {
        assert_eq!(parsed("--seed 7 --tell"), Ok(Work::One { seed: 7 }));
        assert_eq!(parsed("--seed 7 --split"), Ok(Work::One { seed: 7 }));
        assert_eq!(parsed("--seeds 20 --from 5"), Ok(Work::Many { first: 5, count: 20 }));
        assert_eq!(parsed("--hours 0.5"), Ok(Work::Soak { first: 0, hours: 0.5 }));
        assert_eq!(parsed("--planted"), Ok(Work::Planted { most: 1000, only: None }));
        let only = Some("send-early".to_owned());
        assert_eq!(parsed("--planted --seeds 9 --bug send-early"), Ok(Work::Planted { most: 9, only: only.clone() }));
        assert_eq!(parsed("--digest --seeds 9"), Ok(Work::Digest { first: 0, count: 9, bug: None }));
        let named = Work::Digest { first: 4, count: 9, bug: only };
        assert_eq!(parsed("--digest --seeds 9 --from 4 --bug send-early"), Ok(named));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for line in [
            "",
            "--seed",
            "--seed x",
            "--seed 1 --seeds 2",
            "--sed 1",
            "--digest",
            "--digest --seed 1",
            "--seeds 3 --bug x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
