//! What a scalar of YAML 1.1 says.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Number, Value};

/// A scalar that kubectl refuses: what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotScalar(pub(crate) String);

/// The prefix of YAML's own tags, which stand as `!!int`.
const OWN: &str = "tag:yaml.org,2002:";

/// What a scalar says: only a plain one, or one with a tag, can be something else than a text (go-yaml v2, `resolve`).
pub(crate) fn scalar(text: &str, plain: bool, tag: Option<&str>) -> Result<Value, NotScalar> {
    let refused = |problem: String| Err(NotScalar(problem));
    let tag = match tag {
        None if !plain => return Ok(Value::from(text)),
        None => return known(text),
        Some(tag) => tag.strip_prefix(OWN),
    };
    match tag {
        Some("int" | "float" | "bool" | "null" | "timestamp") => {}
        Some("binary") => {
            return binary(text).map_or_else(|| refused("!!binary, and no base64".to_owned()), Ok);
        }
        // Every other tag leaves the text as it is.
        Some(_) | None => return Ok(Value::from(text)),
    }
    let value = known(text)?;
    let fits = match (tag.unwrap_or_default(), &value) {
        ("int", Value::Number(_)) => !is_float(text),
        ("float", Value::Number(_)) | ("bool", Value::Bool(_)) | ("null", Value::Null) => true,
        ("timestamp", Value::String(text)) => is_timestamp(text),
        _ => false,
    };
    if fits {
        Ok(value)
    } else {
        refused(format!("{} is no !!{}", Value::from(text), tag.unwrap_or_default()))
    }
}

/// What a plain scalar without a tag says.
fn known(text: &str) -> Result<Value, NotScalar> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "false" | "False" | "FALSE" | "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf"
        | "-.Inf" | "-.INF" => {
            return Err(NotScalar(format!("{text} is a number that JSON has not: put it in quotes")));
        }
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    })
}

/// A plain scalar as a name: `sigs.k8s.io/yaml` makes a text of a number or a boolean, and of a float one with 32 bits.
pub(crate) fn name(text: &str) -> Option<String> {
    match known(text) {
        Err(_) => Some(text.trim_start_matches('+').to_ascii_lowercase()),
        Ok(Value::Number(number)) if number.is_f64() || is_float(text) => {
            #[allow(clippy::cast_possible_truncation)]
            let short = number.as_f64()? as f32;
            let scientific = format!("{short:e}");
            let (digits, exponent) = scientific.split_once('e')?;
            let exponent: i32 = exponent.parse().ok()?;
            // As Go's `FormatFloat` with 'g' and the shortest precision has it.
            let sign = if exponent < 0 { '-' } else { '+' };
            let is_plain = (-4..6).contains(&exponent);
            Some(if is_plain { short.to_string() } else { format!("{digits}e{sign}{:02}", exponent.abs()) })
        }
        Ok(Value::Number(number)) => Some(number.to_string()),
        Ok(Value::Bool(value)) => Some(value.to_string()),
        Ok(Value::String(text)) => Some(text),
        Ok(Value::Null | Value::Array(_) | Value::Object(_)) => None,
    }
}

fn is_float(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    !lower.starts_with("0x") && lower.contains(['.', 'e'])
}

/// Whether go-yaml takes a text for a time, by its first characters (`2026-11-25`).
fn is_timestamp(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && text.as_bytes().get(4) == Some(&b'-')
}

/// What base64 stands for, as the text that Go makes of its bytes.
fn binary(text: &str) -> Option<Value> {
    let plain: String = text.chars().filter(|c| !"\r\n".contains(*c)).collect();
    let bytes = STANDARD.decode(plain).ok()?;
    Some(Value::from(String::from_utf8_lossy(&bytes)))
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
