// The whole state in the URL's fragment, which a browser sends to no server: deflated, in base64url, behind a version.
import errors from "../../test_data/host-errors.json";
import type { LookUps } from "./accounts.ts";
import { at, isFields, type Json, kind } from "./kubernetes.ts";
import { read, readSettings } from "./read.ts";

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

/** How look-ups can be answered. */
export const LOOK_UPS = ["manifests", ...Object.keys(errors.texts).filter((name) => name !== "not found")] as LookUps[];

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

/** The state in a fragment; an error where it is none. */
export async function open(fragment: string): Promise<State> {
  const [version, text] = fragment.replace(/^#/, "").split(":", 2);
  if (version !== VERSION || text === undefined) throw new Error(`this link is of another version: ${version ?? ""}`);
  const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const said = JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream("deflate-raw")))) as Partial<State>;
  const known = Object.keys(NOTHING) as (keyof State)[];
  const state = Object.fromEntries(known.map((name) => [name, String(said[name] ?? NOTHING[name])])) as unknown as State;
  return LOOK_UPS.includes(state.lookUps) ? state : { ...state, lookUps: NOTHING.lookUps };
}

/** Names of variables whose values are likely secrets. */
const SECRET = /secret|password|passwd|token|api_?key|connection_?string/i;

/** What in the manifests and in the settings looks like a secret, and where. */
export function secrets(manifests: string, settings: string): string[] {
  const found: string[] = [];
  const own = readSettings(settings);
  if ("value" in own) search(own.value, found);
  for (const { object } of read(manifests).objects) {
    if (kind(object) === "Secret") found.push(`Secret ${String(at(object, "metadata", "name") ?? "")}`);
    search(object, found);
  }
  return found;
}

function search(value: Json, found: string[]) {
  if (Array.isArray(value)) value.forEach((inner) => search(inner, found));
  else if (isFields(value)) {
    const { name, value: literal } = value;
    // Where a secret is, or what it is called, is none.
    const about = /(name|id|url|uri|file|path|host|endpoint)$/i;
    if (typeof name === "string" && typeof literal === "string" && literal !== "" && SECRET.test(name) && !about.test(name) && !/^(\/|\$\()/.test(literal)) {
      found.push(`variable ${name}`);
    }
    Object.values(value).forEach((inner) => search(inner, found));
  }
}
