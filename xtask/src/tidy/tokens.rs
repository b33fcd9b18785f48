//! The tokens of a Rust file, without what is compiled for tests only.
//!
//! Not a parser: rules that need more than words and lines scan this flat list, so code inside a macro's call
//! counts like any other.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One token with its line, counted from one.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Word(String),
    Mark(char),
    Open(Delimiter),
    Close(Delimiter),
    Literal,
}

impl Token {
    /// The token's text, if it is a name or a keyword.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn is_mark(&self, mark: char) -> bool {
        self.kind == TokenKind::Mark(mark)
    }

    pub(super) fn is_open(&self, delimiter: Delimiter) -> bool {
        self.kind == TokenKind::Open(delimiter)
    }
}

/// The tokens of `text` outside `#[cfg(test)]`, or `None` if `text` is not Rust.
pub(super) fn product_tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    flatten(text.parse().ok()?, &mut tokens);
    Some(tokens)
}

/// Where the bracket closes that `tokens[open]` opens.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.kind {
            TokenKind::Open(_) => depth += 1,
            TokenKind::Close(_) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < trees.len() {
        if is_test_attribute(&trees[at..]) {
            at = end_of_item(&trees, at + 2);
            continue;
        }
        push(&trees[at], tokens);
        at += 1;
    }
}

fn push(tree: &TokenTree, tokens: &mut Vec<Token>) {
    let line = tree.span().start().line;
    let kind = match tree {
        TokenTree::Group(group) => {
            tokens.push(Token { kind: TokenKind::Open(group.delimiter()), line });
            flatten(group.stream(), tokens);
            let line = group.span_close().end().line;
            tokens.push(Token { kind: TokenKind::Close(group.delimiter()), line });
            return;
        }
        TokenTree::Ident(ident) => TokenKind::Word(ident.to_string()),
        TokenTree::Punct(punct) => TokenKind::Mark(punct.as_char()),
        TokenTree::Literal(_) => TokenKind::Literal,
    };
    tokens.push(Token { kind, line });
}

/// Whether `trees` begins with `#[cfg(test)]`, or with a `cfg` that also asks for something else.
fn is_test_attribute(trees: &[TokenTree]) -> bool {
    let [TokenTree::Punct(mark), TokenTree::Group(attribute), ..] = trees else { return false };
    if mark.as_char() != '#' {
        return false;
    }
    let inside: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match inside.as_slice() {
        [TokenTree::Ident(name), TokenTree::Group(condition)] => name == "cfg" && asks_for_tests(condition),
        _ => false,
    }
}

fn asks_for_tests(condition: &Group) -> bool {
    let trees: Vec<TokenTree> = condition.stream().into_iter().collect();
    trees.iter().enumerate().any(|(index, tree)| match tree {
        TokenTree::Ident(name) => name == "test",
        TokenTree::Group(inner) => {
            let before = index.checked_sub(1).map(|before| trees[before].to_string());
            before.as_deref() == Some("all") && asks_for_tests(inner)
        }
        _ => false,
    })
}

/// First words of items; anything else that an attribute stands before ends at a comma.
const ITEMS: &[&str] =
    &["async", "const", "enum", "extern", "fn", "impl", "let", "macro_rules", "mod", "static", "struct", "trait"];
const ITEMS_UP_TO_A_SEMICOLON: &[&str] = &["const", "let", "static", "type", "use"];

/// The index behind the item that begins at `at`, after further attributes and a visibility.
fn end_of_item(trees: &[TokenTree], mut at: usize) -> usize {
    let mut first = None;
    while at < trees.len() {
        match &trees[at] {
            TokenTree::Punct(mark) if mark.as_char() == '#' && first.is_none() => at += 1,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return at + 1,
            TokenTree::Punct(mark) if mark.as_char() == ',' && !is_item(first.as_deref()) => return at + 1,
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !ends_at_a_semicolon(&first) => {
                return at + 1;
            }
            TokenTree::Ident(word) if first.is_none() && word != "pub" && word != "unsafe" => {
                let is_const_fn = word == "const" && trees.get(at + 1).is_some_and(|next| next.to_string() == "fn");
                first = Some(if is_const_fn { "fn".to_string() } else { word.to_string() });
            }
            _ => {}
        }
        at += 1;
    }
    at
}

fn ends_at_a_semicolon(first: &Option<String>) -> bool {
    first.as_deref().is_some_and(|word| ITEMS_UP_TO_A_SEMICOLON.contains(&word))
}

fn is_item(first: Option<&str>) -> bool {
    first.is_some_and(|word| ITEMS.contains(&word) || ITEMS_UP_TO_A_SEMICOLON.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let tokens = product_tokens(text).expect("it is Rust");
        tokens.iter().filter_map(Token::word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_for_tests_only_is_left_out() {
        for item in ["mod tests { fn b() {} }", "use b::{c, d};", "pub(crate) const fn b() {}", "const B: C = C { d };"]
        {
            assert_eq!(words(&format!("fn a() {{}} #[cfg(test)] {item} struct E;")), "fn a struct E", "{item}");
        }
        assert_eq!(words("#[cfg(all(test, unix))] #[expect(x)] mod b; mod c;"), "mod c");
        assert_eq!(words("struct A { #[cfg(test)] b: C<D>, e: F }"), "struct A e F");
    }

    #[test]
    fn what_is_for_anything_else_stays() {
        assert_eq!(words("#[cfg(not(test))] fn a() {}"), "cfg not test fn a");
        assert_eq!(words("#[cfg(unix)] fn a() {}"), "cfg unix fn a");
    }

    #[test]
    fn a_token_knows_its_line_and_a_bracket_its_end() {
        let tokens = product_tokens("fn a() {\n    b(c);\n}\n").expect("it is Rust");
        let open = tokens.iter().position(|token| token.is_open(Delimiter::Brace)).expect("there is one");
        assert_eq!((tokens[open].line, tokens[closing(&tokens, open)].line), (1, 3));
    }

    #[test]
    fn what_is_not_rust_has_none() {
        assert!(product_tokens("fn a( {").is_none());
    }
}
