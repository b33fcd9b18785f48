//! The files that the rules read: everything that a person writes here.
//!
//! The tree is walked, not asked of git, so that a source archive can be checked too. Folders that hold output or
//! belong to a tool are left out.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use crate::failure::Failure;
use crate::tidy::packages::Package;

/// Endings of files that a person writes.
const ENDINGS: &[&str] = &["rs", "md", "toml", "sh", "yml", "yaml", "stderr"];

/// Folders at the root whose files nobody wrote.
const OUTPUTS: &[&str] = &["target", "data"];

/// Hidden folders that are ours.
const HIDDEN: &[&str] = &[".ci", ".cargo", ".github"];

/// Everything that the rules may know.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Files to read, ordered by path.
    pub(super) files: Vec<File>,
    /// The workspace's packages.
    pub(super) packages: Vec<Package>,
    /// Every file and folder there is, also those that no rule reads.
    paths: BTreeSet<String>,
}

/// One file. Its path is relative to the workspace and has `/` between its parts.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    pub(super) fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// The lines with their numbers, counted from one.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

impl Tree {
    /// Reads the tree below `root`.
    pub(super) fn read(root: &Path) -> Result<Self, Failure> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        tree.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(tree)
    }

    /// A tree made up by a test.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            for (end, _) in path.match_indices('/') {
                tree.paths.insert(path[..end].into());
            }
            tree.paths.insert(path.to_string());
            tree.files.push(File { path: path.to_string(), text: text.to_string() });
        }
        tree
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<(), Failure> {
        let unreadable = |source: io::Error| Failure::Unreadable { path: folder.into(), source };
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
            if entry.file_type().map_err(unreadable)?.is_dir() {
                if is_ours(&path, &name) {
                    self.walk(&entry.path(), &path)?;
                    self.paths.insert(path);
                }
            } else {
                if is_written(&path) {
                    let text = fs::read_to_string(entry.path())
                        .map_err(|source| Failure::Unreadable { path: entry.path(), source })?;
                    self.files.push(File { path: path.clone(), text });
                }
                self.paths.insert(path);
            }
        }
        Ok(())
    }
}

fn is_ours(path: &str, name: &str) -> bool {
    !OUTPUTS.contains(&path) && (!name.starts_with('.') || HIDDEN.contains(&path))
}

fn is_written(path: &str) -> bool {
    path.starts_with(".ci/") || path.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_the_folders_of_tools_are_left_out() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for path in ["target/a.rs", ".git/b.md", ".ci/run", "docs/target/c.md", "docs/picture.png"] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
            fs::write(path, "text\n").expect("a file");
        }
        let tree = Tree::read(root.path()).expect("readable");
        let read: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(read, [".ci/run", "docs/target/c.md"]);
        assert!(tree.has("docs/picture.png") && tree.has("docs"));
        assert!(!tree.has("target"));
    }
}
