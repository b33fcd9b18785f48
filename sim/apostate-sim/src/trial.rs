//! The simulator on trial: bugs are switched on one by one, and each has to be caught.

use apostate_partition::planted::{Bug, plant};

use crate::options::Options;
use crate::run::{digest, run};

/// Switches every bug on, one after the other, or only the one that is named, and runs seeds from 0 until one breaks
/// something, `most` at most. Says the table line by line, as Markdown, and of a single bug what was seen. Gives whether all
/// were caught.
pub fn try_planted(most: u64, only: Option<&str>, mut say: impl FnMut(&str)) -> bool {
    say("| bug | what it does wrong | broken | seeds |");
    say("| --- | --- | --- | --- |");
    let mut is_all = true;
    for bug in Bug::ALL.iter().copied().filter(|bug| only.is_none_or(|name| name == bug.name())) {
        plant(Some(bug));
        let options = Options { splits: bug.is_of_splits(), ..Options::default() };
        let caught = (0..most).find_map(|seed| run(seed, options).err().map(|broken| (seed + 1, broken)));
        plant(None);
        is_all &= caught.is_some();
        let (broken, seeds) = match &caught {
            Some((seeds, broken)) => (broken.invariant, seeds.to_string()),
            None => ("**not caught**", format!("more than {most}")),
        };
        say(&format!("| {} | {} | {broken} | {seeds} |", bug.name(), bug.what()));
        if let (Some(_), Some((_, broken))) = (only, &caught) {
            say(&format!("\n{broken}"));
        }
    }
    is_all
}

/// The [`digest`] of a seed with one bug switched on; none if there is no bug of that name.
#[must_use]
pub fn digest_planted(seed: u64, bug: &str) -> Option<String> {
    plant(Some(Bug::named(bug)?));
    let line = digest(seed);
    plant(None);
    Some(line)
}
