//! The modules of one crate: which file each lies in, what it defines, what it imports and uses.
//!
//! Read from tokens, without the compiler: a name is looked up as the language does, through re-exports and globs,
//! as far as it leads within the crate. Names that a macro makes, and methods, are not seen.

use std::collections::BTreeMap;

use proc_macro2::Delimiter;

use crate::tidy::tokens::{Token, TokenKind, closing, product_tokens};
use crate::tidy::tree::Tree;

/// A module's place below the crate's root, which is the empty one.
type ModulePath = Vec<String>;

/// Most re-exports that are followed for one name. Two globs may lead to each other.
const HOPS_MAX: usize = 16;

/// One crate's modules.
#[derive(Debug, Default)]
pub(super) struct Modules {
    modules: BTreeMap<ModulePath, Module>,
}

#[derive(Debug, Default)]
struct Module {
    file: String,
    /// Names that the module defines itself.
    items: Vec<String>,
    imports: Vec<Import>,
    paths: Vec<Use>,
}

/// One name that a `use` brings in, or all of a module's.
#[derive(Debug)]
struct Import {
    path: Use,
    /// The name in this module; `None` for a glob.
    name: Option<String>,
}

/// A path as it is written, and where.
#[derive(Clone, Debug)]
struct Use {
    segments: Vec<String>,
    line: usize,
}

/// An import from one file of a crate to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) source: String,
    pub(super) line: usize,
    pub(super) target: String,
}

/// The target of a path.
enum Found {
    Module(ModulePath),
    /// An item, by the module that defines it.
    Item(ModulePath),
}

impl Modules {
    /// Reads the crate whose root is the file `root`.
    pub(super) fn read(tree: &Tree, root: &str) -> Self {
        let mut modules = Self::default();
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        modules.read_file(tree, root, folder, Vec::new());
        modules
    }

    /// Every import from one file to another, the first of each pair.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (path, module) in &self.modules {
            let uses = module.imports.iter().map(|import| &import.path).chain(&module.paths);
            for used in uses {
                let Some(found) = self.resolve(path, &used.segments, 0) else { continue };
                let (Found::Module(target) | Found::Item(target)) = found;
                let target = &self.modules[&target].file;
                if *target != module.file {
                    edges.push(Edge { source: module.file.clone(), line: used.line, target: target.clone() });
                }
            }
        }
        edges.sort();
        edges.dedup_by(|next, first| next.source == first.source && next.target == first.target);
        edges
    }

    fn read_file(&mut self, tree: &Tree, file: &str, folder: &str, path: ModulePath) {
        let Some(tokens) = tree.text(file).and_then(product_tokens) else { return };
        let mut children = Vec::new();
        self.read_module(&tokens, file, path.clone(), &mut children);
        for child in children {
            let below = child[path.len()..].join("/");
            let stem = if folder.is_empty() { below } else { format!("{folder}/{below}") };
            let places = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
            if let Some(place) = places.iter().find(|place| tree.has(place)) {
                self.read_file(tree, place, &stem, child);
            }
        }
    }

    /// Reads one module's tokens. What it declares with `mod name;` is added to `children`.
    fn read_module(&mut self, tokens: &[Token], file: &str, path: ModulePath, children: &mut Vec<ModulePath>) {
        let mut module = Module { file: file.into(), ..Module::default() };
        let mut at = 0;
        let mut depth = 0_usize;
        while at < tokens.len() {
            at = match (tokens[at].word(), tokens.get(at + 1)) {
                (Some("use"), Some(next)) if !next.is_mark('<') => {
                    read_use(tokens, at + 1, &mut Vec::new(), &mut module.imports)
                }
                (Some("pub"), Some(next)) if next.is_open(Delimiter::Parenthesis) => closing(tokens, at + 1) + 1,
                (Some("mod"), Some(next)) if next.word().is_some() => {
                    let child: ModulePath =
                        path.iter().map(String::as_str).chain(next.word()).map(Into::into).collect();
                    if tokens.get(at + 2).is_some_and(|token| token.is_open(Delimiter::Brace)) {
                        let end = closing(tokens, at + 2);
                        self.read_module(&tokens[at + 3..end], file, child, children);
                        end + 1
                    } else {
                        children.push(child);
                        at + 3
                    }
                }
                (Some(word), _) => {
                    if depth == 0 {
                        module.items.extend(defined(word, &tokens[at + 1..]));
                    }
                    read_path(tokens, at, &mut module.paths)
                }
                (None, _) => {
                    match tokens[at].kind {
                        TokenKind::Open(_) => depth += 1,
                        TokenKind::Close(_) => depth -= 1,
                        _ => {}
                    }
                    at + 1
                }
            };
        }
        self.modules.insert(path, module);
    }

    /// The target of `segments` from the module at `from`, or `None` if it is outside the crate.
    fn resolve(&self, from: &[String], segments: &[String], hops: usize) -> Option<Found> {
        let (first, mut rest) = segments.split_first()?;
        let mut here: ModulePath = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.to_vec(),
            "super" => from.split_last()?.1.to_vec(),
            _ => {
                rest = segments;
                let child = [from, &segments[..1]].concat();
                self.modules.contains_key(&child).then(|| from.to_vec())?
            }
        };
        while let Some((next, behind)) = rest.split_first() {
            let child = [&here[..], &rest[..1]].concat();
            if next == "super" {
                here.pop();
            } else if next == "self" {
            } else if self.modules.contains_key(&child) {
                here = child;
            } else {
                match self.item(&here, next, hops + 1) {
                    Some(Some(Found::Module(module))) => here = module,
                    Some(item) => return item,
                    None => return Some(Found::Item(here)),
                }
            }
            rest = behind;
        }
        Some(Found::Module(here))
    }

    /// Where `name` of a module comes from: `None` if the module does not know it, and `Some(None)` if from outside.
    fn item(&self, here: &[String], name: &str, hops: usize) -> Option<Option<Found>> {
        let module = self.modules.get(here).filter(|_| hops < HOPS_MAX)?;
        if module.items.iter().any(|item| item == name) {
            return Some(Some(Found::Item(here.to_vec())));
        }
        if let Some(import) = module.imports.iter().find(|import| import.name.as_deref() == Some(name)) {
            return Some(self.resolve(here, &import.path.segments, hops));
        }
        module.imports.iter().filter(|import| import.name.is_none()).find_map(|glob| {
            let Some(Found::Module(source)) = self.resolve(here, &glob.path.segments, hops) else { return None };
            let child = [&source[..], &[name.to_string()]].concat();
            if self.modules.contains_key(&child) {
                return Some(Some(Found::Module(child)));
            }
            self.item(&source, name, hops + 1)
        })
    }
}

/// The name that an item's keyword `word` is followed by, if it is such a keyword.
fn defined(word: &str, behind: &[Token]) -> Option<String> {
    match word {
        "struct" | "enum" | "union" | "fn" | "const" | "static" | "trait" | "type" => {
            behind.first()?.word().map(Into::into)
        }
        "macro_rules" => behind.get(1)?.word().map(Into::into),
        _ => None,
    }
}

/// Reads the tree of a `use` from `at`, and returns the index behind it.
fn read_use(tokens: &[Token], mut at: usize, prefix: &mut Vec<String>, imports: &mut Vec<Import>) -> usize {
    let above = prefix.len();
    let mut alias = None;
    let mut is_leaf = true;
    let mut is_glob = false;
    let line = tokens.get(at).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(at) {
        match &token.kind {
            TokenKind::Word(word) if word == "as" => {
                alias = tokens.get(at + 1).and_then(Token::word).map(Into::into);
                at += 1;
            }
            TokenKind::Word(word) => prefix.push(word.clone()),
            TokenKind::Mark('*') => is_glob = true,
            TokenKind::Open(_) => {
                is_leaf = false;
                let end = closing(tokens, at);
                at += 1;
                while at < end {
                    at = read_use(&tokens[..end], at, prefix, imports);
                }
            }
            TokenKind::Mark(',' | ';') => {
                at += 1;
                break;
            }
            TokenKind::Close(_) => break,
            _ => {}
        }
        at += 1;
    }
    if is_leaf && prefix.len() + usize::from(is_glob) > above {
        let mut segments = prefix.clone();
        if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
            segments.pop();
        }
        let name = if is_glob { None } else { alias.or_else(|| segments.last().cloned()) };
        imports.push(Import { path: Use { segments, line }, name });
    }
    prefix.truncate(above);
    at
}

/// Reads a path of two names or more that begins at `at`, and returns the index behind it.
fn read_path(tokens: &[Token], at: usize, paths: &mut Vec<Use>) -> usize {
    let is_sep = |at: usize| tokens[at..].iter().take(2).filter(|token| token.is_mark(':')).count() == 2;
    let continues = at >= 1 && tokens[at - 1].is_mark('.') || at >= 2 && is_sep(at - 2);
    let mut segments = Vec::new();
    let mut end = at;
    while let Some(word) = tokens.get(end).and_then(Token::word) {
        segments.push(word.to_string());
        end += 1;
        if end >= tokens.len() || !is_sep(end) {
            break;
        }
        end += 2;
    }
    if segments.len() > 1 && !continues {
        paths.push(Use { segments, line: tokens[at].line });
    }
    end.max(at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The edges of a crate, each as `source -> target`.
    fn edges(files: &[(&str, &str)]) -> Vec<String> {
        let name = |path: &str| path.trim_start_matches("src/").trim_end_matches(".rs").to_string();
        let edges = Modules::read(&Tree::of(files), "src/lib.rs").edges();
        edges.iter().map(|edge| format!("{} -> {}", name(&edge.source), name(&edge.target))).collect()
    }

    #[test]
    fn an_import_leads_to_the_file_that_defines_the_name() {
        for text in [
            "use crate::b::B;",
            "use super::b::B;",
            "use crate::b::{self, C};",
            "use crate::{b::B as D};",
            "fn f() -> crate::b::B {}",
            "fn f() { assert!(crate::b::g()) }",
        ] {
            let files = [("src/lib.rs", "mod a; mod b;"), ("src/a.rs", text), ("src/b.rs", "pub struct B;")];
            assert_eq!(edges(&files), ["a -> b"], "{text}");
        }
    }

    #[test]
    fn re_exports_and_globs_are_followed() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use crate::b::{C, D};"),
            ("src/b.rs", "mod c; mod d; pub(crate) use c::C; pub(crate) use d::*;"),
            ("src/b/c.rs", "pub struct C;"),
            ("src/b/d.rs", "pub struct D;"),
        ];
        assert_eq!(edges(&files), ["a -> b/c", "a -> b/d", "b -> b/c", "b -> b/d"]);
    }

    #[test]
    fn a_child_and_its_parent_are_files_like_others() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a/mod.rs", "mod b; struct A(b::B);"),
            ("src/a/b.rs", "use super::A; use std::fmt;"),
        ];
        assert_eq!(edges(&files), ["a/b -> a/mod", "a/mod -> a/b"]);
    }

    #[test]
    fn what_is_declared_or_for_tests_or_of_another_crate_is_no_import() {
        let files = [
            ("src/lib.rs", "mod a; pub mod b;"),
            ("src/a.rs", "#[cfg(test)] mod tests { use crate::b::B; } use other::b::B; pub(in crate::b) struct A;"),
            ("src/b.rs", "use std::fmt; fn f(x: X) -> impl A + use<'_> { x.a::<u8>(); }"),
        ];
        assert_eq!(edges(&files), Vec::<String>::new());
    }

    #[test]
    fn a_module_inside_a_file_belongs_to_the_file() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "mod inner { use super::super::b::B; use super::A; } struct A;"),
            ("src/b.rs", "pub struct B;"),
        ];
        assert_eq!(edges(&files), ["a -> b"]);
    }
}
