//! Requests and limits of the containers that the policy adds, so that a namespace with a quota takes them.

use std::{borrow::Cow, str::FromStr};

use crate::{
    fields::Fields,
    json::Json,
    value::parse::{Accepts, Rejected},
};

/// An amount of a resource, as Kubernetes writes it (`apimachinery/pkg/api/resource/quantity.go`): `100m`, `64Mi`, `1`.
struct Quantity;

impl Accepts for Quantity {
    fn accepted() -> Cow<'static, str> {
        Cow::Borrowed("an amount such as 100m, 64Mi or 1")
    }
}

/// The suffixes of a quantity; `e3` and `E3` are powers of ten.
const SUFFIXES: [&str; 16] =
    ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl FromStr for Quantity {
    type Err = Rejected;

    /// # Errors
    /// No number, a negative one, or another suffix: `64MB`, `-1`, `a lot`.
    fn from_str(text: &str) -> Result<Self, Rejected> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let power = suffix.strip_prefix(['e', 'E']).map(str::parse::<i8>);
        let known = SUFFIXES.contains(&suffix) || matches!(power, Some(Ok(_)));
        // Not by the standard library's floats, which are 19 KB of the module.
        let number = number.len() > number.matches('.').count() && number.matches('.').count() < 2;
        if number && known { Ok(Self) } else { Err(Rejected::by::<Self>()) }
    }
}

/// Reads `name`, an object with `requests` and `limits`, and gives its JSON; `None` where it is missing.
pub(crate) fn read(fields: &mut Fields, name: &str) -> Option<String> {
    let json = fields.value(name)?;
    fields.object(name, |fields| {
        fields.known(&["requests", "limits"]);
        for name in ["requests", "limits"] {
            fields.object(name, |fields| {
                fields.all::<Quantity>();
            });
        }
    });
    let mut text = String::new();
    json.write(&mut text);
    matches!(json, Json::Object(_)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quantities_as_kubernetes_does() {
        for text in ["1", "0.5", "100m", "64Mi", "1Gi", "2e3", "1E", ".5", "5."] {
            assert!(text.parse::<Quantity>().is_ok(), "{text}");
        }
        for text in ["", "-1", "64MB", "a lot", "1 Gi", "m", ".", "1.2.3", "1ee3"] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }
}
