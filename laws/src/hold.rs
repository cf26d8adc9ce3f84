//! What must hold for every answer.

#![allow(clippy::indexing_slicing)] // fields of JSON objects: what is not there is null

use std::collections::BTreeMap;

use serde_json::Value;

/// The law that an answer breaks, in words; `log` are the lines that came with it.
///
/// # Errors
/// A law does not hold.
pub fn answer(response: &Value, log: &[Value]) -> Result<(), String> {
    let message = response["message"].as_str().unwrap_or_default();
    let warnings = texts(&response["warnings"]);
    let logged = log.iter().map(Value::to_string);
    ensure(response["accepted"].is_boolean(), "it is neither accepted nor refused")?;
    ensure(
        (response["accepted"] == true) == message.is_empty(),
        "a refusal has a message, and nothing else has",
    )?;
    ensure(
        response["accepted"] == true || response.get("mutated_object").is_none(),
        "a refusal changes nothing",
    )?;
    ensure(message.len() <= 4_096, "a refusal is longer than 4 KB")?;
    ensure(
        warnings.iter().all(|warning| warning.chars().count() <= 256),
        "a warning is longer than 256 characters",
    )?;
    let all = warnings.iter().map(|warning| warning.chars().count()).sum::<usize>();
    ensure(all <= 4_096, "the warnings together are longer than what the API server sends")?;
    ensure(message.lines().all(is_printable), "the message has a character that can't be seen")?;
    ensure(
        warnings.iter().all(|warning| is_printable(warning)),
        "a warning has a character that can't be seen",
    )?;
    let audit = response["audit_annotations"].as_object().into_iter().flatten();
    ensure(
        audit.into_iter().all(|(_, value)| is_printable(value.as_str().unwrap_or("\n"))),
        "an audit annotation has a character that can't be seen",
    )?;
    // A log line is JSON, in which a line break is an escape.
    ensure(
        logged.into_iter().all(|line| is_printable(&line) && line.len() < 16_384),
        "a log line has a character that can't be seen, or is too long",
    )?;
    for line in message.lines().filter(|line| line.starts_with("kubectl")) {
        ensure(is_one_command(line), &format!("not one plain command: {line}"))?;
    }
    Ok(())
}

/// Whether `text` is what `pattern` says, in which `…` stands for any text: a row of docs/troubleshooting.md.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = parts.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// The law that a changed pod breaks: no container has a variable or a mount path twice that it did not have twice before.
///
/// # Errors
/// It has.
pub fn nothing_twice(before: &Value, after: &Value) -> Result<(), String> {
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let old = containers(before, list);
        for (name, container) in containers(after, list) {
            let was = old.get(&name);
            for (entries, key) in [("env", "name"), ("volumeMounts", "mountPath")] {
                let counted = count(container, entries, key);
                let before = was.map(|was| count(was, entries, key)).unwrap_or_default();
                let twice =
                    counted.iter().find(|(value, times)| **times > *before.get(*value).unwrap_or(&1).max(&1));
                ensure(twice.is_none(), &format!("container {name}: {entries} {twice:?} comes twice"))?;
            }
        }
    }
    Ok(())
}

/// The law that the traces of an accepted pod break: each audit annotation is true of the pod as it comes out.
///
/// # Errors
/// An annotation gives a value that no container has, or a container has a value that no annotation gives.
pub fn audit_is_true(response: &Value, pod: &Value) -> Result<(), String> {
    let audit = &response["audit_annotations"];
    if response["accepted"] != true || !audit.is_object() {
        return Ok(());
    }
    let lists = ["initContainers", "containers", "ephemeralContainers"].into_iter();
    let all: Vec<&Value> = lists.filter_map(|list| pod["spec"][list].as_array()).flatten().collect();
    // Of several of one name its processes see the last one.
    let last = |container: &Value, name: &str| {
        let env = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
        env.iter()
            .rev()
            .find(|env| env["name"] == name)
            .and_then(|env| env["value"].as_str().map(str::to_owned))
    };
    for (annotation, others, variable) in [
        ("client-id", "container-identities", "AZURE_CLIENT_ID"),
        ("tenant-id", "container-tenants", "AZURE_TENANT_ID"),
    ] {
        let is = |found: Option<String>, id: &str| found.is_some_and(|found| found.eq_ignore_ascii_case(id));
        if let Some(id) = audit[annotation].as_str() {
            let held = all.iter().any(|container| is(last(container, variable), id));
            ensure(held, &format!("no container has the {annotation} {id}"))?;
        }
        for (name, id) in
            audit[others].as_str().unwrap_or_default().split("; ").filter_map(|one| one.split_once('='))
        {
            // Two of one name are refused by the API server, and so is a name that is not a valid label.
            let is_name =
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if !is_name {
                continue;
            }
            let mut called = all.iter().filter(|container| container["name"] == name).peekable();
            let unknown = called.peek().is_none() || id == "?";
            ensure(
                unknown || called.any(|container| is(last(container, variable), id)),
                &format!("{name} does not have {id}"),
            )?;
        }
    }
    Ok(())
}

fn ensure(holds: bool, law: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(law.to_owned()) }
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn containers<'p>(pod: &'p Value, list: &str) -> BTreeMap<String, &'p Value> {
    let all = pod.get("spec").and_then(|spec| spec.get(list)).and_then(Value::as_array).into_iter().flatten();
    // Containers without a name can't be distinguished, so they are left out.
    all.filter_map(|container| Some((container["name"].as_str()?.to_owned(), container))).collect()
}

fn count<'c>(container: &'c Value, entries: &str, key: &str) -> BTreeMap<&'c str, usize> {
    let mut counted = BTreeMap::new();
    for entry in container[entries].as_array().into_iter().flatten() {
        *counted.entry(entry[key].as_str().unwrap_or_default()).or_default() += 1;
    }
    counted
}

/// Whether each character of a line can be seen for what it is (Unicode's categories Cc, Cf, Zl, Zp, and Zs but the blank).
#[must_use]
pub fn is_printable(line: &str) -> bool {
    let hidden = |c: char| {
        c.is_control()
            || (c.is_whitespace() && c != ' ')
            || matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{180e}')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
            || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'..='\u{e007f}')
    };
    !line.chars().any(hidden)
}

/// Whether a POSIX shell reads the line as one command whose words are what they look like: no expansion, no redirection, no second
/// command. Between single quotes anything may stand; outside them, only what no shell touches, and `\'`.
#[must_use]
pub fn is_one_command(line: &str) -> bool {
    let (mut quoted, mut chars) = (false, line.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '\\' => {
                if chars.next() != Some('\'') {
                    return false;
                }
            }
            c if c.is_ascii_alphanumeric() || " -_./:@=,".contains(c) => {}
            _ => return false,
        }
    }
    !quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tells_one_command_from_more() {
        for line in
            ["kubectl get pods -n a", r"kubectl annotate sa 'x; y' a/b=c", r"kubectl get sa 'it'\''s'"]
        {
            assert!(is_one_command(line), "{line}");
        }
        for line in
            ["kubectl get sa x; y", "kubectl a=<id>", "kubectl $X", "kubectl 'x", "kubectl a\\b", "kubectl *"]
        {
            assert!(!is_one_command(line), "{line}");
        }
    }

    #[test]
    fn tells_what_can_not_be_seen_and_what_comes_twice() {
        assert!(is_printable("Pod a/b: „x“ 漢") && !is_printable("a\u{200b}") && !is_printable("a\u{1b}"));
        let pod = |env: Value| json!({"spec": {"containers": [{"name": "a", "env": env}]}});
        let (one, two) = (pod(json!([{"name": "A"}])), pod(json!([{"name": "A"}, {"name": "A"}])));
        assert_eq!(nothing_twice(&one, &two).map_err(|broken| broken.contains("twice")), Err(true));
        assert_eq!((nothing_twice(&two, &two), nothing_twice(&two, &one)), (Ok(()), Ok(())));
        let long = json!({"accepted": false, "message": "x".repeat(4_097)});
        assert_eq!(answer(&long, &[]).map_err(|broken| broken.contains("longer than 4 KB")), Err(true));
        let hidden = json!({"accepted": true, "warnings": ["a\tb"]});
        assert_eq!(answer(&hidden, &[]).map_err(|broken| broken.contains("can't be seen")), Err(true));
        assert_eq!(answer(&json!({"accepted": true}), &[]), Ok(()));
    }

    #[test]
    fn tells_a_trace_that_is_true_from_one_that_is_not() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "env": [{"name": "AZURE_CLIENT_ID", "value": "x"}, {"name": "AZURE_CLIENT_ID", "value": "y"}]},
            {"name": "b", "env": [{"name": "AZURE_TENANT_ID", "value": "T"}]}]}});
        let holds =
            |audit: Value| audit_is_true(&json!({"accepted": true, "audit_annotations": audit}), &pod);
        assert_eq!(
            holds(json!({"client-id": "Y", "tenant-id": "t", "container-identities": "a=y; b=?"})),
            Ok(())
        );
        for (audit, law) in [
            (json!({"client-id": "x"}), "no container has the client-id x"),
            (json!({"tenant-id": "y"}), "no container has the tenant-id y"),
            (json!({"container-tenants": "b=u"}), "b does not have u"),
        ] {
            assert_eq!(holds(audit), Err(law.to_owned()));
        }
    }
}
