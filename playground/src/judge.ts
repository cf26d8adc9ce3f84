// What the policy says of every object of a text: as `policy-runner try` does it, with the same module.
import { at, byBytes, canonical, creation, type Fields, isJudged, type Json, kind, nameOf, namespaceOf, runsPods, templates, written } from "./kubernetes.ts";
import { type Found, read } from "./read.ts";
import { call, type HostCall } from "./wapc.ts";

/** What came of an object. */
export interface Card {
  kind: string;
  namespace: string;
  name: string;
  outcome: "identity" | "untouched" | "refused";
  /** The refusal, line by line. */
  message: string[];
  warnings: string[];
  /** Why it is untouched, or where its ServiceAccount was looked for. */
  why?: string;
  audit: { [name: string]: string };
  before?: Json;
  after?: Json;
  /** Where it is: its document, and its path there. */
  document: number;
  path: (string | number)[];
  from: number;
  to: number;
  /** Whether `try` would leave it out, as a ServiceAccount of which there is nothing to say. */
  quiet: boolean;
}

export interface Judged {
  cards: Card[];
  broken: { message: string; from: number }[];
  passedOver: string[];
  /** What is wrong with the settings, or worth knowing. */
  settings?: { valid: boolean; message: string };
}

interface Answer {
  accepted: boolean;
  message?: string;
  warnings?: string[];
  audit_annotations?: { [name: string]: string };
  mutated_object?: Json;
}

interface LookUp {
  name: string;
  namespace: string;
}

const LABEL = "azure.workload.identity/use";
const bytes = new TextEncoder();
const text = new TextDecoder();

class Accounts {
  private readonly found = new Map<string, Json>();

  constructor(objects: Found[], namespace: string) {
    for (const { object } of objects) {
      if (kind(object) === "ServiceAccount") this.found.set(`${namespaceOf(object, namespace)}/${nameOf(object)}`, object);
    }
  }

  /** The ServiceAccount; `default` is in every namespace. */
  get({ name, namespace }: LookUp): Json | undefined {
    const found = this.found.get(`${namespace}/${name}`);
    if (found !== undefined || name !== "default") return found;
    return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } };
  }

  /** Where one was looked for that is not there. */
  notFound(lookUp: LookUp): string | undefined {
    if (this.get(lookUp) !== undefined) return undefined;
    const keys = [...this.found.keys()].sort(byBytes).map((key) => key.split("/"));
    const others = keys.filter(([namespace, name]) => name === lookUp.name && namespace !== lookUp.namespace).map(([namespace]) => namespace);
    const other = others.length === 0 ? "" : `; there is one of that name in namespace ${others.slice(0, 3).join(", ")}`;
    return `ServiceAccount ${lookUp.namespace}/${lookUp.name} is not among the files${other}`;
  }
}

/** One request, with what the host was asked. */
async function evaluate(module: WebAssembly.Module, request: Fields, settings: Json, accounts: Accounts): Promise<[Answer, LookUp[]]> {
  const lookUps: LookUp[] = [];
  const host: HostCall = (binding, namespace, operation, payload) => {
    const asked = `${binding}/${namespace}/${operation}`;
    if (asked === "kubewarden/tracing/log") return new Uint8Array();
    if (asked !== "kubewarden/kubernetes/get_resource") throw new Error(`unknown operation: ${binding} ${namespace}/${operation}`);
    const wanted = JSON.parse(text.decode(payload)) as LookUp;
    lookUps.push(wanted);
    const account = accounts.get(wanted);
    if (account === undefined) {
      throw new Error(`Callback evaluation failure: Cannot find v1/ServiceAccount named '${wanted.name}' inside of namespace 'Some("${wanted.namespace}")'`);
    }
    return bytes.encode(canonical(account));
  };
  // An API server sends the names of an object in their order.
  const answer = await call(module, "validate", canonical({ request, settings }), host);
  return [JSON.parse(answer) as Answer, lookUps];
}

function whyUntouched(object: Json, lookUps: LookUp[], accounts: Accounts, answer: Answer): string | undefined {
  const first = lookUps[0];
  const notFound = first === undefined ? undefined : accounts.notFound(first);
  if (!answer.accepted) return notFound;
  if (kind(object) !== "Pod") return undefined;
  if (answer.audit_annotations !== undefined) return "it has its identity already";
  if (at(object, "metadata", "labels", LABEL) === "false") return `its label ${LABEL} is "false"`;
  if (answer.warnings !== undefined) return undefined;
  return `no label asks for an identity${notFound === undefined ? "" : `; ${notFound}`}`;
}

/** Judges the objects of a text. `settings` is the settings' JSON. */
export async function judge(module: WebAssembly.Module, manifests: string, settings: Json, namespace: string): Promise<Judged> {
  const { objects, broken, passedOver } = read(manifests);
  const judged: Judged = { cards: [], broken, passedOver };
  const checked = JSON.parse(await call(module, "validate_settings", canonical(settings), () => new Uint8Array())) as { valid: boolean; message?: string };
  if (checked.message !== undefined && checked.message !== null) judged.settings = { valid: checked.valid, message: checked.message };
  if (!checked.valid) return judged;
  const accounts = new Accounts(objects, namespace);
  let said = new Set<string>();
  const one = async (found: Found, object: Fields, path: (string | number)[], part: "whole" | "workload" | "pod") => {
    const place = { document: found.document, path: [...found.path, ...path], from: found.from, to: found.to };
    let request: Fields | undefined;
    try {
      request = creation(object, namespace);
    } catch (error) {
      judged.broken.push({ message: error instanceof Error ? error.message : String(error), from: found.from });
      return;
    }
    const base = { ...place, kind: kind(object), namespace: namespaceOf(object, namespace), name: nameOf(object) };
    if (request === undefined) {
      if (runsPods(object)) judged.passedOver.push(`${base.kind} ${base.name} is not judged; its pods are, when they are created`);
      return;
    }
    const [answer, lookUps] = await evaluate(module, request, settings, accounts);
    const before = request["object"] as Json;
    const sentence = (warning: string) => warning.split(": ").slice(1).join(": ");
    const warnings = (answer.warnings ?? []).filter((warning) => !said.has(sentence(warning)));
    if (part === "workload") for (const warning of warnings) said.add(sentence(warning));
    const why = whyUntouched(before, lookUps, accounts, answer);
    const after = answer.accepted ? (answer.mutated_object ?? before) : before;
    const outcome = !answer.accepted ? "refused" : answer.mutated_object === undefined ? "untouched" : "identity";
    const quiet = base.kind === "ServiceAccount" && answer.accepted && warnings.length === 0 && objects.length > 1;
    const card: Card = { ...base, outcome, message: (answer.message ?? "").split("\n"), warnings, audit: answer.audit_annotations ?? {}, before, after, quiet };
    if (why !== undefined) card.why = why;
    if (at(object, "metadata", "name") === undefined) card.name += "*";
    judged.cards.push(card);
  };
  for (const found of objects) {
    const all = templates(found.object);
    if (all.is === "patch") {
      judged.passedOver.push(`${kind(found.object)} ${nameOf(found.object)} has no containers, it looks like a patch: judge \`kubectl kustomize DIR\``);
    } else if (all.is === "workload") {
      await one(found, found.object, [], "workload");
      await one(found, all.pod.pod, all.pod.path, "pod");
      said = new Set();
    } else if (all.is === "unknown") {
      for (const { pod, path } of all.pods) {
        judged.passedOver.push(`${kind(found.object)} ${nameOf(found.object)}: a kind that the policy does not judge; its pods, by ${written(path)}`);
        await one(found, pod, path, "whole");
      }
    } else {
      await one(found, found.object, [], "whole");
    }
  }
  if (judged.cards.length === 0 && objects.length > 0 && !objects.some(({ object }) => isJudged(object))) {
    judged.passedOver.push(`nothing for the policy among the ${objects.length} objects`);
  }
  return judged;
}
