//! A JSON value that comes out as it went in.

use std::borrow::Cow;

use crate::name_set::ByName;

/// JSON, looked into as far as a `Shape` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    /// A JSON text, kept to the letter.
    Raw(Cow<'a, str>),
    /// An object's fields in their order; where a name comes twice the last one counts, as in `serde_json::Value`.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
    /// A list's items in their order.
    List(Vec<Json<'a>>),
}

impl<'a> Json<'a> {
    /// The text, where it is kept as it came.
    #[must_use]
    pub(crate) fn raw(&self) -> Option<&'a str> {
        match self {
            Self::Raw(Cow::Borrowed(text)) => Some(text),
            Self::Raw(Cow::Owned(_)) | Self::Object(_) | Self::List(_) => None,
        }
    }

    /// A JSON string that holds `text`.
    #[must_use]
    pub(crate) fn text(text: &str) -> Self {
        Self::Raw(Cow::Owned(json_string(text)))
    }

    /// Whether both say the same: the order of an object's fields does not count.
    #[must_use]
    pub(crate) fn is_same(&self, other: &Json) -> bool {
        match (self, other) {
            (Self::Raw(one), Json::Raw(other)) => one == other,
            (Self::List(one), Json::List(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
            }
            (Self::Object(one), Json::Object(other)) => same_fields(one, other),
            (Self::Raw(_) | Self::List(_) | Self::Object(_), _) => false,
        }
    }

    /// Appends the JSON text to `out`.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Self::Raw(text) => out.push_str(text),
            Self::Object(fields) => {
                let mut open = '{';
                for (name, value) in fields {
                    out.push(open);
                    push_quoted(name, out);
                    out.push(':');
                    value.write(out);
                    open = ',';
                }
                out.push_str(if open == '{' { "{}" } else { "}" });
            }
            Self::List(items) => {
                let mut open = '[';
                for item in items {
                    out.push(open);
                    item.write(out);
                    open = ',';
                }
                out.push_str(if open == '[' { "[]" } else { "]" });
            }
        }
    }

    /// The value of the field `name`, the last one of that name.
    #[must_use]
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => {
                fields.iter().rev().find(|(field, _)| field == name).map(|(_, json)| json)
            }
            Self::Raw(_) | Self::List(_) => None,
        }
    }

    /// The value of the field `name`, to be changed.
    pub(crate) fn field_mut(&mut self, name: &str) -> Option<&mut Self> {
        match self {
            Self::Object(fields) => {
                fields.iter_mut().rev().find(|(field, _)| field == name).map(|(_, json)| json)
            }
            Self::Raw(_) | Self::List(_) => None,
        }
    }

    /// The list in the field `name`; where the field is missing or no list (null), an empty one is put there.
    /// `None` only if `self` is not an object.
    pub(crate) fn list_mut(&mut self, name: &'static str) -> Option<&mut Vec<Self>> {
        let Self::Object(fields) = self else { return None };
        let index = if let Some(index) = fields.iter().rposition(|(field, _)| field == name) {
            index
        } else {
            fields.push((Cow::Borrowed(name), Self::List(Vec::new())));
            fields.len() - 1
        };
        let (_, value) = fields.get_mut(index)?;
        if !matches!(value, Self::List(_)) {
            *value = Self::List(Vec::new());
        }
        match value {
            Self::List(items) => Some(items),
            Self::Raw(_) | Self::Object(_) => None,
        }
    }
}

/// An object's fields, as they are kept.
type FieldList<'a> = [(Cow<'a, str>, Json<'a>)];

/// Whether both objects have the same names with the same values, in any order; of two fields of one name the last counts, on
/// both sides.
fn same_fields(one: &FieldList, other: &FieldList) -> bool {
    // Nearly always the order is the same.
    let in_order = one.len() == other.len() && one.iter().zip(other).all(|((a, _), (b, _))| a == b);
    let (one, other) = (last_fields(one), last_fields(other));
    if in_order && one.len() == other.len() {
        return one.iter().zip(other.iter()).all(|((_, one), (_, other))| one.is_same(other));
    }
    one.len() == other.len()
        && one.iter().all(|(name, json)| other.get(name).is_some_and(|other| json.is_same(other)))
}

/// An object's fields by their names: the last one of each.
fn last_fields<'j, 'a>(fields: &'j FieldList<'a>) -> ByName<'j, &'j Json<'a>> {
    ByName::first(fields.iter().rev().map(|(name, json)| (name.as_ref(), json)))
}

/// `text` as a JSON string.
#[must_use]
pub(crate) fn json_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(text, &mut out);
    out
}

pub(super) fn push_quoted(text: &str, out: &mut String) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read::Shape;

    #[test]
    fn compares_objects_in_any_order_and_by_the_last_of_each_name() {
        let same = |one: &str, other: &str| {
            let [one, other] = [one, other].map(|text| Json::parse(text, &Shape::Whole).unwrap());
            assert_eq!(one.is_same(&other), other.is_same(&one), "{one:?} {other:?}");
            one.is_same(&other)
        };
        assert!(same(r#"{"a":1,"b":[{"c":2}]}"#, r#"{"b":[{"c":2}],"a":1}"#));
        assert!(same(r#"{"a":0,"a":1}"#, r#"{"a":1}"#));
        assert!(!same(r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2}"#));
        assert!(!same(r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#));
        assert!(!same(r#"{"a":1}"#, r#"{"a":1,"b":2}"#) && !same("[1]", "[1,2]") && !same("{}", "[]"));
    }
}
