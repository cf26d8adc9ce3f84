//! The rules by their names, and what a user wants of them: to skip one, to weigh it otherwise, or to know only what is new.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{finding::Severity, judge::Judged};

/// The pages whose tables have the rules: what is said, the rule, and what it means.
const PAGES: [(&str, &str); 2] = [
    ("troubleshooting", include_str!("../../docs/troubleshooting.md")),
    ("check", include_str!("../../docs/check.md")),
];

/// Where the pages are.
const DOCS: &str = "https://github.com/example/azure-workload-identity-policy/blob/main/docs";

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// What it means, and what to do.
    pub description: String,
    /// The page that has it.
    pub link: String,
}

/// All rules that the pages have.
#[must_use]
pub fn all() -> Vec<Rule> {
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    for (page, text) in PAGES {
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [_, rule, meaning] = cells[..] else { continue };
            let Some(name) = rule.strip_prefix('`').and_then(|rule| rule.strip_suffix('`')) else { continue };
            let is_name = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            if is_name {
                let rule = Rule {
                    name: name.to_owned(),
                    description: plain(meaning),
                    link: format!("{DOCS}/{page}.md"),
                };
                rules.entry(name.to_owned()).or_insert(rule);
            }
        }
    }
    rules.into_values().collect()
}

/// Markdown without its links and marks.
fn plain(markdown: &str) -> String {
    let mut text = markdown.split(" [Try it]").next().unwrap_or_default().to_owned();
    while let (Some(end), Some(close)) =
        (text.find("]("), text.find("](").and_then(|at| text.get(at..)?.find(')').map(|length| at + length)))
    {
        let Some(start) = text.get(..end).and_then(|before| before.rfind('[')) else { break };
        let inner = text.get(start + 1..end).unwrap_or_default().to_owned();
        text.replace_range(start..=close, &inner);
    }
    text.replace(['`', '*'], "")
}

/// What a rule counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What can't be told.
    Unknown,
    /// A warning.
    Warning,
    /// An error.
    Error,
}

/// What a user wants of the rules.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// What each rule counts as, where that is not the policy's own severity.
    pub levels: BTreeMap<String, Level>,
    /// The fingerprints of what was known before.
    pub baseline: BTreeSet<String>,
}

impl Rules {
    /// Applies them. What the policy refuses is refused whatever it is weighed as: an API server does not read these rules. Returns how many
    /// findings were known before.
    pub fn apply(&self, judged: &mut Judged) -> usize {
        for finding in &mut judged.findings {
            match self.levels.get(&finding.rule) {
                Some(Level::Unknown) => finding.severity = Severity::Unknown,
                Some(Level::Warning) => finding.severity = Severity::Warning,
                Some(Level::Error) => finding.severity = Severity::Error,
                Some(Level::Off) | None => {}
            }
        }
        let before = judged.findings.len();
        judged.keep(|finding| self.levels.get(&finding.rule) != Some(&Level::Off));
        let skipped = before - judged.findings.len();
        judged.keep(|finding| !self.baseline.contains(&finding.fingerprint()));
        before - skipped - judged.findings.len()
    }
}

/// The rule that a name is meant for.
///
/// # Errors
/// No rule has the name: what is said of it.
pub fn known(name: &str) -> Result<(), String> {
    let all = all();
    if all.iter().any(|rule| rule.name == name) {
        return Ok(());
    }
    let nearest = all.iter().map(|rule| (strsim::damerau_levenshtein(&rule.name, name), &rule.name)).min();
    let meant = nearest
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, name)| format!(", did you mean {name}?"))
        .unwrap_or_default();
    Err(format!("there is no rule {name:?}{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_each_rule_of_the_pages_in_plain_words() {
        let all = all();
        assert!(all.len() > 50, "{}", all.len());
        for name in ["no-label", "client-id-malformed", "account-not-given", "unquoted"] {
            assert_eq!(known(name), Ok(()));
        }
        assert_eq!(known("no-labels").unwrap_err(), "there is no rule \"no-labels\", did you mean no-label?");
        assert!(
            all.iter().all(|rule| !rule.description.is_empty() && !rule.description.contains("](")),
            "{all:?}"
        );
    }
}
