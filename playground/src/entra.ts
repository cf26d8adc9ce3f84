// What Microsoft Entra has or said, against the tokens of these pods: which of issuer, subject and audience differs, and from what.
import { errors } from "virtual:entra";
import type { Judged, Token } from "./judge.ts";

type Part = "issuer" | "subject" | "audience";

/** What stands for an issuer that was not typed in. */
export const ISSUER = "ISSUER";

/** What is said of the third tab's text; nothing where it is empty. */
export function words(text: string, issuer: string, { tokens, credentials }: Judged): string | undefined {
  if (text.trim() === "") return undefined;
  const isJson = canBeParsed(text);
  if (!isJson && /AADSTS\d/.test(text)) return explain(text, tokens);
  if (tokens.length === 0) return "No pod here gets an identity: there is nothing to compare.";
  if (credentials === null || "error" in credentials) {
    const why = credentials === null ? "it is not JSON" : credentials.error;
    return `That is neither an AADSTS message nor what az identity federated-credential list -o json prints: ${why}`;
  }
  if (issuer === "") return "The cluster's issuer is not given: without it nothing can be compared.";
  return credentials.lines.join("\n");
}

function canBeParsed(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What a message means, or each of several. */
function explain(text: string, presented: Token[]): string {
  // A log may have escaped its quotes, and broken its lines.
  const plain = text.replaceAll("\\u0027", "'").replaceAll('\\"', '"').replaceAll(/\s+/g, " ");
  const said = plain.split(/(?=AADSTS\d)/).filter((part) => part.startsWith("AADSTS"));
  return [...new Set(said.map((message) => [meaning(message), ...compare(message, presented)].join("\n")))].join("\n");
}

/** From Troubleshooting's table: of two rows with one code, the one whose words are in the message. */
function meaning(message: string): string {
  const code = /^AADSTS\d+/.exec(message)?.[0] ?? "";
  const rows = errors.filter(({ codes }) => codes.includes(code));
  const row = rows.find(({ words }) => words !== "" && message.includes(words)) ?? rows.find(({ words }) => words === "") ?? rows[0];
  return row === undefined ? `${code} is not in Troubleshooting` : `${code}: ${row.meaning}`;
}

/** The parts of the token that a message quotes, as Entra says it today and as it said it before 2024. */
function quoted(message: string): [Part, string][] {
  const found = message.matchAll(/(?:presented assertion|Assertion) (issuer|subject|audience):? ['"]([^'"]*)['"]/gi);
  return [...found].map(([, part, text]) => [(part ?? "").toLowerCase() as Part, text ?? ""]);
}

function compare(message: string, presented: Token[]): string[] {
  const parts = quoted(message);
  if (parts.length === 0) return [];
  if (presented.length === 0) return ["No pod here gets an identity: there is nothing to compare it with."];
  // An issuer that was not typed in is not compared.
  const known = parts.filter(([part]) => part !== "issuer" || presented.every(({ issuer }) => issuer !== ISSUER));
  if (known.length === 0) return ["The cluster's issuer is not given: whether it is about this pod's token can't be told."];
  const names = (some: [Part, string][]) => some.map(([part]) => part).join(" and ");
  const meant = presented.filter((token) => known.every(([part, text]) => token[part] === text));
  if (meant.length > 0) {
    return meant.flatMap((token) => [`It is about this pod's token: the identity ${token.clientId} has no federated credential with this ${names(known)}; create it with:`, token.command]);
  }
  return presented.flatMap((token) => {
    const others = known.filter(([part, text]) => token[part] !== text);
    const lines = others.flatMap(([part, text]) => [`    ${part.padEnd(8)}  message  ${text}`, `              pod      ${token[part]}`]);
    return [`It is about another token than this pod's: the ${names(others)} differs`, ...lines];
  });
}
