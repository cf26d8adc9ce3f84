// Federated credentials against the tokens that the pods will carry: `azwi-policy check --federated-credentials` says the same
// (runner/src/federated.rs), and a test compares them.
import { byBytes, isFields, type Json } from "./kubernetes.ts";
import type { Token } from "./token.ts";

export interface Presented extends Token {
  issuer: string;
}

interface Credential {
  name: string;
  issuer: string;
  subject: string;
  audiences: string[];
}

/** The error with which Entra refuses a token, by the part that differs. */
const ERRORS = { issuer: "AADSTS700211", subject: "AADSTS700213", case: "AADSTS7002138", audience: "AADSTS700212" } as const;
type Part = keyof typeof ERRORS;

/** Most credentials that an identity can have (Microsoft Entra, "workload identity federation considerations"). */
const CREDENTIALS_MAX = 20;

/** The credentials of a list, as `az` prints it; an exception says what is none. */
export function credentials(list: Json): Credential[] {
  if (!Array.isArray(list)) throw new Error("not a list of federated credentials");
  return list.map((one) => {
    const { name = "", issuer, subject, audiences } = isFields(one) ? one : {};
    if (typeof name !== "string" || typeof issuer !== "string" || typeof subject !== "string" || !Array.isArray(audiences) || !audiences.every((audience) => typeof audience === "string")) {
      throw new Error("a credential has no issuer, subject or audiences");
    }
    return { name, issuer, subject, audiences };
  });
}

/** A word for a shell: in quotes where something in it would mean more than itself. */
const word = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

export function create({ issuer, subject, audience }: Presented): string {
  const name = subject.split(":").pop() ?? "";
  return `az identity federated-credential create --name ${word(name)} --identity-name IDENTITY_NAME --resource-group RESOURCE_GROUP --issuer ${word(issuer)} --subject ${word(subject)} --audiences ${word(audience)}`;
}

function differs(credential: Credential, token: Presented): Part[] {
  const subject: Part = credential.subject.toLowerCase() === token.subject.toLowerCase() ? "case" : "subject";
  const parts: [Part, boolean][] = [
    ["issuer", credential.issuer === token.issuer],
    [subject, credential.subject === token.subject],
    ["audience", credential.audiences.includes(token.audience)],
  ];
  return parts.filter(([, same]) => !same).map(([part]) => part);
}

/** What is said of a token. */
function check(all: Credential[], token: Presented): string {
  const weigh = (parts: Part[]) => parts.filter((part) => part !== "case").length * 10 + parts.length;
  const nearest = all.map((credential) => ({ credential, parts: differs(credential, token) })).sort((a, b) => weigh(a.parts) - weigh(b.parts))[0];
  if (nearest === undefined) return `${token.subject}: no federated credential of ${token.clientId} is in the files\n  create it with:\n  ${create(token)}`;
  const { credential, parts } = nearest;
  const [first] = parts;
  if (first === undefined) return `${token.subject}: a federated credential fits`;
  const lines = [`${token.subject}: no federated credential of ${token.clientId} fits, Entra will answer ${ERRORS[first]}; the nearest is ${JSON.stringify(credential.name)}:`];
  for (const part of parts) {
    const field = part === "case" ? "subject" : part;
    const own = field === "audience" ? credential.audiences.join(", ") : credential[field];
    lines.push(`    ${field.padEnd(8)}  token       ${token[field]}`, `              credential  ${own}`);
  }
  return [...lines, "  create it with:", `  ${create(token)}`].join("\n");
}

/** What is said of all tokens, each once, and of the credentials that none of them needs. */
export function checkAll(all: Credential[], tokens: Presented[], issuer: string): string[] {
  const key = ({ clientId, subject, audience }: Presented) => `${clientId}\n${subject}\n${audience}`;
  const each = [...new Map(tokens.map((token) => [key(token), token])).entries()].sort(([one], [other]) => byBytes(one, other));
  const subjects = new Set(tokens.map(({ subject }) => subject));
  const unused = all.filter((credential) => credential.issuer === issuer && !subjects.has(credential.subject));
  return [
    ...each.map(([, token]) => check(all, token)),
    ...(all.length > CREDENTIALS_MAX ? [`warning: there are ${all.length} federated credentials: an identity can have ${CREDENTIALS_MAX}`] : []),
    ...unused.map(({ name, subject }) => `warning: federated credential ${JSON.stringify(name)} is for ${subject}, which no file has`),
  ];
}
