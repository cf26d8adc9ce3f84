//! What a scalar of YAML 1.1 says.

use saphyr_parser::ScalarStyle;
use serde_json::{Number, Value};

/// What a scalar says: only a plain one can be something else than a text.
pub(crate) fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Value {
    match tag {
        Some("str" | "tag:yaml.org,2002:str") => return Value::from(text),
        None if style != ScalarStyle::Plain => return Value::from(text),
        Some(_) | None => {}
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::from(text))
}

/// A number as Go reads it (`strconv.ParseInt` with base 0, and the floats of YAML): `0400` is octal.
fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix(['-', '+']) {
        Some(digits) => (plain.starts_with('-'), digits),
        None => (false, plain.as_str()),
    };
    let first = text.trim_start_matches(['-', '+']).chars().next();
    if !first.is_some_and(|c| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let lower = digits.to_ascii_lowercase();
    let (radix, rest) = match lower.get(..2) {
        Some("0x") => (16, lower.get(2..)?),
        Some("0b") => (2, lower.get(2..)?),
        Some("0o") => (8, lower.get(2..)?),
        Some(_) if lower.starts_with('0') => (8, lower.get(1..)?),
        Some(_) | None => (10, lower.as_str()),
    };
    // Its sign stands before all of it.
    if !rest.starts_with('+')
        && let Ok(number) = u64::from_str_radix(rest, radix).map(i128::from)
    {
        let number = if negative { -number } else { number };
        let whole = i64::try_from(number).map(Value::from);
        if let Ok(whole) = whole.or_else(|_| u64::try_from(number).map(Value::from)) {
            return Some(whole);
        }
    }
    let is_float =
        lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'))
            && lower.bytes().any(|byte| byte.is_ascii_digit());
    let float: f64 = plain.trim_start_matches('+').parse().ok().filter(|_| is_float)?;
    // As Go's JSON writes it: without a fraction where there is none.
    #[allow(clippy::cast_possible_truncation)]
    let whole = (float.fract() == 0.0 && float.abs() < 9e18).then(|| Value::from(float as i64));
    whole.or_else(|| Number::from_f64(float).map(Value::Number))
}
