//! A function fits a screen.
//!
//! Counted from the line of `fn` to the closing brace. Tests may be longer: a scenario is read from top to bottom.

use proc_macro2::Delimiter;

use crate::tidy::finding::Finding;
use crate::tidy::tokens::{Token, TokenKind, closing, product_tokens};
use crate::tidy::tree::{File, Tree};

/// Most lines of a function.
const LINES_MAX: usize = 60;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.is_rust() && !is_test(&file.path)).flat_map(check_file).collect()
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

fn check_file(file: &File) -> Vec<Finding> {
    let Some(tokens) = product_tokens(&file.text) else { return Vec::new() };
    let mut findings = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let name = tokens.get(at + 1).and_then(Token::word).filter(|_| token.word() == Some("fn"));
        if let (Some(name), Some(end)) = (name, end_of_body(&tokens, at + 1)) {
            let lines = tokens[end].line + 1 - token.line;
            if lines > LINES_MAX {
                let message = format!("`{name}` has {lines} lines, {LINES_MAX} at most; name its steps");
                findings.push(Finding::refused(&file.path, token.line, name, message));
            }
        }
    }
    findings
}

/// Where the body of the function at `at` ends, if it has one.
fn end_of_body(tokens: &[Token], mut at: usize) -> Option<usize> {
    loop {
        let token = tokens.get(at)?;
        match token.kind {
            TokenKind::Open(Delimiter::Brace) => return Some(closing(tokens, at)).filter(|end| *end < tokens.len()),
            TokenKind::Open(_) => at = closing(tokens, at),
            TokenKind::Mark(';') | TokenKind::Close(_) => return None,
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.excerpt).collect()
    }

    fn function(name: &str, lines: usize) -> String {
        format!("fn {name}(a: [u8; 2]) {{\n{}}}\n", "    b();\n".repeat(lines - 2))
    }

    #[test]
    fn the_first_line_over_the_limit_is_refused() {
        assert_eq!(refused("a.rs", &function("a", LINES_MAX)), Vec::<String>::new());
        assert_eq!(refused("a.rs", &function("a", LINES_MAX + 1)), ["a"]);
        assert_eq!(refused("a.rs", &format!("impl A {{ {} }}", function("b", LINES_MAX + 1))), ["b"]);
    }

    #[test]
    fn a_test_may_be_longer() {
        let long = function("a", LINES_MAX + 1);
        assert_eq!(refused("x/tests/a.rs", &long), Vec::<String>::new());
        assert_eq!(refused("a.rs", &format!("#[cfg(test)]\nmod tests {{ {long} }}")), Vec::<String>::new());
    }

    #[test]
    fn a_function_without_a_body_has_no_length() {
        assert_eq!(
            refused("a.rs", &format!("trait A {{ fn b(); }}\ntype C = fn(u8);\n{}", "//\n".repeat(99))),
            [""; 0]
        );
    }
}
