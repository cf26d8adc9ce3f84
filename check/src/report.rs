//! What happened to an object, as a person wants to read it.

use std::{
    collections::{HashMap, HashSet},
    fmt::{Result, Write},
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::{
    finding::{Finding, Severity},
    judge::{Entry, Judged, Outcome},
    kinds::is_account,
    question::About,
};

/// The styles of a report.
#[derive(Debug, Clone, Copy)]
pub struct Styles {
    good: Style,
    bad: Style,
    caution: Style,
    faint: Style,
}

impl Styles {
    /// With colours.
    pub const COLOURED: Self = Self {
        good: AnsiColor::Green.on_default().bold(),
        bad: AnsiColor::Red.on_default().bold(),
        caution: AnsiColor::Yellow.on_default().bold(),
        faint: Style::new().dimmed(),
    };

    /// Without.
    pub const PLAIN: Self =
        Self { good: Style::new(), bad: Style::new(), caution: Style::new(), faint: Style::new() };
}

/// Whether an entry is worth a line: a ServiceAccount among others, of which there is nothing to say, is not.
#[must_use]
pub fn speaks(judged: &Judged, entry: &Entry) -> bool {
    let is_quiet = match entry.about {
        About::Whole => {
            is_account(&entry.before) && judged.objects.len() > 1 && entry.outcome != Outcome::Refused
        }
        About::Metadata | About::Stray(_) | About::MadeAccount => true,
        About::Workload | About::PodOfWorkload | About::Pod => false,
    };
    !is_quiet || !entry.findings.is_empty()
}

/// The result for an entry, in words.
#[must_use]
pub fn entry(judged: &Judged, entry: &Entry, styles: &Styles) -> String {
    let mut out = String::new();
    // Writing to a text cannot fail.
    let _ = write_entry(&mut out, judged, entry, styles);
    out
}

fn write_entry(out: &mut String, judged: &Judged, entry: &Entry, styles: &Styles) -> Result {
    let Styles { good, bad, faint, .. } = styles;
    let title = &entry.title;
    if let Some(heading) = &entry.heading {
        writeln!(out, "{faint}{heading}{faint:#}")?;
    }
    match (&entry.about, entry.outcome) {
        (About::Metadata | About::Stray(_) | About::MadeAccount, _) => writeln!(out, "{title}:")?,
        (_, Outcome::Refused) => writeln!(out, "{title}: {bad}refused{bad:#}")?,
        (_, Outcome::Untouched) => writeln!(out, "{title}: {faint}allowed, untouched{faint:#}")?,
        (_, Outcome::Identity) => {
            writeln!(out, "{title}: {good}allowed, with its identity{good:#}")?;
            for (name, value) in &entry.audit {
                writeln!(out, "  {name}: {value}")?;
            }
            additions(out, &entry.before, &entry.after, styles)?;
        }
    }
    let of = |numbers: &[usize]| {
        numbers.iter().filter_map(|number| judged.findings.get(*number)).collect::<Vec<_>>()
    };
    for finding in of(&entry.findings) {
        write_finding(out, finding, &title.to_string(), styles)?;
    }
    if entry.omitted > 0 {
        writeln!(out, "  and {} more like these", entry.omitted)?;
    }
    let refused = of(&entry.elsewhere).into_iter().filter(|finding| {
        finding.severity == Severity::Error && entry.outcome == Outcome::Refused && finding.object != *title
    });
    for finding in refused {
        writeln!(out, "  {faint}{} ({}): see there{faint:#}", finding.object, finding.location)?;
    }
    if entry.outcome == Outcome::Refused && entry.findings.is_empty() && entry.elsewhere.is_empty() {
        writeln!(out, "  {faint}for what --skip or a baseline leaves out{faint:#}")?;
    }
    if let Some(why) = &entry.why {
        writeln!(out, "  {faint}{why}{faint:#}")?;
    }
    Ok(())
}

/// A finding of an entry with this title, and where it is.
fn write_finding(out: &mut String, finding: &Finding, title: &str, styles: &Styles) -> Result {
    let Styles { bad, caution, faint, .. } = styles;
    let style = if finding.severity == Severity::Error { bad } else { caution };
    let object = finding.object.to_string();
    let about = if object.is_empty() || object == title { String::new() } else { format!("{object}: ") };
    let sentence = finding.sentence().replace('\n', "\n  ");
    writeln!(out, "  {style}{}{style:#}: {about}{sentence}", finding.severity.word())?;
    if finding.location.is_known() {
        writeln!(out, "    {faint}at {}{faint:#}", finding.location)?;
    }
    Ok(())
}

/// A finding that belongs to no entry, in words: with its place before it.
#[must_use]
pub fn finding(finding: &Finding, styles: &Styles) -> String {
    let style = if finding.severity == Severity::Error { styles.bad } else { styles.caution };
    let object = finding.object.to_string();
    let about = if object.is_empty() { String::new() } else { format!("{object}: ") };
    format!(
        "{style}{}{style:#}: {}: {about}{}",
        finding.severity.word(),
        finding.location,
        finding.sentence().replace('\n', "\n  ")
    )
}

/// What a pod gets, a line each.
#[must_use]
pub fn added_lines(before: &Value, after: &Value) -> Vec<String> {
    let mut out = String::new();
    let _ = additions(&mut out, before, after, &Styles::PLAIN);
    out.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned()).collect()
}

fn additions(out: &mut String, before: &Value, after: &Value, styles: &Styles) -> Result {
    let Styles { good, faint, .. } = styles;
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        // Of two of one name the first one counts.
        let before: HashMap<Option<&Value>, &Value> =
            items(before, &["spec", list]).iter().rev().map(|was| (was.get("name"), was)).collect();
        for container in items(after, &["spec", list]) {
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let was = before.get(&container.get("name")).copied().unwrap_or(&Value::Null);
            let env = added(was, container, "env");
            let mounts = added(was, container, "volumeMounts");
            if env.is_empty() && mounts.is_empty() && !was.is_null() {
                writeln!(out, "  container {name}: {faint}nothing added{faint:#}")?;
                continue;
            }
            let new = if was.is_null() { " (new)" } else { "" };
            writeln!(out, "  container {name}{new}")?;
            for env in env {
                writeln!(out, "    {good}+{good:#} env {}={}", field(env, "name"), field(env, "value"))?;
            }
            for mount in mounts {
                let mode =
                    if mount.get("readOnly") == Some(&Value::Bool(true)) { "read-only" } else { "writable" };
                writeln!(
                    out,
                    "    {good}+{good:#} mount {} at {} ({mode})",
                    field(mount, "name"),
                    field(mount, "mountPath")
                )?;
            }
        }
    }
    volumes(out, before, after, styles)
}

fn volumes(out: &mut String, before: &Value, after: &Value, styles: &Styles) -> Result {
    let Styles { good, .. } = styles;
    for volume in added(
        before.get("spec").unwrap_or(&Value::Null),
        after.get("spec").unwrap_or(&Value::Null),
        "volumes",
    ) {
        writeln!(out, "  {good}+{good:#} volume {}", field(volume, "name"))?;
        for source in items(volume, &["projected", "sources"]) {
            if let Some(token) = source.get("serviceAccountToken") {
                let (audience, seconds, path) =
                    (field(token, "audience"), field(token, "expirationSeconds"), field(token, "path"));
                writeln!(out, "      ServiceAccount token: audience {audience}, {seconds} s, path {path}")?;
            } else {
                writeln!(out, "      {source}")?;
            }
        }
    }
    Ok(())
}

fn items<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    let found = path.iter().try_fold(value, |value, name| value.get(name));
    found.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn added<'v>(before: &Value, after: &'v Value, list: &str) -> Vec<&'v Value> {
    let was: HashSet<&Value> = items(before, &[list]).iter().collect();
    items(after, &[list]).iter().filter(|item| !was.contains(item)).collect()
}

fn field(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}
