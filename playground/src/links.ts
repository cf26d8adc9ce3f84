// The whole state in the URL's fragment, which a browser sends to no server: deflated, in base64url, behind a version.
import { read, readSettings } from "./engine.ts";
import { isFields, type Json } from "./json.ts";
import { LOOK_UPS, type LookUps } from "./lookups.ts";

export interface State {
  manifests: string;
  settings: string;
  namespace: string;
  lookUps: LookUps;
  /** The cluster's issuer, and what Microsoft Entra has or said. */
  issuer: string;
  credentials: string;
}

/** What a state is without what it does not say. */
export const NOTHING: State = { manifests: "", settings: "", namespace: "default", lookUps: "manifests", issuer: "", credentials: "" };

const VERSION = "v1";

async function through(bytes: Uint8Array, stream: GenericTransformStream): Promise<Uint8Array> {
  const piped = new Blob([bytes as BlobPart]).stream().pipeThrough(stream as ReadableWritablePair<Uint8Array, BufferSource>);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

export async function write(state: State): Promise<string> {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream("deflate-raw"));
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `#${VERSION}:${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** The fragment of an address, as it was before a mail or a chat wrote it otherwise: escaped, or with the end of a sentence. */
export function fragmentOf(hash: string): string {
  try {
    return decodeURIComponent(hash).replace(/[.,;)\]>]+$/, "");
  } catch {
    return hash;
  }
}

/** The state in a fragment; an error where it is none. */
export async function open(fragment: string): Promise<State> {
  const [version, text] = fragment.replace(/^#/, "").split(":", 2);
  if (version !== VERSION || text === undefined) throw new Error(`this link is of another version: ${version ?? ""}`);
  const said = await inflate(text).catch(() => undefined);
  if (typeof said !== "object" || said === null) throw new Error("it is damaged, a part of it is missing");
  const known = Object.keys(NOTHING) as (keyof State)[];
  const state = Object.fromEntries(known.map((name) => [name, String((said as Partial<State>)[name] ?? NOTHING[name])])) as unknown as State;
  return LOOK_UPS.includes(state.lookUps) ? state : { ...state, lookUps: NOTHING.lookUps };
}

async function inflate(text: string): Promise<unknown> {
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")))) as unknown;
}

/** Names whose values are likely secrets, and those that only say where one is, or what it is called. */
const SECRET = /secret|pass|pwd|token|api_?key|(access|account|private|storage)_?key|connection_?string/i;
const ABOUT = /(name|names|id|url|uri|file|path|host|endpoint|proxy|seconds|expiration|class|type|ref|credentials)$/i;

/** What in the texts looks like a secret, and where. */
export function secrets({ manifests, settings, credentials }: State): string[] {
  const found = new Set<string>();
  for (const document of read(manifests)) if ("value" in document) search(document.value, found);
  const own = readSettings(settings);
  if ("value" in own) search(own.value, found);
  // What can't be read may hold one all the same.
  for (const text of [manifests, settings, credentials]) {
    if (/^\s*"?kind"?:\s*"?Secret\b/m.test(text)) found.add("a Secret");
    if (/:\/\/[^/\s:@]+:[^@\s/]+@/.test(text)) found.add("a password in an address");
    if (/--?(password|passwd|secret|token|api-?key)[= ]['"]?[^\s'"$-]/i.test(text)) found.add("a password in arguments");
    if (/\beyJ[\w-]{10,}\.[\w-]{10,}/.test(text)) found.add("a token");
  }
  return [...found];
}

const isSecret = (name: string, value: unknown) =>
  SECRET.test(name) && !ABOUT.test(name) && !name.startsWith("azure.workload.identity/") && ((typeof value === "string" && value !== "" && !value.includes("$(")) || typeof value === "number");

function search(value: Json, found: Set<string>) {
  if (Array.isArray(value)) value.forEach((inner) => search(inner, found));
  else if (isFields(value)) {
    const { name, value: literal } = value;
    if (typeof name === "string" && isSecret(name, literal)) found.add(`variable ${name}`);
    for (const [field, inner] of Object.entries(value)) {
      if (typeof inner === "string" && isSecret(field, inner)) found.add(`field ${field}`);
      search(inner, found);
    }
  } else if (typeof value === "string" && /^\s*\{/.test(value)) {
    // An annotation of kubectl's has the whole object again.
    try {
      search(JSON.parse(value) as Json, found);
    } catch {
      // A text that only begins like one.
    }
  }
}
