//! YAML that kubectl reads back.

use serde_json::Value;

use crate::yaml::scalar::scalar;

/// `value` as YAML that kubectl reads back as the same: what YAML 1.1 takes for something else than a text is in quotes.
#[must_use]
pub fn write(value: &Value) -> String {
    if is_empty(value) {
        return format!("{}\n", flow(value));
    }
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

/// Whether there is nothing in it that would stand on a line of its own.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// A list or an object with something in it, a line for each entry.
fn block(value: &Value, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                out.extend([&pad, &text(name), ":"]);
                if let Some(lines) = literal(value) {
                    out.push_str(" |-\n");
                    for line in lines {
                        out.extend([&pad, "  ", line, "\n"]);
                    }
                } else if is_empty(value) {
                    out.extend([" ", &flow(value), "\n"]);
                } else {
                    out.push('\n');
                    block(value, if value.is_array() { indent } else { indent + 2 }, out);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let mut inner = String::new();
                if is_empty(item) {
                    inner.extend([&flow(item), "\n"]);
                } else {
                    block(item, indent + 2, &mut inner);
                }
                out.extend([&pad, "- ", inner.trim_start()]);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => out.push_str(&flow(value)),
    }
}

/// The lines of a text that stands as it is in a literal block: several, each of which can be seen and begins with no blank.
fn literal(value: &Value) -> Option<Vec<&str>> {
    let lines: Vec<&str> = value.as_str()?.split('\n').collect();
    let fits = |line: &&str| {
        !line.is_empty() && !line.starts_with(' ') && line.bytes().all(|byte| (0x20..0x7f).contains(&byte))
    };
    (lines.len() > 1 && lines.iter().all(fits)).then_some(lines)
}

/// A scalar, or a list or an object with nothing in it.
fn flow(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// A text: plain where that is read as the same, else in double quotes, as JSON has it.
fn text(string: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_./@ ".contains(c);
    let plain = string.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && !string.ends_with(' ')
        && string.chars().all(fits)
        && scalar(string, true, None).is_ok_and(|value| value.is_string());
    if plain { string.to_owned() } else { quoted(string) }
}

/// In double quotes, as JSON has it; what YAML takes for the end of a line, or for a mark, is written as its number.
fn quoted(string: &str) -> String {
    let escaped = |c: char| match c {
        '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    Value::from(string).to_string().chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::documents;
    use serde_json::json;

    #[test]
    fn writes_what_it_reads_back() {
        let value = json!({"a": "yes", "b": "0400", "c": 256, "d": [{"x": 1, "y": ["z", [], {}]}, "no", null, ["q"]],
            "k": {"l": "a: b\n- c", "m": ["a\nb", {"n": "x\n# y"}]}, "o": "a\n b", "p": "a\n",
            "e": {"f g": "a: b", "": " x ", "on": "a\nb\t\u{1f600}"}, "u": "a\u{2028}b\u{85}c\u{feff}", "f": [], "g": {}, "h": "1e3", "i": "2026-11-25", "j": "#x"});
        assert_eq!(
            documents(&write(&value))[0].content.as_ref().map(|(value, _)| value),
            Ok(&value),
            "{}",
            write(&value)
        );
        assert!(write(&value).starts_with("a: \"yes\"\nb: \"0400\"\nc: 256\n"), "{}", write(&value));
    }
}
