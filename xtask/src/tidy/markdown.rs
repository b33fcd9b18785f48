//! Reading Markdown as far as the rules need it: prose, code spans, links and headings.
//!
//! Not a parser: the plain forms that we write are known, and everything else is taken for prose.

/// The lines outside code blocks, numbered from one.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence {
            in_block = !in_block;
        }
        (!in_block && !is_fence).then_some((index + 1, line))
    })
}

/// The texts between backticks in a line.
pub(super) fn code_spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// Where the links of a line lead: `[text](target)` and `[name]: target`.
pub(super) fn links(line: &str) -> Vec<String> {
    let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let mut targets = Vec::new();
    for (at, opening) in plain.match_indices("](") {
        let rest = &plain[at + opening.len()..];
        if let Some(end) = rest.find(')') {
            targets.push(target(&rest[..end]));
        }
    }
    if plain.starts_with('[')
        && let Some((_, rest)) = plain.split_once("]: ")
    {
        targets.push(target(rest));
    }
    targets
}

/// A link's target without its title.
fn target(link: &str) -> String {
    link.split_whitespace().next().unwrap_or_default().trim_matches(['<', '>']).into()
}

/// The names under which a text's headings can be linked to.
pub(super) fn anchors(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title
            .chars()
            .filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_blocks_are_not_prose() {
        let text = "one\n```text\ntwo\n```\nthree";
        assert_eq!(prose(text).collect::<Vec<_>>(), [(1, "one"), (5, "three")]);
    }

    #[test]
    fn links_are_found_also_around_code_but_not_in_it() {
        assert_eq!(links("see [a](b.md) and [`c`](d/e.md#f \"title\")"), ["b.md", "d/e.md#f"]);
        assert_eq!(links("`#[x](y)` is an attribute"), Vec::<String>::new());
        assert_eq!(links("[name]: docs/a.md"), ["docs/a.md"]);
    }

    #[test]
    fn a_heading_is_linked_to_by_its_words() {
        assert_eq!(anchors("# What it is, and `isn't`\n## Two").collect::<Vec<_>>(), ["what-it-is-and-isnt", "two"]);
    }

    #[test]
    fn code_spans_are_what_stands_between_backticks() {
        assert_eq!(code_spans("a `b` c `d/e`").collect::<Vec<_>>(), ["b", "d/e"]);
    }
}
