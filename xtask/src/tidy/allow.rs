//! The exceptions: `xtask/tidy.toml`.
//!
//! ```toml
//! [[allow]]
//! rule = "length"
//! path = "aware/apostate-log/src/example.rs" # or a folder with all that it holds: "aware/apostate-log/"
//! contains = "words of the offending line"   # may be left out
//! reason = "why the rule does not serve the reader here"
//! ```

use toml::{Table, Value};

use crate::tidy::finding::Finding;

/// Where the exceptions stand, from the workspace's folder.
pub(super) const PATH: &str = "xtask/tidy.toml";

/// The exceptions, and how often each was needed.
#[derive(Debug)]
pub(super) struct AllowList {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    rule: String,
    path: String,
    contains: String,
    used: bool,
}

impl AllowList {
    /// Reads the list. Every entry says which rule, where, and why; nothing else is understood.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let mut entries = Vec::new();
        for (key, value) in &table {
            let Value::Array(list) = value else { return Err(format!("`{key}` is not a list")) };
            if key != "allow" {
                return Err(format!("there is no list `{key}`"));
            }
            for item in list {
                entries.push(entry(item)?);
            }
        }
        Ok(Self { entries })
    }

    /// Whether an exception covers `finding`.
    pub(super) fn allows(&mut self, rule: &str, finding: &Finding) -> bool {
        let mut allowed = false;
        for entry in &mut self.entries {
            if entry.rule == rule && entry.covers(&finding.path) && finding.excerpt.contains(&entry.contains) {
                entry.used = true;
                allowed = true;
            }
        }
        allowed
    }

    /// How many exceptions were needed.
    pub(super) fn used(&self) -> usize {
        self.entries.iter().filter(|entry| entry.used).count()
    }

    /// A finding for each exception that was not.
    pub(super) fn idle(&self, rules: &[&str]) -> Vec<Finding> {
        let idle = self.entries.iter().filter(|entry| !entry.used);
        idle.map(|entry| {
            let message = if rules.contains(&entry.rule.as_str()) {
                format!("nothing in {} needs this exception from `{}` any more; delete it", entry.path, entry.rule)
            } else {
                format!("there is no rule `{}`", entry.rule)
            };
            Finding::refused(PATH, 1, &entry.contains, message)
        })
        .collect()
    }
}

impl Entry {
    fn covers(&self, path: &str) -> bool {
        path == self.path || self.path.ends_with('/') && path.starts_with(&self.path)
    }
}

fn entry(item: &Value) -> Result<Entry, String> {
    let Value::Table(table) = item else { return Err("an entry of `allow` is not a table".into()) };
    if let Some(key) = table.keys().find(|key| !["rule", "path", "contains", "reason"].contains(&key.as_str())) {
        return Err(format!("an entry has no field `{key}`"));
    }
    let text = |name: &str| table.get(name).and_then(Value::as_str).map(str::trim);
    let wanted = |name: &str| match text(name) {
        Some(text) if !text.is_empty() => Ok(text.to_string()),
        _ => Err(format!("an entry says no `{name}`")),
    };
    wanted("reason")?;
    Ok(Entry {
        rule: wanted("rule")?,
        path: wanted("path")?,
        contains: text("contains").unwrap_or_default().into(),
        used: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        let error = AllowList::parse("[[allow]]\nrule = \"length\"\npath = \"a.rs\"\nreason = \" \"").expect_err("no");
        assert!(error.contains("reason"), "{error}");
    }

    #[test]
    fn a_misspelt_field_or_list_is_refused() {
        let field = "[[allow]]\nrule = \"length\"\npath = \"a.rs\"\nreason = \"r\"\ncontain = \"x\"";
        assert!(AllowList::parse(field).expect_err("no").contains("`contain`"));
        assert!(AllowList::parse("[[alow]]\nrule = \"length\"").expect_err("no").contains("`alow`"));
    }

    #[test]
    fn an_entry_for_another_file_or_rule_or_line_does_not_count() {
        let text = "[[allow]]\nrule = \"length\"\npath = \"a.rs\"\ncontains = \"x\"\nreason = \"r\"";
        let mut list = AllowList::parse(text).expect("well formed");
        assert!(!list.allows("length", &Finding::refused("b.rs", 1, "x", "")));
        assert!(!list.allows("story", &Finding::refused("a.rs", 1, "x", "")));
        assert!(!list.allows("length", &Finding::refused("a.rs", 1, "y", "")));
        assert!(list.allows("length", &Finding::refused("a.rs", 1, "wxyz", "")));
        assert_eq!(list.used(), 1);
    }

    #[test]
    fn an_entry_for_a_folder_covers_what_it_holds() {
        let text = "[[allow]]\nrule = \"words\"\npath = \"a/b/\"\nreason = \"r\"";
        let mut list = AllowList::parse(text).expect("well formed");
        assert!(list.allows("words", &Finding::refused("a/b/c/d.rs", 1, "x", "")));
        assert!(!list.allows("words", &Finding::refused("a/bc.rs", 1, "x", "")));
    }
}
