//! Reading JSON as far as a [`Shape`] says.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::tree::Json;

/// How far into a JSON text the policy looks.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Not at all: the text is kept as it is.
    Raw,
    /// An object: the named fields are looked into, all others kept as text.
    Object(&'static [(&'static str, &'static Shape)]),
    /// A list whose items are all of one shape.
    List(&'static Shape),
    /// Down to the last scalar.
    Whole,
}

/// An object of which every field is kept as text.
pub(crate) static FIELDS: Shape = Shape::Object(&[]);
/// A list of which every item is kept as text.
pub(crate) static ITEMS: Shape = Shape::List(&Shape::Raw);

/// Memory that one text may take once it is read, in bytes. Three megabytes of `{}` would take two hundred; a pod of 1.5 MB, the largest
/// object that the API server stores, takes less than this even if it holds nothing but variables of one letter.
const ROOM: usize = 10 << 20;

/// What an item of a list takes of it: itself, and what is made of it (a variable, a mount).
const ITEM: usize = 64;

/// What a field of an object takes.
const FIELD: usize = 32;

/// What an object takes, with room for a few fields.
const OBJECT: usize = 256;

/// Why a text can't be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not JSON.
    NotJson(serde_json::Error),
    /// It has more fields and items than fit into memory.
    TooMuch,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::NotJson(error) => error.fmt(f),
            Self::TooMuch => f.write_str("it has too many fields and list items"),
        }
    }
}

impl<'a> Json<'a> {
    /// Reads `text` as far as `shape` says.
    ///
    /// # Errors
    /// Text that is not JSON (`{"a":`), that goes on after its end, or that would take too much memory.
    pub(crate) fn parse(text: &'a str, shape: &'static Shape) -> Result<Self, Unreadable> {
        let room = Cell::new(ROOM);
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let read = Read { shape, room: &room }.deserialize(&mut deserializer);
        let json = read.and_then(|json| deserializer.end().map(|()| json));
        json.map_err(|error| if room.get() == 0 { Unreadable::TooMuch } else { Unreadable::NotJson(error) })
    }
}

/// A shape to be read, and the memory that is left for it.
#[derive(Clone, Copy)]
struct Read<'r> {
    shape: &'static Shape,
    room: &'r Cell<usize>,
}

impl Read<'_> {
    /// Takes memory for something.
    fn take<E: serde::de::Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.room.get().saturating_sub(bytes);
        self.room.set(left);
        if left == 0 { Err(E::custom("too much")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = Json<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        match self.shape {
            Shape::Raw => {
                let raw = <&'de RawValue as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Json::Raw(Cow::Borrowed(raw.get())))
            }
            Shape::Object(_) | Shape::List(_) | Shape::Whole => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json<'de>, A::Error> {
        let (known, other): (&[(&str, &'static Shape)], _) = match self.shape {
            Shape::Object(known) => (known, &Shape::Raw),
            Shape::Whole => (&[], self.shape),
            Shape::Raw | Shape::List(_) => (&[], &Shape::Raw),
        };
        self.take(OBJECT)?;
        let mut fields = Vec::with_capacity(8);
        while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
            let shape = known.iter().find(|(field, _)| *field == name).map_or(other, |(_, shape)| *shape);
            self.take(FIELD)?;
            fields.push((name, map.next_value_seed(Read { shape, ..self })?));
        }
        Ok(Json::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json<'de>, A::Error> {
        let shape = match self.shape {
            Shape::List(item) => *item,
            Shape::Whole => self.shape,
            Shape::Raw | Shape::Object(_) => &Shape::Raw,
        };
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Read { shape, ..self })? {
            self.take(ITEM)?;
            items.push(item);
        }
        Ok(Json::List(items))
    }

    // A scalar where the shape expects an object or a list. The cursor reports it when the policy reads that place.
    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Raw(Cow::Borrowed("null")))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Raw(Cow::Borrowed(if value { "true" } else { "false" })))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Raw(Cow::Owned(value.to_string())))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Raw(Cow::Owned(value.to_string())))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Json::Raw(Cow::Owned(serde_json::to_string(&value).unwrap_or_default())))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::text(value))
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text).map(Key)
    }
}

/// Reads a string. Anything else is refused by hand, because serde's own texts can print every type there is:
/// 2 KB of the module.
struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Err(E::custom("not a string"))
    }
    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Err(E::custom("not a string"))
    }
    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Err(E::custom("not a string"))
    }
    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Err(E::custom("not a string"))
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom("not a string"))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(serde::de::Error::custom("not a string"))
    }
    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(serde::de::Error::custom("not a string"))
    }
}

/// The text of the JSON string `raw`; `None` where it is not one.
#[must_use]
pub(crate) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        let decoded = serde_json::Deserializer::from_str(raw).deserialize_any(Text);
        return decoded.ok().map(|text| Cow::Owned(text.into_owned()));
    }
    Some(Cow::Borrowed(inner))
}

/// Whether the payload is JSON at all, though something in it could not be read.
///
/// # Errors
/// What `serde_json` says of the place where it stops being JSON.
pub(crate) fn check(payload: &str) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    deserializer.deserialize_ignored_any(serde::de::IgnoredAny)?;
    deserializer.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::cursor::Cursor;

    static POD: Shape = Shape::Object(&[("spec", &Shape::Object(&[("containers", &Shape::List(&FIELDS))]))]);

    fn round_trip(text: &str) -> String {
        let mut out = String::new();
        Json::parse(text, &POD).unwrap().write(&mut out);
        out
    }

    #[test]
    fn keeps_what_it_does_not_look_into_to_the_letter() {
        for text in [
            r#"{"a":1.0,"b":1e400,"c":18446744073709551616,"d":null,"e":[ ],"f":{"g" : "\ud800"}}"#,
            r#"{"spec":{"x":-0.0,"containers":[{"name":"a\u0000","n":5E-3},{}]},"spec2":[]}"#,
            r#"{"spec":null,"a\"b":true}"#,
            r"{}",
        ] {
            assert_eq!(round_trip(text), text);
        }
    }

    #[test]
    fn names_the_place_and_what_stands_there_but_not_its_content() {
        let json = Json::parse(r#"{"spec":{"containers":[{"name":5}]}}"#, &POD).unwrap();
        let root = Cursor::root("object", &json);
        let spec = root.field("spec").unwrap().unwrap();
        let containers = spec.field("containers").unwrap().unwrap();
        let first = containers.items().unwrap().next().unwrap();
        let name = first.field("name").unwrap().unwrap();
        assert_eq!(
            name.as_text().unwrap_err().to_string(),
            "object.spec.containers[0].name is a number, not a string"
        );
        assert_eq!(spec.items().err().unwrap().to_string(), "object.spec is an object, not a list");
        assert_eq!(
            root.required("metadata", "an object").unwrap_err().to_string(),
            "object.metadata is missing; it must be an object"
        );
    }

    #[test]
    fn reads_the_last_of_two_fields_of_one_name() {
        let json = Json::parse(r#"{"a":"1","a":"2"}"#, &POD).unwrap();
        let root = Cursor::root("x", &json);
        assert_eq!(root.field("a").unwrap().unwrap().as_text().unwrap(), "2");
    }

    #[test]
    fn looks_past_nesting_that_would_overflow_a_recursive_reader() {
        let text = format!(r#"{{"deep":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(round_trip(&text), text);
    }

    #[test]
    fn refuses_more_than_fits_into_memory() {
        let list = |length: usize| format!(r#"{{"spec":{{"containers":[{}0]}}}}"#, "{},".repeat(length));
        assert!(matches!(Json::parse(&list(10_000), &POD), Ok(Json::Object(_))));
        for shape in [&POD, &Shape::Whole] {
            assert!(matches!(Json::parse(&list(40_000), shape), Err(Unreadable::TooMuch)));
        }
        assert!(matches!(Json::parse(&list(40_000), &FIELDS), Ok(Json::Object(_))));
        assert!(matches!(Json::parse("{", &POD), Err(Unreadable::NotJson(_))));
    }

    #[test]
    fn tells_json_from_what_is_none() {
        check(r#"{"a":"\ud800"}"#).unwrap();
        assert_eq!(check("{").unwrap_err().to_string(), "EOF while parsing an object at line 1 column 1");
    }
}
