//! YAML as kubectl reads it (`sigs.k8s.io/yaml` 1.6, which is go-yaml v2): merge keys, the scalars of YAML 1.1, anchors, JSON texts one
//! after another. What libyaml's events mean is here.
#![allow(clippy::wildcard_enum_match_arm)] // Of libyaml's events only some can stand in a place.

use std::collections::{BTreeMap, HashMap, HashSet};

use libyaml_safer::{EventData, ScalarStyle};
use serde_json::{Map, Value};

use super::{
    Mark, NotYaml, Spot,
    parse::{Events, Prepared, Stop},
    scalar::{NotScalar, name as plain_name, scalar},
    split::{Part, parts},
};

/// A document of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Where it begins.
    pub start: Mark,
    /// Behind its last character.
    pub end: Mark,
    /// The file of a chart that Helm made it of, by its comment `# Source: …`.
    pub source: Option<String>,
    /// What it holds, and where that stands.
    pub content: Result<(Value, Spot), NotYaml>,
    /// What is likely not meant.
    pub doubts: Vec<Doubt>,
}

/// What was read, and is likely not what was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Where.
    pub mark: Mark,
    /// What.
    pub text: String,
}

/// The documents of a text, each for itself: one that is broken leaves the others.
#[must_use]
pub fn documents(text: &str) -> Vec<Document> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = Part { text, lines: 0, columns: 0, offset: 0 };
    let mut documents = Vec::new();
    let rest = if plain.trim_start().starts_with(['{', '[']) {
        json(whole, plain, &mut documents)
    } else {
        Some(whole)
    };
    for part in rest.map(parts).into_iter().flatten() {
        match part {
            Ok(part) => documents.extend(document(part)),
            Err(mark) => {
                let problem = "a separator stands on a line of its own: --- alone".to_owned();
                let content = Err(NotYaml { mark, problem });
                documents.push(Document {
                    number: 0,
                    start: mark,
                    end: mark,
                    source: None,
                    content,
                    doubts: Vec::new(),
                });
            }
        }
    }
    for (index, document) in documents.iter_mut().enumerate() {
        document.number = index + 1;
    }
    documents
}

/// Reads the JSON texts that a text begins with, one after another (kubectl reads objects, other tools print lists), and returns what is to
/// be read as YAML: that is possible behind none or one of them (`k8s.io/apimachinery`, `YAMLOrJSONDecoder`).
fn json<'t>(whole: Part<'t>, plain: &'t str, documents: &mut Vec<Document>) -> Option<Part<'t>> {
    let skipped = whole.text.len() - plain.len();
    let mut stream = serde_json::Deserializer::from_str(plain).into_iter::<Value>();
    let (mut from, mut start) = (0, whole.start());
    loop {
        let next = stream.next();
        let inner = plain.get(from..).unwrap_or_default();
        start = advanced(start, inner.get(..inner.len() - inner.trim_start().len()).unwrap_or_default());
        start.offset = skipped + plain.len() - inner.trim_start().len();
        let part =
            |text| Part { text, lines: start.line - 1, columns: start.column - 1, offset: start.offset };
        let content = match next {
            None => return None,
            Some(Err(_)) if documents.len() <= 1 => {
                let rest = part(inner.trim_start());
                return Some(if documents.is_empty() { whole } else { rest });
            }
            Some(Err(error)) => {
                // serde counts the lines of its text, which is all of it.
                let mark = Mark { line: error.line(), column: error.column().max(1), offset: start.offset };
                Err(NotYaml { mark, problem: error.to_string() })
            }
            Some(Ok(value)) => {
                let text = plain.get(start.offset - skipped..stream.byte_offset()).unwrap_or_default();
                // The places are YAML's, of which JSON is almost a part; where it is not, the beginning stands for all.
                let nowhere = Spot { start, end: start, ..Spot::default() };
                let read = document(part(text));
                let (spot, doubts) = match read {
                    Some(Document { content: Ok((_, spot)), doubts, .. }) => (spot, doubts),
                    _ => (nowhere, Vec::new()),
                };
                let end = Mark { offset: skipped + stream.byte_offset(), ..advanced(start, text) };
                documents.push(Document {
                    number: 0,
                    start,
                    end,
                    source: None,
                    content: Ok((value, spot)),
                    doubts,
                });
                (from, start) = (stream.byte_offset(), end);
                continue;
            }
        };
        documents.push(Document { number: 0, start, end: start, source: None, content, doubts: Vec::new() });
        return None;
    }
}

/// A place, behind this text.
fn advanced(mark: Mark, text: &str) -> Mark {
    let lines = text.matches('\n').count();
    let last = text.rsplit('\n').next().unwrap_or_default().chars().count();
    let column = if lines == 0 { mark.column + last } else { last + 1 };
    Mark { line: mark.line + lines, column, offset: mark.offset + text.len() }
}

fn document(part: Part<'_>) -> Option<Document> {
    let mut prepared = Prepared::new(part);
    let (content, doubts) = loop {
        let mut reader = Reader::new(&prepared);
        let content = reader.document();
        let doubts = std::mem::take(&mut reader.doubts);
        match content {
            Err(Stop::Library(error)) if prepared.hide_colon(&error) => {}
            Err(Stop::Library(error)) => break (Err(prepared.not_yaml(&error)), doubts),
            Err(Stop::Own(error)) => break (Err(error), doubts),
            Ok(content) => break (Ok(content), doubts),
        }
    };
    let content = content.transpose()?;
    let (start, end) = (part.start(), advanced(part.start(), part.text));
    Some(Document { number: 0, start, end, source: source(part.text), content, doubts })
}

/// Helm's comment at the head of what it rendered of a file.
fn source(text: &str) -> Option<String> {
    let head = text.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with(['#', '-']));
    let comment = head.into_iter().find_map(|line| line.strip_prefix("# Source: "));
    comment.map(|path| path.trim().to_owned()).filter(|path| !path.is_empty())
}

/// Deepest nesting: deeper documents could exhaust the stack.
const DEPTH_MAX: usize = 500;

/// What part of the values of a document aliases may make, in hundredths, by the number of values (go-yaml v2, `allowedAliasRatio`).
fn allowed_aliases(values: usize) -> usize {
    match values {
        0..=400_000 => 99,
        400_001..4_000_000 => 99 - 89 * (values - 400_000) / 3_600_000,
        _ => 10,
    }
}

/// The fields of an object, where they stand, and where the object ends.
type Fields = (Map<String, Value>, BTreeMap<String, Spot>, Mark);

struct Reader<'p, 't> {
    prepared: &'p Prepared<'t>,
    anchors: HashMap<String, Option<Value>>,
    doubts: Vec<Doubt>,
    /// How many values there are, and how many of them aliases made.
    values: usize,
    aliased: usize,
}

impl<'p, 't> Reader<'p, 't> {
    fn new(prepared: &'p Prepared<'t>) -> Self {
        Self { prepared, anchors: HashMap::new(), doubts: Vec::new(), values: 0, aliased: 0 }
    }

    /// The first document, which is the one that kubectl reads; nothing where there is none.
    fn document(&mut self) -> Result<Option<(Value, Spot)>, Stop> {
        let mut bytes = self.prepared.bytes();
        let mut events = Events::new(self.prepared, &mut bytes);
        loop {
            let (event, start, end) = events.next()?;
            match event {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok(None),
                event => {
                    let found = self.value(event, (start, end), &mut events, 0)?;
                    // The end of the document.
                    events.next()?;
                    let more = match events.next() {
                        Ok((EventData::DocumentStart { .. }, mark, _))
                        | Err(Stop::Own(NotYaml { mark, .. })) => Some(mark),
                        Err(Stop::Library(error)) => Some(self.prepared.not_yaml(&error).mark),
                        Ok(_) => None,
                    };
                    if let Some(mark) = more {
                        let text =
                            "kubectl reads nothing from here to the next line that is --- alone".to_owned();
                        self.doubts.push(Doubt { mark, text });
                    }
                    return Ok(Some(found));
                }
            }
        }
    }

    fn error(mark: Mark, problem: impl Into<String>) -> Stop {
        Stop::Own(NotYaml { mark, problem: problem.into() })
    }

    fn value(
        &mut self,
        event: EventData,
        (start, end): (Mark, Mark),
        events: &mut Events<'_, '_>,
        depth: usize,
    ) -> Result<(Value, Spot), Stop> {
        self.values += 1;
        if depth > DEPTH_MAX {
            return Err(Self::error(start, format!("nested deeper than {DEPTH_MAX}")));
        }
        let mut spot = Spot { start, end, ..Spot::default() };
        let anchor = match &event {
            EventData::Scalar { anchor, .. }
            | EventData::SequenceStart { anchor, .. }
            | EventData::MappingStart { anchor, .. } => anchor.clone(),
            _ => None,
        };
        if let Some(anchor) = &anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        let value = match event {
            EventData::Scalar { value, tag, style, .. } => {
                scalar(&value, style == ScalarStyle::Plain, tag.as_deref())
                    .map_err(|NotScalar(problem)| Self::error(start, problem))?
            }
            EventData::SequenceStart { .. } => {
                let (items, spots, end) = self.items(events, depth)?;
                (spot.items, spot.end) = (spots, end);
                Value::Array(items)
            }
            EventData::MappingStart { .. } => {
                let (fields, spots, end) = self.fields(events, depth)?;
                (spot.fields, spot.end) = (spots, end);
                Value::Object(fields)
            }
            EventData::Alias { anchor } => self.alias(&anchor, start)?,
            _ => return Err(Self::error(start, "a value is missing")),
        };
        // An anchor of the same name within counts from there on.
        if let Some(anchored) =
            anchor.and_then(|anchor| self.anchors.get_mut(&anchor)).filter(|anchored| anchored.is_none())
        {
            *anchored = Some(value.clone());
        }
        Ok((value, spot))
    }

    fn alias(&mut self, anchor: &str, mark: Mark) -> Result<Value, Stop> {
        let value = match self.anchors.get(anchor) {
            Some(Some(value)) => value.clone(),
            Some(None) => return Err(Self::error(mark, format!("anchor {anchor} contains itself"))),
            None => {
                return Err(Self::error(
                    mark,
                    format!("an alias of {anchor}, which nothing before it defines"),
                ));
            }
        };
        let size = size(&value);
        self.values += size;
        self.aliased += size;
        if self.aliased > 100
            && self.values > 1000
            && self.aliased * 100 > self.values * allowed_aliases(self.values)
        {
            return Err(Self::error(mark, "its aliases repeat too much"));
        }
        Ok(value)
    }

    fn items(
        &mut self,
        events: &mut Events<'_, '_>,
        depth: usize,
    ) -> Result<(Vec<Value>, Vec<Spot>, Mark), Stop> {
        let (mut items, mut spots) = (Vec::new(), Vec::new());
        loop {
            let (event, start, end) = events.next()?;
            if event == EventData::SequenceEnd {
                return Ok((items, spots, end));
            }
            let (value, spot) = self.value(event, (start, end), events, depth + 1)?;
            items.push(value);
            spots.push(spot);
        }
    }

    fn fields(&mut self, events: &mut Events<'_, '_>, depth: usize) -> Result<Fields, Stop> {
        let (mut fields, mut spots) = (Map::new(), BTreeMap::new());
        // A key that came from a merge key may be set again.
        let mut own = HashSet::new();
        loop {
            let (event, start, end) = events.next()?;
            if event == EventData::MappingEnd {
                return Ok((fields, spots, end));
            }
            let merges = matches!(&event, EventData::Scalar { value, style, tag, .. } if value == "<<" && (*style == ScalarStyle::Plain && tag.is_none() || tag.as_deref() == Some("tag:yaml.org,2002:merge")));
            let name = self.name(event, (start, end), events, depth)?;
            let (event, at, to) = events.next()?;
            let (value, spot) = self.value(event, (at, to), events, depth + 1)?;
            if merges {
                // In order, and the first of several wins. That is kubectl's rule, not that of the YAML specification.
                let all = if let Value::Array(all) = value { all } else { vec![value] };
                for from in all.into_iter().rev() {
                    let Value::Object(from) = from else {
                        return Err(Self::error(at, "only objects can be merged"));
                    };
                    for (name, value) in from {
                        spots.insert(
                            name.clone(),
                            Spot { name: Some(start), start: at, end: to, ..Spot::default() },
                        );
                        fields.insert(name, value);
                    }
                }
            } else {
                if !own.insert(name.clone()) {
                    self.doubts.push(Doubt {
                        mark: start,
                        text: format!("{name} is there twice, the last one counts"),
                    });
                }
                spots.insert(name.clone(), Spot { name: Some(start), ..spot });
                fields.insert(name, value);
            }
        }
    }

    fn name(
        &mut self,
        event: EventData,
        (start, end): (Mark, Mark),
        events: &mut Events<'_, '_>,
        depth: usize,
    ) -> Result<String, Stop> {
        if let EventData::Scalar { value, tag: None, style: ScalarStyle::Plain, anchor: None, .. } = &event {
            self.values += 1;
            return plain_name(value).ok_or_else(|| Self::error(start, "a name that is null"));
        }
        match self.value(event, (start, end), events, depth + 1)?.0 {
            Value::String(name) => Ok(name),
            Value::Null => Err(Self::error(start, "a name that is null")),
            scalar @ (Value::Bool(_) | Value::Number(_)) => Ok(scalar.to_string()),
            Value::Array(_) | Value::Object(_) => Err(Self::error(start, "a list or an object as a name")),
        }
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(|value| 1 + size(value)).sum::<usize>(),
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
        documents[0].content.clone().unwrap().0
    }

    fn problem(text: &str) -> (usize, usize, String) {
        let NotYaml { mark, problem } = documents(text)[0].content.clone().unwrap_err();
        (mark.line, mark.column, problem)
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
        assert_eq!(
            read[0].doubts.iter().map(|doubt| (doubt.mark.line, doubt.mark.column)).collect::<Vec<_>>(),
            [(3, 11)]
        );
    }

    #[test]
    fn reads_each_document_for_itself() {
        let documents = documents("a: 1\n---\nb: [\n--- \nc: 2\n---\n# nothing\n---\nd: {e: 1, e: 2}\n");
        let found: Vec<_> =
            documents.iter().map(|document| document.content.clone().ok().map(|(value, _)| value)).collect();
        assert_eq!(found, [Some(json!({"a": 1})), None, Some(json!({"c": 2})), Some(json!({"d": {"e": 2}}))]);
        assert_eq!(documents[3].doubts[0].mark, Mark { line: 9, column: 11, offset: 52 });
    }

    #[test]
    fn doubts_what_kubectl_does_not_read() {
        for text in ["a: 1\n...\nb: 2\n---\nc: 3", "a: 1\n... b\n---\nc: 3"] {
            let documents = documents(text);
            assert_eq!(documents.len(), 2, "{text}");
            assert_eq!(documents[0].content.as_ref().unwrap().0, json!({"a": 1}));
            assert!(documents[0].doubts[0].text.starts_with("kubectl reads nothing"), "{text}");
        }
        assert!(documents("a: 1\n...\n")[0].doubts.is_empty());
    }

    #[test]
    fn takes_a_byte_order_mark_before_any_document_for_none_of_its_text() {
        let documents = documents("\u{feff}a: 1\n---\n\u{feff}b: 2\n");
        let found: Vec<_> = documents.iter().map(|document| document.content.clone().unwrap().0).collect();
        assert_eq!(found, [json!({"a": 1}), json!({"b": 2})]);
    }

    #[test]
    fn reads_json_texts_one_after_another() {
        let documents = documents("{\"a\": 1}\n{\"a\": \"\\/\"} [{\"a\": 3}]");
        let found: Vec<_> = documents
            .iter()
            .map(|document| (document.start.line, document.content.clone().unwrap().0))
            .collect();
        assert_eq!(found, [(1, json!({"a": 1})), (2, json!({"a": "/"})), (2, json!([{"a": 3}]))]);
        assert_eq!(one("{a: 1, b: [yes]}"), json!({"a": 1, "b": [true]}));
    }

    #[test]
    fn knows_where_everything_stands() {
        let read = documents("---\n# Source: shop/templates/web.yaml\na:\n  - b: \"x\"\n    cé: é y\n");
        assert_eq!(read[0].source.as_deref(), Some("shop/templates/web.yaml"));
        let (_, spot) = read[0].content.as_ref().unwrap();
        let item = spot.at(&super::super::steps("a[0]")).unwrap();
        let place = |mark: Mark| (mark.line, mark.column);
        assert_eq!(
            (place(item.start), place(item.fields["b"].mark()), place(item.fields["b"].end)),
            ((4, 5), (4, 5), (4, 11))
        );
        assert_eq!(
            (place(item.fields["cé"].mark()), place(item.fields["cé"].start), place(item.fields["cé"].end)),
            ((5, 5), (5, 9), (5, 12))
        );
    }

    #[test]
    fn says_where_a_document_ends_to_be_yaml() {
        assert_eq!(
            problem("a: {k: https://x?z#f}"),
            (1, 8, "a question mark in a list or an object in brackets: put the text in quotes".to_owned())
        );
        assert_eq!(problem("a: 1\nb: [\nc: d\n").0, 4);
        assert_eq!(problem("a: *b"), (1, 4, "an alias of b, which nothing before it defines".to_owned()));
        assert_eq!(problem("\ta: b"), (1, 1, "found character that cannot start any token".to_owned()));
    }

    /// Texts at which libyaml-safer 0.3 panics, or reads otherwise than kubectl.
    #[test]
    fn never_panics_where_the_library_does() {
        assert_eq!(one("a: [b, !x, c]"), json!({"a": ["b", "c"]}));
        assert_eq!(one("a: [b:]\nc: 'x, !y, z'"), json!({"a": ["b:"], "c": "x, !y, z"}));
        assert_eq!(one("a: |\n  b"), json!({"a": "b\n"}));
        assert_eq!(problem("{\"a\t]\"!a,").0, 1);
    }

    #[test]
    fn refuses_a_document_that_aliases_blow_up() {
        let first = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned();
        let more = (1..9).map(|level| {
            format!("a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "))
        });
        let text = std::iter::once(first).chain(more).collect::<Vec<_>>().join("\n");
        assert_eq!(problem(&text).2, "its aliases repeat too much");
    }
}
