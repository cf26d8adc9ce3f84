//! libyaml's events, with what kubectl's reader (go-yaml v2, an older port of the same C library) makes of a text that today's libyaml
//! reads otherwise.
#![allow(clippy::wildcard_enum_match_arm)] // Of libyaml's events and styles only some matter.

use std::cell::Cell;

use libyaml_safer::{Event, EventData, Parser, ScalarStyle};

use super::{Mark, NotYaml, split::Part};

/// What stands for a comma in a tag (`[!a, b]`): kubectl reads it as a part of the tag, and libyaml-safer 0.3 panics.
const COMMA: &str = "%2c%2C%2c";

/// Most colons at the end of a word (`[a:]`) that are read as kubectl reads them. Each is found by reading the part anew.
const COLONS_MAX: usize = 100;

/// A part of a file, made ready for libyaml.
pub(crate) struct Prepared<'t> {
    part: Part<'t>,
    text: String,
    /// A character that the text does not contain: it stands behind each colon that is the end of a word.
    filler: char,
    /// What was inserted: before which byte of the text as it is now, how many bytes.
    inserted: Vec<(usize, usize)>,
    /// The place that was asked for last: the next one is likely behind it.
    last: Cell<Mark>,
}

impl<'t> Prepared<'t> {
    pub(crate) fn new(part: Part<'t>) -> Self {
        let filler = ('\u{e000}'..'\u{f8ff}').find(|c| !part.text.contains(*c)).unwrap_or('\u{e000}');
        let mut prepared = Self {
            part,
            text: part.text.to_owned(),
            filler,
            inserted: Vec::new(),
            last: Cell::new(part.start()),
        };
        prepared.hide_commas();
        // kubectl ends every line; and libyaml-safer 0.3 panics at a block scalar whose last line has no end.
        if !prepared.text.ends_with('\n') {
            prepared.text.push('\n');
        }
        prepared
    }

    /// Replaces the commas in what looks like a tag.
    fn hide_commas(&mut self) {
        let text = self.part.text;
        if !text.contains('!') || text.contains(COMMA) {
            return;
        }
        let mut out = String::new();
        let mut is_tag = false;
        for c in text.chars() {
            match c {
                '!' => is_tag = true,
                '[' | ']' | '{' | '}' | '"' => is_tag = false,
                c if c.is_whitespace() => is_tag = false,
                _ => {}
            }
            if c == ',' && is_tag {
                out.push_str(COMMA);
                self.inserted.push((out.len(), COMMA.len() - 1));
            } else {
                out.push(c);
            }
        }
        self.text = out;
    }

    /// What libyaml reads.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The text as it was.
    fn restored(&self, text: String) -> String {
        if self.inserted.is_empty() { text } else { text.replace(COMMA, ",").replace(self.filler, "") }
    }

    /// A place of libyaml's, in the file. Its lines are counted as editors and kubectl count them.
    pub(crate) fn mark(&self, mark: libyaml_safer::Mark) -> Mark {
        let index = usize::try_from(mark.index).unwrap_or(0);
        let before = self.inserted.iter().take_while(|(offset, _)| *offset <= index);
        let inserted: usize = before.map(|(_, bytes)| bytes).sum();
        self.at(index.saturating_sub(inserted))
    }

    /// The place of a byte of the part.
    fn at(&self, byte: usize) -> Mark {
        let byte = byte.min(self.part.text.len());
        let mut mark = self.last.get();
        let done = mark.offset - self.part.offset;
        let done = if done <= byte {
            done
        } else {
            let start = self.part.start();
            let line = self.part.text.get(..byte).unwrap_or_default().rfind('\n').map_or(0, |end| end + 1);
            let on_this_line = line == 0 && mark.line == start.line;
            mark.line -= if on_this_line {
                0
            } else {
                self.part.text.get(line..done).unwrap_or_default().matches('\n').count()
            };
            mark.column = if line == 0 { start.column } else { 1 };
            line
        };
        for c in self.part.text.get(done..byte).unwrap_or_default().chars() {
            if c == '\n' {
                (mark.line, mark.column) = (mark.line + 1, 1);
            } else if c != '\u{feff}' || mark.column > 1 {
                mark.column += 1;
            }
        }
        mark.offset = self.part.offset + byte;
        self.last.set(mark);
        mark
    }

    /// The part's own text between two places of the file.
    fn source(&self, start: Mark, end: Mark) -> &'t str {
        let range =
            start.offset.saturating_sub(self.part.offset)..end.offset.saturating_sub(self.part.offset);
        self.part.text.get(range).unwrap_or_default()
    }

    /// Where libyaml stopped, and what is wrong there.
    pub(crate) fn not_yaml(&self, error: &libyaml_safer::Error) -> NotYaml {
        let control = || self.part.text.find(is_control).unwrap_or_default();
        let mark = error.problem_mark().map_or_else(|| self.at(control()), |mark| self.mark(mark));
        let begins =
            error.context_mark().map(|mark| self.mark(mark)).filter(|begins| begins.line < mark.line);
        let begins = begins
            .map(|begins| format!(" (of what begins at line {}, column {})", begins.line, begins.column));
        NotYaml { mark, problem: format!("{}{}", error.problem(), begins.unwrap_or_default()) }
    }

    /// Makes a colon that libyaml does not expect a part of its word, as kubectl reads it; whether that can be tried.
    pub(crate) fn hide_colon(&mut self, error: &libyaml_safer::Error) -> bool {
        let Some(mark) = error.problem_mark().filter(|_| error.problem() == "found unexpected ':'") else {
            return false;
        };
        let index = usize::try_from(mark.index).unwrap_or(0);
        if self.inserted.len() >= COLONS_MAX || self.text.get(index..=index) != Some(":") {
            return false;
        }
        let filled = index + 1 + self.filler.len_utf8();
        self.text.insert(index + 1, self.filler);
        let behind = self.inserted.partition_point(|(offset, _)| *offset <= index);
        for (offset, _) in self.inserted.iter_mut().skip(behind) {
            *offset += self.filler.len_utf8();
        }
        self.inserted.insert(behind, (filled, self.filler.len_utf8()));
        true
    }
}

/// What YAML calls no printable character.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}') || matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The events of a part, one after another.
pub(crate) struct Events<'p, 't> {
    parser: Parser<&'p mut &'p [u8]>,
    prepared: &'p Prepared<'t>,
    /// How many flow lists and objects are open.
    flow: usize,
    /// Whether each list or object that is open is a flow one.
    open: Vec<bool>,
}

/// Why there is no event.
pub(crate) enum Stop {
    /// libyaml's error.
    Library(libyaml_safer::Error),
    /// What libyaml reads, and kubectl does not.
    Own(NotYaml),
}

impl<'p, 't> Events<'p, 't> {
    pub(crate) fn new(prepared: &'p Prepared<'t>, bytes: &'p mut &'p [u8]) -> Self {
        let mut parser = Parser::new();
        parser.set_input_string(bytes);
        Self { parser, prepared, flow: 0, open: Vec::new() }
    }

    pub(crate) fn next(&mut self) -> Result<(EventData, Mark, Mark), Stop> {
        let Event { mut data, start_mark, end_mark, .. } = self.parser.parse().map_err(Stop::Library)?;
        let (start, end) = (self.prepared.mark(start_mark), self.prepared.mark(end_mark));
        match &mut data {
            EventData::SequenceStart { style, .. } => {
                self.opens(*style == libyaml_safer::SequenceStyle::Flow);
            }
            EventData::MappingStart { style, .. } => self.opens(*style == libyaml_safer::MappingStyle::Flow),
            EventData::SequenceEnd | EventData::MappingEnd => {
                self.flow -= usize::from(self.open.pop().unwrap_or_default() && self.flow > 0);
            }
            EventData::Scalar { value, style, .. } => self.scalar(value, *style, start, end)?,
            EventData::DocumentStart { version_directive: Some(version), .. }
                if (version.major, version.minor) != (1, 1) =>
            {
                return Err(own(start, "a version of YAML other than 1.1"));
            }
            _ => {}
        }
        Ok((data, start, end))
    }

    fn opens(&mut self, is_flow: bool) {
        self.flow += usize::from(is_flow);
        self.open.push(is_flow);
    }

    fn scalar(&self, value: &mut String, style: ScalarStyle, start: Mark, end: Mark) -> Result<(), Stop> {
        *value = self.prepared.restored(std::mem::take(value));
        match style {
            ScalarStyle::Plain if self.flow > 0 && value.contains('?') => {
                return Err(own(
                    start,
                    "a question mark in a list or an object in brackets: put the text in quotes",
                ));
            }
            ScalarStyle::DoubleQuoted if escapes_slash(self.prepared.source(start, end)) => {
                return Err(own(start, "an unknown escape \\/"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn own(mark: Mark, problem: &str) -> Stop {
    Stop::Own(NotYaml { mark, problem: problem.to_owned() })
}

/// JSON has this escape, and YAML 1.1 has not.
fn escapes_slash(source: &str) -> bool {
    let mut escaped = false;
    source.chars().any(|c| {
        let found = escaped && c == '/';
        escaped = c == '\\' && !escaped;
        found
    })
}
