//! A file's text, and its documents as kubectl splits them (`k8s.io/apimachinery`, `pkg/util/yaml`, `YAMLReader`).

use super::Mark;

/// The text of a file: UTF-8 or UTF-16, with a byte order mark or without.
///
/// # Errors
/// Bytes that are neither.
pub fn decode(bytes: &[u8]) -> Result<String, &'static str> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        String::from_utf16(&units).map_err(|_| "not UTF-16, though it begins like it")
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0, first, ..] if *first != 0 => wide(bytes, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        _ => std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "neither UTF-8 nor UTF-16"),
    }
}

/// A part of a file that kubectl reads as one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part<'t> {
    pub(crate) text: &'t str,
    /// The lines, the characters of its first line, and the bytes before it.
    pub(crate) lines: usize,
    pub(crate) columns: usize,
    pub(crate) offset: usize,
}

impl Part<'_> {
    /// Where it begins.
    pub(crate) fn start(&self) -> Mark {
        Mark { line: self.lines + 1, column: self.columns + 1, offset: self.offset }
    }
}

/// The text cut at the lines that are `---` and no more than blanks or a comment. The first mark, with nothing before it, stays in its part.
/// A line that begins with `---` and goes on is an error of kubectl's, and so is all before it up to the mark above: its place.
pub(crate) fn parts(whole: Part<'_>) -> Vec<Result<Part<'_>, Mark>> {
    let text = whole.text;
    let mut parts = Vec::new();
    let (mut lines, mut from, mut end) = (whole.lines, 0, 0);
    let part = |from, end, lines| {
        let columns = if from == 0 { whole.columns } else { 0 };
        Part { text: text.get(from..end).unwrap_or_default(), lines, columns, offset: whole.offset + from }
    };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---").map(str::trim);
        let is_mark = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('#'));
        let next = (whole.lines + index + 1, end + line.len());
        if is_mark && end > from {
            parts.push(Ok(part(from, end, lines)));
            (lines, from) = next;
        } else if rest.is_some() && !is_mark {
            parts.push(Err(part(end, end, whole.lines + index).start()));
            (lines, from) = next;
        }
        end += line.len();
    }
    if end > from {
        parts.push(Ok(part(from, end, lines)));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_editors_write() {
        let wide = |mark: &[u8], to: fn(u16) -> [u8; 2]| {
            let units = "a: é".encode_utf16().flat_map(to);
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        for bytes in [
            "a: é".as_bytes().to_vec(),
            wide(&[0xff, 0xfe], u16::to_le_bytes),
            wide(&[0xfe, 0xff], u16::to_be_bytes),
            wide(&[], u16::to_le_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok("a: é"));
        }
        assert_eq!(decode(&[0xc3, 0x28]), Err("neither UTF-8 nor UTF-16"));
    }

    #[test]
    fn splits_at_lines_that_are_a_mark_and_nothing_more() {
        let whole = |text| Part { text, lines: 0, columns: 0, offset: 0 };
        let found: Vec<_> = parts(whole("---\na\n--- # c\nb\n---\n---\nc"))
            .iter()
            .map(|part| part.map(|part| (part.lines, part.text)))
            .collect();
        assert_eq!(found, [Ok((0, "---\na\n")), Ok((3, "b\n")), Ok((5, "---\nc"))]);
        let found = parts(whole("a\n--- b\nc\n"));
        assert_eq!(
            found.iter().map(|part| part.map_err(|mark| mark.line).map(|part| part.text)).collect::<Vec<_>>(),
            [Err(2), Ok("c\n")]
        );
    }
}
