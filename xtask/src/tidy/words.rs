//! Words: one name for each meaning, the standard one, and above the line none that knows where things live.
//!
//! Two tables. The first holds metaphors of our own with what to say instead; they are refused everywhere. The second
//! holds words of the scale-aware layer; they are refused in `agnostic/`, where one is the first sign of a dependency
//! on scale. Both are looked for in code, comments, prose and paths of files, also inside an identifier.

use crate::tidy::finding::Finding;
use crate::tidy::line;
use crate::tidy::tree::{File, Tree};

/// One way to say something that is refused, and what to say.
struct Instead {
    /// Each is a word or several. One with a capital stands for just that spelling, as in the name of a type.
    of: &'static [&'static str],
    say: &'static str,
}

/// Metaphors, and the standard terms for what they meant.
const INSTEAD: &[Instead] = &[
    Instead { of: &["luck", "lucky"], say: "seed, rng, random" },
    Instead { of: &["wish", "wishes", "wished", "wishing"], say: "request" },
    Instead { of: &["knock", "knocks", "knocked", "knocking"], say: "stalled" },
    Instead { of: &["crew", "crews"], say: "threads, workers" },
    Instead { of: &["seat", "seats", "seated"], say: "the partition's host" },
    Instead { of: &["clerk", "clerks"], say: "dispatcher" },
    Instead { of: &["desk", "desks"], say: "completion queue" },
    Instead { of: &["door", "doors"], say: "service, listener" },
    Instead { of: &["pulse", "pulses"], say: "activity" },
    Instead { of: &["prognosis"], say: "verdict" },
    Instead { of: &["witness", "witnesses", "witnessed"], say: "observer, record" },
    Instead { of: &["manner", "manners"], say: "kind" },
    Instead { of: &["weather", "weathers"], say: "faults" },
    Instead { of: &["condemn", "condemns", "condemned"], say: "unrecoverable" },
    Instead { of: &["let go", "lets go", "letting go"], say: "evict, drop, release: whichever is meant" },
    Instead { of: &["look after", "looks after"], say: "check" },
    Instead { of: &["answer to nobody"], say: "dropped an answer: unknown or expired ticket" },
    Instead { of: &["It is no"], say: "the thing, and what it is not: `not a …`" },
    Instead { of: &["Bell"], say: "WakeFlag" },
    Instead { of: &["Mail"], say: "ExecutorMessage" },
    Instead { of: &["Visit"], say: "Invocation" },
    Instead { of: &["a look", "Looking"], say: "read" },
    Instead { of: &["Did"], say: "UndoEntry" },
    Instead { of: &["Sure"], say: "NotRefusable" },
];

/// Words of the scale-aware layer.
const BELOW_THE_LINE: &[&str] = &["partition", "node", "epoch", "shard"];

/// Calls of the standard library that happen to be named like one. They speak of lists.
const OF_LISTS: &[&str] = &[".partition(", ".partition_point("];

/// The file that names what it looks for.
const THIS_FILE: &str = "xtask/src/tidy/words.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.path != THIS_FILE).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut read = |number, text: &str, excerpt: &str| {
        let metaphors = metaphors(text).into_iter().map(|instead| format!("say {}", instead.say));
        let below = word_below(text).filter(|_| file.path.starts_with("agnostic/"));
        let below = below.map(|word| format!("`{word}` is a word from below the line; say it without"));
        findings.extend(metaphors.chain(below).map(|why| Finding::refused(&file.path, number, excerpt, why)));
    };
    read(1, &file.path, &file.path);
    for (number, line) in file.lines() {
        read(number, line, line);
    }
    findings
}

fn metaphors(text: &str) -> Vec<&'static Instead> {
    let words: Vec<&str> = line::words(text).collect();
    let has = |phrase: &str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        words.windows(phrase.len()).any(|window| window.iter().zip(&phrase).all(|(word, wanted)| is(word, wanted)))
    };
    INSTEAD.iter().filter(|instead| instead.of.iter().any(|phrase| has(phrase))).collect()
}

/// Whether `word` is `wanted`: to the letter, if that has a capital.
fn is(word: &str, wanted: &str) -> bool {
    if wanted.starts_with(char::is_uppercase) { word == wanted } else { word.eq_ignore_ascii_case(wanted) }
}

fn word_below(text: &str) -> Option<&'static str> {
    let text = OF_LISTS.iter().fold(text.to_owned(), |text, call| text.replace(call, "("));
    line::words(&text).find_map(|word| {
        let word = word.to_lowercase();
        let one = word.strip_suffix('s').unwrap_or(&word);
        BELOW_THE_LINE.iter().copied().find(|below| *below == one)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(path: &str, line: &str) -> bool {
        !check(&Tree::of(&[(path, line)])).is_empty()
    }

    #[test]
    fn a_metaphor_is_found_wherever_it_hides() {
        for line in ["let open_door = 1;", "struct HttpDoor;", "// he WISHED", "fn let_go()", "let them let go", "Bell"]
        {
            assert!(refuses("a.rs", line), "{line}");
        }
        assert!(refuses("docs/a.md", "a knock, an error; look after the disk"));
        assert!(refuses("a/crew.rs", ""));
    }

    #[test]
    fn other_words_and_spellings_are_not_meant() {
        for line in ["indoors", "let a = go();", "it rings a bell", "did they visit it", "outlook", "letgo"] {
            assert!(!refuses("a.rs", line), "{line}");
        }
    }

    #[test]
    fn the_table_says_each_thing_once() {
        let mut all: Vec<&str> = INSTEAD.iter().flat_map(|instead| instead.of).copied().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        for phrase in all {
            assert_eq!(metaphors(phrase).len(), 1, "{phrase}");
        }
    }

    #[test]
    fn the_words_from_below_are_found_wherever_they_hide() {
        for line in ["// a partition", "struct EpochId;", "let open_nodes = 1;", "/// Two SHARDS.", "UNIX_EPOCH"] {
            assert!(refuses("agnostic/a.rs", line), "{line}");
        }
        assert!(refuses("agnostic/x/src/partition.rs", ""));
    }

    #[test]
    fn words_that_only_contain_them_are_not_meant() {
        for line in ["// after a repartitioning", "// it is noded", "fn anode()", "// shared"] {
            assert!(!refuses("agnostic/a.rs", line), "{line}");
        }
    }

    #[test]
    fn a_list_may_be_divided() {
        assert!(!refuses("agnostic/a.rs", "let (a, b) = list.partition(|it| it.is_open());"));
        assert!(refuses("agnostic/a.rs", "let a = world.partition;"));
    }

    #[test]
    fn below_the_line_they_are_at_home() {
        assert!(!refuses("aware/a.rs", "struct Partition;"));
    }
}
