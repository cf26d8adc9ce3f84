// What an AADSTS message means for these pods: which of issuer, subject and audience differs, and from what.
import { errors } from "virtual:entra";
import { create, type Presented } from "./federated.ts";

type Part = "issuer" | "subject" | "audience";

/** The part of the token that Entra says it found in no federated credential, and its text there. */
function refused(message: string): [Part, string] | undefined {
  const [, part, text] = /presented assertion (issuer|subject|audience) ['"]([^'"]*)['"]/.exec(message) ?? [];
  return part === undefined || text === undefined ? undefined : [part as Part, text];
}

/** What a message of Microsoft Entra means; nothing where it has no code. */
export function explain(message: string, tokens: Presented[]): string | undefined {
  const codes = [...new Set(message.match(/AADSTS\d+/g))];
  if (codes.length === 0) return undefined;
  return codes.map((code) => [meaning(code, message), ...compare(message, tokens)].join("\n")).join("\n");
}

/** From Troubleshooting's table: of two rows with one code, the one whose words are in the message. */
function meaning(code: string, message: string): string {
  const rows = errors.filter(({ codes }) => codes.includes(code));
  const row = rows.find(({ words }) => words !== "" && message.includes(words)) ?? rows.find(({ words }) => words === "") ?? rows[0];
  return row === undefined ? `${code} is not in Troubleshooting` : `${code}: ${row.meaning}`;
}

function compare(message: string, tokens: Presented[]): string[] {
  const found = refused(message);
  if (found === undefined) return [];
  const [part, text] = found;
  // An issuer that was not typed in is not compared.
  const known = tokens.filter((token) => token[part] !== "" && token[part] !== "ISSUER");
  return known.flatMap((token) => {
    if (token[part] !== text) {
      return [`It is about another token than this pod's: the ${part} differs`, `    ${part.padEnd(8)}  message  ${text}`, `              pod      ${token[part]}`];
    }
    return [`It is about this pod's token: the identity ${token.clientId} has no federated credential with this ${part}; create it with:`, create(token)];
  });
}
