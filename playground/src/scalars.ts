// What a scalar of YAML 1.1 says to kubectl (runner/src/yaml/scalar.rs).

const TRUE = new Set(["true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"]);
const FALSE = new Set(["false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"]);

/** The value of a scalar's text. `plain` is one without quotes: only that can be something else than a text. */
export function scalar(text: string, plain: boolean, tag: string | undefined): null | boolean | number | string {
  if (tag === "tag:yaml.org,2002:str" || tag === "!str" || (tag === undefined && !plain)) return text;
  if (["", "~", "null", "Null", "NULL"].includes(text)) return null;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  return number(text) ?? text;
}

/** A number as Go reads it (`strconv.ParseInt` with base 0, and the floats of YAML): `0400` is octal. */
function number(text: string): number | undefined {
  if (!/^[-+]*[0-9.]/.test(text)) return undefined;
  const [, sign, digits = ""] = /^([-+]?)(.*)$/s.exec(text.replaceAll("_", "").toLowerCase()) ?? [];
  const [, prefix = "", rest = ""] = /^(0[xbo]|0(?=.))?(.*)$/s.exec(digits) ?? [];
  const [radix, allowed] = { "0x": [16, /^[0-9a-f]+$/] as const, "0b": [2, /^[01]+$/] as const, "0o": [8, /^[0-7]+$/] as const, "0": [8, /^[0-7]+$/] as const }[prefix] ?? [10, /^[0-9]+$/];
  const whole = allowed.test(rest) ? Number.parseInt(rest, radix) : Number.NaN;
  if (!Number.isNaN(whole) && whole < 2 ** 64) return sign === "-" ? -whole : whole;
  const float = /^(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(float) ? (sign === "-" ? -float : float) : undefined;
}
