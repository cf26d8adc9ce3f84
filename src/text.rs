//! Text from outside, before it stands in a message. In: any text. Out: the same quoted, escaped or cut. It knows nothing of what the
//! text is.

/// `text` in quotes, escaped, and cut to what a message can bear.
#[must_use]
pub(crate) fn quote(text: &str) -> String {
    quote_to(text, 80)
}

/// `text` in quotes, escaped, and cut to `max` characters.
#[must_use]
pub(crate) fn quote_to(text: &str, max: usize) -> String {
    let mut quoted = String::from("\"");
    for c in cut_middle(text, max).chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `text` without control characters.
#[must_use]
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// `text`, with its middle cut out where it is longer than `max` characters.
#[must_use]
pub(crate) fn cut_middle(text: &str, max: usize) -> String {
    let length = text.chars().count();
    if length <= max {
        return text.to_owned();
    }
    let head = max.saturating_sub(1) / 2;
    let tail = max.saturating_sub(1) - head;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// The one of `known` that `name` was most likely meant to be.
#[must_use]
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let name = cut_middle(name, 128);
    known.min_by_key(|known| strsim::levenshtein(&name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_cuts_what_was_found() {
        assert_eq!(quote("${CLIENT_ID}"), r#""${CLIENT_ID}""#);
        assert_eq!(quote("a\n\"b\"'"), r#""a\n\"b\"'""#);
        assert_eq!(quote_to("abcdefghij", 5), "\"ab…ij\"");
    }
}
