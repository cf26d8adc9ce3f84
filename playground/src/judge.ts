// One run: the engine's questions go to the policy's module, and its answers back to the engine.
import type { Place } from "./engine.ts";
import type { Json } from "./json.ts";
import type { Modules } from "./modules.ts";
import { failure, type LookUps } from "./lookups.ts";
import { call, Guest, type HostCall } from "./wapc.ts";
import { wordsOf } from "./errors.ts";

/** Something that is said, and the part of the text that it is about. */
export interface Said extends Place {
  text: string;
  fix: string;
  /** The objects that it hits, in brackets. */
  hits: string;
  /** What to paste, if there is something. */
  paste: string | null;
  severity: "error" | "warning" | "unknown";
}

/** What a pod presents to Microsoft Entra, and the command that creates its federated credential. */
export interface Token {
  clientId: string;
  issuer: string;
  subject: string;
  audience: string;
  command: string;
}

/** The result for an object. */
export interface Card {
  kind: string;
  namespace: string;
  name: string;
  outcome: "identity" | "untouched" | "refused";
  /** The reasons of a refusal, and how many more there are. */
  mistakes: Said[];
  more: number;
  warnings: Said[];
  /** What is said of its ServiceAccount, at the ServiceAccount. */
  elsewhere: Said[];
  /** Why it is untouched. */
  why?: string;
  /** What it is a pod of, if the policy does not judge that. */
  heading?: string;
  audit: { [name: string]: string };
  /** The object as it went in, and as it comes out; nothing where it is the same. */
  before?: Json;
  after?: Json;
  /** What it gets, a line each. */
  added?: string[];
  /** The body of the token that the kubelet will project. */
  token?: Json;
  /** Where it is in its document; nothing where its parts are from several places. */
  path?: (string | number)[];
  from: number;
  to: number;
  tokens: Token[];
  isAccount: boolean;
  /** Whether the terminal would leave it out, as a ServiceAccount of which there is nothing to say. */
  quiet: boolean;
}

/** What is said of no object that is judged. */
export interface Remark {
  message: string;
  from: number;
  line: number;
  severity: "error" | "warning" | "unknown";
}

/** What is wrong with the settings, or worth knowing. */
export interface OfSettings {
  valid: boolean;
  message: string;
  paths: string[];
}

export interface Judged {
  cards: Card[];
  broken: Remark[];
  /** What was read, and is likely not what was meant. */
  doubts: Remark[];
  passedOver: string[];
  tokens: Token[];
  /** What is said of the credentials; nothing where there are none. */
  credentials: { lines: string[] } | { error: string } | null;
  /** The words of `azwi-policy check`. */
  report: string;
  settings?: OfSettings;
}

/** What is asked. */
export interface Question {
  manifests: string;
  settings: Json;
  /** The namespace of objects that name none. */
  namespace: string;
  lookUps: LookUps;
  issuer?: string;
  credentials?: string;
}

export const NOTHING: Judged = { cards: [], broken: [], doubts: [], passedOver: [], tokens: [], credentials: null, report: "" };

const text = new TextDecoder();

/** What the policy says of the settings alone. */
async function ofSettings(policy: WebAssembly.Module, settings: Json): Promise<OfSettings> {
  const answer = await call(policy, "findings", JSON.stringify({ settings }), () => new Uint8Array());
  const { response, findings, omitted } = JSON.parse(answer) as { response: { valid: boolean }; findings: { message: string; path?: string }[]; omitted: number };
  const more = omitted === 0 ? [] : [`${omitted} more`];
  return { ...response, message: [...findings.map(({ message }) => message), ...more].join("; "), paths: findings.flatMap(({ path }) => path ?? []) };
}

/** Judges the objects of a text; `working` is called before each. */
export async function judge({ policy, engine }: Modules, question: Question, working = () => {}): Promise<Judged> {
  const settings = await ofSettings(policy, question.settings);
  const said = settings.paths.length > 0 || settings.message !== "" ? { settings } : {};
  if (!settings.valid) return { ...NOTHING, ...said };
  const guest = await Guest.start(engine, () => new Uint8Array());
  const { lookUps, ...asked } = question;
  const { questions } = JSON.parse(guest.call("begin", JSON.stringify({ ...asked, failure: failure(lookUps) }))) as { questions: number };
  const host: HostCall = (binding, namespace, operation, payload) => {
    const wanted = `${binding}/${namespace}/${operation}`;
    if (wanted === "kubewarden/tracing/log") return new Uint8Array();
    if (wanted !== "kubewarden/kubernetes/get_resource") throw new Error(`unknown operation: ${binding} ${namespace}/${operation}`);
    try {
      return guest.bytes("look_up", payload);
    } catch (error) {
      // The recorded text names the account that was asked for then.
      const { name } = JSON.parse(text.decode(payload)) as { name: string };
      throw new Error(wordsOf(error).replaceAll(/(?<=serviceaccounts \\*")forbidden|(?<=named ')missing/g, name));
    }
  };
  for (let index = 0; index < questions; index += 1) {
    working();
    const payload = guest.call("question", String(index));
    try {
      guest.call("answer", await call(policy, "findings", payload, host));
    } catch (error) {
      guest.call("failed", wordsOf(error));
    }
  }
  return { ...(JSON.parse(guest.call("finish", "")) as Judged), ...said };
}
