// Federated credentials against the tokens that the pods will carry: `policy-runner try --federated-credentials` says the same
// (runner/src/federated.rs), and a test compares them.
export interface Presented {
  clientId: string;
  issuer: string;
  subject: string;
  audience: string;
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

export function credentials(json: string): Credential[] {
  const read = JSON.parse(json) as Partial<Credential>[];
  if (!Array.isArray(read)) throw new Error("not a list of federated credentials");
  return read.map(({ name = "", issuer, subject, audiences }) => {
    if (typeof issuer !== "string" || typeof subject !== "string" || !Array.isArray(audiences)) {
      throw new Error("a credential has no issuer, subject or audiences");
    }
    return { name, issuer, subject, audiences };
  });
}

export function create({ issuer, subject, audience }: Presented): string {
  const name = subject.split(":").pop() ?? "";
  return `az identity federated-credential create --name ${name} --identity-name IDENTITY_NAME --resource-group RESOURCE_GROUP --issuer ${issuer} --subject ${subject} --audiences ${audience}`;
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
export function check(all: Credential[], token: Presented): string {
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
