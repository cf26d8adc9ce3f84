//! What happened to an object, as a person wants to read it.

use std::{
    collections::{HashMap, HashSet},
    io::{Result, Write},
};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use crate::{
    accounts::Accounts,
    host::GetResource,
    manifests::{kind, name_of, use_label},
    response::AdmissionResponse,
};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Writes the result for `object`; `after` is the object as the API server would store it, `why_untouched` what is to be said
/// of a pod that is the same after as before, or of what was not found.
///
/// # Errors
/// The output can't be written.
pub fn object(
    out: &mut dyn Write,
    namespace: &str,
    object: &Value,
    after: &Value,
    response: &AdmissionResponse,
    why_untouched: Option<&str>,
) -> Result<()> {
    let star = if object.pointer("/metadata/name").is_none() { "*" } else { "" };
    let title = format!("{} {namespace}/{}{star}", kind(object), name_of(object));
    match (response.allowed, object == after) {
        (false, _) => {
            writeln!(out, "{title}: {BAD}refused{BAD:#}")?;
            for line in response.message().lines() {
                writeln!(out, "  {line}")?;
            }
            if let Some(why) = why_untouched {
                writeln!(out, "  {FAINT}{why}{FAINT:#}")?;
            }
        }
        (true, true) => {
            writeln!(out, "{title}: {FAINT}allowed, untouched{FAINT:#}")?;
            if let Some(why) = why_untouched {
                writeln!(out, "  {FAINT}{why}{FAINT:#}")?;
            }
        }
        (true, false) => {
            writeln!(out, "{title}: {GOOD}allowed, with its identity{GOOD:#}")?;
            if let Some(annotations) = &response.audit_annotations {
                for (name, value) in annotations {
                    writeln!(out, "  {name}: {value}")?;
                }
            }
            additions(out, object, after)?;
        }
    }
    for warning in response.warnings.iter().flatten() {
        writeln!(out, "  {CAUTION}warning{CAUTION:#}: {warning}")?;
    }
    Ok(())
}

fn additions(out: &mut dyn Write, before: &Value, after: &Value) -> Result<()> {
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
                writeln!(out, "  container {name}: {FAINT}nothing added{FAINT:#}")?;
                continue;
            }
            let new = if was.is_null() { " (new)" } else { "" };
            writeln!(out, "  container {name}{new}")?;
            for env in env {
                writeln!(out, "    {GOOD}+{GOOD:#} env {}={}", field(env, "name"), field(env, "value"))?;
            }
            for mount in mounts {
                let mode =
                    if mount.get("readOnly") == Some(&Value::Bool(true)) { "read-only" } else { "writable" };
                writeln!(
                    out,
                    "    {GOOD}+{GOOD:#} mount {} at {} ({mode})",
                    field(mount, "name"),
                    field(mount, "mountPath")
                )?;
            }
        }
    }
    volumes(out, before, after)
}

fn volumes(out: &mut dyn Write, before: &Value, after: &Value) -> Result<()> {
    for volume in added(
        before.get("spec").unwrap_or(&Value::Null),
        after.get("spec").unwrap_or(&Value::Null),
        "volumes",
    ) {
        writeln!(out, "  {GOOD}+{GOOD:#} volume {}", field(volume, "name"))?;
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

/// For a pod that the policy does not change: the reason, unless the answer's warnings already give it. For an object that is refused
/// or warned about because its ServiceAccount was not found: where it was looked for. `None` for other objects, and if a warning
/// already covers it.
#[must_use]
pub fn why_untouched(
    request: &Value,
    look_ups: &[GetResource],
    accounts: &Accounts,
    response: &AdmissionResponse,
) -> Option<String> {
    let not_found = || look_ups.first().and_then(|look_up| accounts.not_found(look_up));
    if !response.allowed {
        return not_found();
    }
    let object = request.get("object").filter(|object| kind(object) == "Pod")?;
    if response.audit_annotations.is_some() {
        return Some("it has its identity already".to_owned());
    }
    if use_label(object) == Some("false") {
        return Some("its label azure.workload.identity/use is \"false\"".to_owned());
    }
    if response.warnings.is_some() {
        return None;
    }
    Some(match not_found() {
        Some(text) => format!("can't tell: the pod has no label, and its {text}"),
        None => "neither the pod nor its ServiceAccount has the label".to_owned(),
    })
}
