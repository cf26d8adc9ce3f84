//! YAML as kubectl reads it (`sigs.k8s.io/yaml`): merge keys, the scalars of YAML 1.1, anchors, JSON texts one after another, any
//! Unicode encoding. The parser is saphyr's; what its events mean is here.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

use crate::yaml::scalar::scalar;

/// A document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number in the file, from 1.
    pub number: usize,
    /// What it holds.
    pub content: Result<Value, NotYaml>,
    /// Names that an object has twice, each with its line; the last one counts.
    pub duplicates: Vec<(usize, String)>,
}

/// Where a document stops being YAML, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotYaml {
    /// The line in the file, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for NotYaml {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

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
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|_| "neither UTF-8 nor UTF-16")?;
            Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
        }
    }
}

/// The documents of a text, each for itself: one that is broken leaves the others.
#[must_use]
pub fn documents(text: &str) -> Vec<Document> {
    if text.trim_start().starts_with('{')
        && let Ok(texts) =
            serde_json::Deserializer::from_str(text).into_iter().collect::<Result<Vec<Value>, _>>()
    {
        let whole =
            |(index, value)| Document { number: index + 1, content: Ok(value), duplicates: Vec::new() };
        return texts.into_iter().enumerate().map(whole).collect();
    }
    let mut documents = Vec::new();
    for (line, part) in parts(text) {
        let mut reader = Reader { line, ..Reader::default() };
        match reader.read(&part) {
            Ok(None) => {}
            content => documents.push(Document {
                number: documents.len() + 1,
                content: content.map(Option::unwrap_or_default),
                duplicates: reader.duplicates,
            }),
        }
    }
    documents
}

/// The text cut at its `---` and `...`, which stand at the start of a line in no other place; each part with its first line.
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(0, String::new())];
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let mark = line.trim_end();
        let starts = mark == "---" || line.starts_with("--- ") || line.starts_with("---\t");
        if starts || mark == "..." {
            // The mark's own line stays, as an empty one or without the mark, so that columns and lines are the file's.
            parts.push((index, if starts { line.replacen("---", "   ", 1) } else { "\n".to_owned() }));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(if line.starts_with('%') { "\n" } else { line });
        }
    }
    parts
}

/// Most values that aliases may make of a document (kubectl refuses such documents, too).
const VALUES_MAX: usize = 1_000_000;

/// Deepest nesting.
const DEPTH_MAX: usize = 200;

#[derive(Default)]
struct Reader {
    line: usize,
    anchors: HashMap<usize, Value>,
    duplicates: Vec<(usize, String)>,
    values: usize,
}

type Events<'p> = dyn Iterator<Item = Result<(Event<'p>, Span), saphyr_parser::ScanError>> + 'p;

impl Reader {
    fn read(&mut self, text: &str) -> Result<Option<Value>, NotYaml> {
        // saphyr takes a tab for a blank there, and kubectl does not.
        let first = text.lines().enumerate().find(|(_, line)| !line.trim().is_empty());
        if let Some((index, _)) = first.filter(|(_, line)| line.starts_with('\t')) {
            let problem = "a tab at the start of a line".to_owned();
            return Err(NotYaml { line: self.line + index + 1, column: 1, problem });
        }
        let mut events: Box<Events> = Box::new(Parser::new_from_str(text));
        let mut value = None;
        while let Some((event, span)) = self.next(&mut *events)? {
            match event {
                Event::StreamEnd => break,
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event @ (Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd) => value = Some(self.value(event, span, &mut *events, 0)?),
            }
        }
        Ok(value)
    }

    fn next<'p>(&self, events: &mut Events<'p>) -> Result<Option<(Event<'p>, Span)>, NotYaml> {
        events.next().transpose().map_err(|error| {
            let (line, column) = (self.line + error.marker().line(), error.marker().col() + 1);
            NotYaml { line, column, problem: error.info().to_owned() }
        })
    }

    fn error(&self, span: Span, problem: &str) -> NotYaml {
        let (line, column) = (self.line + span.start.line(), span.start.col() + 1);
        NotYaml { line, column, problem: problem.to_owned() }
    }

    fn value<'p>(
        &mut self,
        event: Event<'p>,
        span: Span,
        events: &mut Events<'p>,
        depth: usize,
    ) -> Result<Value, NotYaml> {
        self.values += 1;
        if depth > DEPTH_MAX || self.values > VALUES_MAX {
            return Err(self.error(span, "nested or repeated too often"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_ref().map(|tag| tag.suffix.as_str());
                (anchor, scalar(&text, style, tag))
            }
            Event::SequenceStart(anchor, _) => (anchor, Value::Array(self.items(events, depth)?)),
            Event::MappingStart(anchor, _) => (anchor, Value::Object(self.fields(events, depth)?)),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned();
                let value =
                    value.ok_or_else(|| self.error(span, "an alias that nothing before it defines"))?;
                self.values += size(&value);
                (0, value)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(self.error(span, "a value is missing")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn items(&mut self, events: &mut Events<'_>, depth: usize) -> Result<Vec<Value>, NotYaml> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.value(event, span, events, depth + 1)?);
        }
        Ok(items)
    }

    fn fields(&mut self, events: &mut Events<'_>, depth: usize) -> Result<Map<String, Value>, NotYaml> {
        let mut fields = Map::new();
        // A key that came from a merge key may be set again.
        let mut own = BTreeSet::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::MappingEnd {
                break;
            }
            let merges = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text == "<<");
            let name = match self.value(event, span, events, depth + 1)? {
                Value::String(name) => name,
                Value::Null => "null".to_owned(),
                scalar @ (Value::Bool(_) | Value::Number(_)) => scalar.to_string(),
                Value::Array(_) | Value::Object(_) => {
                    return Err(self.error(span, "a list or an object as a name"));
                }
            };
            let Some((event, at)) = self.next(events)? else {
                return Err(self.error(span, "a value is missing"));
            };
            let value = self.value(event, at, events, depth + 1)?;
            if merges {
                // In order, and the first of several wins. That is kubectl's rule, not that of the YAML specification.
                let all = if let Value::Array(all) = value { all } else { vec![value] };
                for from in all.into_iter().rev() {
                    let Value::Object(from) = from else {
                        return Err(self.error(at, "only objects can be merged"));
                    };
                    fields.extend(from);
                }
            } else {
                if !own.insert(name.clone()) {
                    self.duplicates.push((self.line + span.start.line(), name.clone()));
                }
                fields.insert(name, value);
            }
        }
        Ok(fields)
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(size).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(text: &str) -> Value {
        let documents = documents(text);
        assert_eq!(documents.len(), 1, "{documents:?}");
        documents[0].content.clone().unwrap()
    }

    #[test]
    fn reads_scalars_as_kubectl_does() {
        for (text, value) in [
            ("no", json!(false)),
            ("On", json!(true)),
            ("\"yes\"", json!("yes")),
            ("0400", json!(256)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("08", json!(8)),
            ("1_000", json!(1000)),
            ("+5", json!(5)),
            ("-0b11", json!(-3)),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000)),
            ("1e16", json!(10_000_000_000_000_000_i64)),
            ("~", json!(null)),
            ("", json!(null)),
            ("10m", json!("10m")),
            ("1:20", json!("1:20")),
            ("2026-11-25", json!("2026-11-25")),
            (".inf", json!(".inf")),
            ("!!str 5", json!("5")),
            ("!<tag:yaml.org,2002:str> 5", json!("5")),
            ("0x+1", json!("0x+1")),
            ("0+7", json!("0+7")),
            ("e5", json!("e5")),
        ] {
            assert_eq!(one(&format!("a: {text}\n"))["a"], value, "{text}");
        }
    }

    #[test]
    fn applies_merge_keys_and_anchors() {
        let text = "a: &a {x: 1, z: 2}\nb:\n  <<: *a\n  z: 3\nc:\n  z: 4\n  <<: [*a, {z: 5, v: 6}]\nd: *a\n";
        let expected = json!({"a": {"x": 1, "z": 2}, "b": {"x": 1, "z": 3}, "c": {"x": 1, "z": 2, "v": 6}, "d": {"x": 1, "z": 2}});
        assert_eq!(one(text), expected);
        let read = documents("a: &a {x: 1}\nb: {<<: *a, x: 2}\nc: {x: 1, x: 2}\n");
        assert_eq!(read[0].duplicates, [(3, "x".to_owned())]);
    }

    #[test]
    fn reads_each_document_for_itself() {
        let documents = documents("a: 1\n---\nb: [\n--- \nc: 2\n...\n---\n# nothing\n---\nd: {e: 1, e: 2}\n");
        let found: Vec<_> = documents.iter().map(|document| document.content.clone().ok()).collect();
        assert_eq!(found, [Some(json!({"a": 1})), None, Some(json!({"c": 2})), Some(json!({"d": {"e": 2}}))]);
        let error = documents[1].content.clone().unwrap_err();
        assert!((3..=4).contains(&error.line), "{error}");
        assert_eq!(documents[3].duplicates, [(10, "e".to_owned())]);
    }

    #[test]
    fn reads_json_texts_one_after_another() {
        let documents = documents("{\"a\": 1}\n{\"a\": 2} {\"a\": 3}");
        let found: Vec<_> =
            documents.iter().map(|document| document.content.clone().unwrap()["a"].clone()).collect();
        assert_eq!(found, [1, 2, 3]);
        assert_eq!(one("{a: 1, b: [yes]}"), json!({"a": 1, "b": [true]}));
    }

    #[test]
    fn decodes_what_editors_write() {
        let wide = |mark: &[u8], to: fn(u16) -> [u8; 2]| {
            let units = "a: é".encode_utf16().flat_map(to);
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        for bytes in [
            "a: é".as_bytes().to_vec(),
            "\u{feff}a: é".as_bytes().to_vec(),
            wide(&[0xff, 0xfe], u16::to_le_bytes),
            wide(&[0xfe, 0xff], u16::to_be_bytes),
            wide(&[], u16::to_le_bytes),
        ] {
            assert_eq!(decode(&bytes).as_deref(), Ok("a: é"));
        }
        assert_eq!(decode(&[0xc3, 0x28]), Err("neither UTF-8 nor UTF-16"));
    }

    #[test]
    fn refuses_a_document_that_aliases_blow_up() {
        let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned();
        let more = (1..9).map(|level| {
            format!("a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "))
        });
        let text = std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n");
        let error = documents(&text)[0].content.clone().unwrap_err();
        assert_eq!(error.problem, "nested or repeated too often");
    }
}
