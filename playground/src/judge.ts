// What the policy says of every object of a text: as `azwi-policy check` does it, with the same module.
import { at, canonical, type Fields, isJudged, isReview, type Json, kind, nameOf, namespaceOf, NotKubernetes, requestOf, runsPods, templates, written } from "./kubernetes.ts";
import { Accounts, type LookUp, type LookUps, sameAccounts } from "./accounts.ts";
import { byTitle, type Place, place, type Placed, type Titled } from "./place.ts";
import { type Found, read, type Remark } from "./read.ts";
import { type Token, tokensOf } from "./token.ts";
import { call, type HostCall } from "./wapc.ts";

/** Something that the policy says, and the part of the text that it is about. */
export interface Said extends Place {
  text: string;
  /** What to paste, if there is something. */
  paste?: string;
}

/** A reason of a refusal: what is wrong, and what introduces what is pasted. */
export interface Mistake extends Said {
  fix: string;
}

/** The result for an object. */
export interface Card {
  kind: string;
  namespace: string;
  name: string;
  outcome: "identity" | "untouched" | "refused";
  /** The refusal, line by line. */
  message: string[];
  /** Its reasons, and how many more there are. */
  mistakes: Mistake[];
  more: number;
  warnings: Said[];
  /** Why it is untouched, or where its ServiceAccount was looked for. */
  why?: string;
  audit: { [name: string]: string };
  /** The object as it went in, and as it comes out; nothing where it is the same. */
  before?: Json;
  after?: Json;
  /** Where it is: its path in its document. */
  path: (string | number)[];
  from: number;
  to: number;
  /** What its pods present to Microsoft Entra, and whether it is a ServiceAccount, whose pods may not be here. */
  tokens: Token[];
  isAccount: boolean;
  /** Whether `check` would leave it out, as a ServiceAccount of which there is nothing to say. */
  quiet: boolean;
}

export interface Judged {
  cards: Card[];
  broken: Remark[];
  /** What was read, and is likely not what was meant. */
  doubts: Remark[];
  passedOver: string[];
  /** What is wrong with the settings, or worth knowing. */
  settings?: { valid: boolean; message: string; findings: Finding[] };
}

interface Answer {
  accepted: boolean;
  message?: string;
  warnings?: string[];
  audit_annotations?: { [name: string]: string };
  mutated_object?: Json;
}

/** A reason of a refusal, or a warning, as the module's function `findings` exports it; what the page reads of it. */
export interface Finding extends Placed {
  rule: string;
  severity: "error" | "warning";
  container?: string;
  message: string;
  fix?: string;
  command?: string;
  manifest?: string;
  link?: string;
}

/** What `findings` answers about a request, or about settings alone. */
interface Examination<Response> {
  response: Response;
  findings: Finding[];
  omitted: number;
}

/** What the policy is asked. */
export interface Question {
  manifests: string;
  settings: Json;
  /** The namespace of objects that name none. */
  namespace: string;
  lookUps: LookUps;
}

const LABEL = "azure.workload.identity/use";
/** Most reasons of a refusal that are shown. */
const MISTAKES_MAX = 10;
const bytes = new TextEncoder();
const text = new TextDecoder();

/** One request, with what the host was asked. */
async function evaluate(module: WebAssembly.Module, request: Fields, settings: Json, accounts: Accounts): Promise<[Examination<Answer>, LookUp[]]> {
  const lookUps: LookUp[] = [];
  const host: HostCall = (binding, namespace, operation, payload) => {
    const asked = `${binding}/${namespace}/${operation}`;
    if (asked === "kubewarden/tracing/log") return new Uint8Array();
    if (asked !== "kubewarden/kubernetes/get_resource") throw new Error(`unknown operation: ${binding} ${namespace}/${operation}`);
    const wanted = JSON.parse(text.decode(payload)) as LookUp;
    lookUps.push(wanted);
    return bytes.encode(canonical(accounts.answer(wanted)));
  };
  // An API server sends the names of an object in their order.
  const answer = await call(module, "findings", canonical({ request, settings }), host);
  return [JSON.parse(answer) as Examination<Answer>, lookUps];
}

/** What is wrong with the settings, or worth knowing of them. */
async function examineSettings(module: WebAssembly.Module, settings: Json): Promise<{ valid: boolean; message: string; findings: Finding[] }> {
  const answer = await call(module, "findings", canonical({ settings }), () => new Uint8Array());
  const { response, findings, omitted } = JSON.parse(answer) as Examination<{ valid: boolean }>;
  const more = omitted === 0 ? [] : [`${omitted} more`];
  return { ...response, message: [...findings.map(({ message }) => message), ...more].join("; "), findings };
}

/** What tells a warning of a workload from the same one of its pod: all but the object. */
const keyOf = ({ rule, container, message }: Finding): string => JSON.stringify([rule, container, message]);

/**
 * The lines whose warnings were not said before. They are in the order of the warnings, whose keys are `keys`; where there are more warnings
 * than an answer holds, its last line counts the rest.
 */
function notSaid(lines: Said[], keys: string[], said: Set<string>): Said[] {
  const own = keys.length > lines.length ? lines.length - 1 : keys.length;
  return lines.filter((_, index) => !(index < own ? keys.slice(index, index + 1) : keys.slice(own)).every((key) => said.has(key)));
}

function whyUntouched(object: Json, lookUps: LookUp[], accounts: Accounts, answer: Answer): string | undefined {
  const first = lookUps[0];
  const notFound = first === undefined ? undefined : accounts.notFound(first);
  if (!answer.accepted) return notFound;
  if (kind(object) !== "Pod") return undefined;
  if (answer.audit_annotations !== undefined) return "it has its identity already";
  if (at(object, "metadata", "labels", LABEL) === "false") return `its label ${LABEL} is "false"`;
  if (answer.warnings !== undefined) return undefined;
  return notFound === undefined ? "neither the pod nor its ServiceAccount has the label" : `can't tell: the pod has no label, and its ${notFound}`;
}

/** A part of the text that is judged. */
interface Part {
  found: Found;
  /** What is judged: the object, or the pod that it would make. */
  object: Fields;
  /** Where that stands in the object, and where the paths of its findings begin. */
  path: (string | number)[];
  base: (string | number)[];
  /** Whether its pod is judged next, which then does not say the same again. */
  isWorkload: boolean;
}

/** What of an object is judged: itself, its pods, or both. What is passed over is added to `passedOver`. */
function partsOf(found: Found, passedOver: string[]): Part[] {
  const { object } = found;
  const name = `${kind(object)} ${nameOf(object)}`;
  const part = (object: Fields, path: (string | number)[]): Part => ({ found, object, path, base: path, isWorkload: false });
  const all = templates(object);
  switch (all.is) {
    case "patch":
      passedOver.push(`${name} has no containers, it looks like a patch: judge \`kubectl kustomize DIR\``);
      return [];
    case "workload":
      return [{ ...part(object, []), isWorkload: true }, part(all.pod.pod, all.pod.path)];
    case "unknown":
      passedOver.push(...all.pods.map(({ path }) => `${name}: a kind that the policy does not judge; its pods, by ${written(path)}`));
      return all.pods.map(({ pod, path }) => part(pod, path));
    case "nothing":
      return [part(object, isReview(object) ? ["request", "object"] : [])];
  }
}

/** What every part of a text is judged with. */
interface Around {
  module: WebAssembly.Module;
  question: Question;
  accounts: Accounts;
  titled: Titled;
  /** Whether there are several objects: then one of which there is nothing to say is not worth a line. */
  several: boolean;
}

/** Judges the objects of a text; `working` is called before each. */
export async function judge(module: WebAssembly.Module, question: Question, working = () => {}): Promise<Judged> {
  const { objects, broken, doubts, passedOver } = read(question.manifests, working);
  const judged: Judged = { cards: [], broken, doubts: [...doubts, ...sameAccounts(objects)], passedOver };
  const checked = await examineSettings(module, question.settings);
  if (checked.findings.length > 0) judged.settings = checked;
  if (!checked.valid) return judged;
  const { namespace, lookUps } = question;
  const around = { module, question, accounts: new Accounts(objects, namespace, lookUps), titled: byTitle(objects, namespace), several: objects.length > 1 };
  for (const found of objects) {
    working();
    const said = new Set<string>();
    for (const part of partsOf(found, passedOver)) {
      try {
        const card = await judgePart(around, part, said);
        if (card !== undefined) judged.cards.push(card);
        else if (runsPods(part.object)) passedOver.push(`${kind(part.object)} ${nameOf(part.object)} is not judged; its pods are, when they are created`);
      } catch (error) {
        if (!(error instanceof NotKubernetes)) throw error;
        broken.push({ message: error.message, from: found.from + (found.node.range?.[0] ?? 0) });
      }
    }
  }
  if (judged.cards.length === 0 && objects.length > 0 && !objects.some(({ object }) => isJudged(object))) {
    passedOver.push(`nothing for the policy among the ${objects.length} objects`);
  }
  return judged;
}

/** The result for a part; nothing where the policy does not look at its kind. `said` is what was said of its workload. */
async function judgePart(around: Around, part: Part, said: Set<string>): Promise<Card | undefined> {
  const { found, object, path, base } = part;
  const { module, accounts, titled, question } = around;
  const { namespace, settings } = question;
  const request = requestOf(object, namespace);
  if (request === undefined) return undefined;
  const [{ response: answer, findings, omitted }, lookUps] = await evaluate(module, request, settings, accounts);
  const before = request["object"] as Json;
  const told = findings.filter(({ severity }) => severity === "warning");
  const keys = told.map(keyOf);
  const pasteOf = ({ command, manifest, link }: Finding) => command ?? manifest ?? link;
  const placed = (text: string, finding?: Finding): Said => {
    const paste = finding && pasteOf(finding);
    const at = finding ?? { object: { kind: kind(before) } };
    return { text, ...place(at, found, base, titled), ...(paste === undefined ? {} : { paste }) };
  };
  const warnings = notSaid((answer.warnings ?? []).map((text, index) => placed(text, told[index])), keys, said);
  if (part.isWorkload) for (const key of keys) said.add(key);
  const errors = findings.filter(({ severity }) => severity === "error");
  const title = `${kind(before)} ${namespaceOf(before, namespace)}/${nameOf(before)}`;
  const mistakes = errors.slice(0, MISTAKES_MAX).map((finding): Mistake => {
    const { kind, namespace = "", name } = finding.object;
    // The card says already which object it is about.
    const whose = name === undefined || `${kind} ${namespace}/${name.replace(/\*$/, "")}` === title ? "" : `${kind} ${namespace}/${name}: `;
    return { ...placed(`${whose}${finding.message}`, finding), fix: finding.fix ?? "" };
  });
  const why = whyUntouched(before, lookUps, accounts, answer);
  const after = answer.accepted ? answer.mutated_object : undefined;
  const isAccount = kind(before) === "ServiceAccount";
  return {
    kind: kind(before),
    namespace: namespaceOf(before, namespace),
    name: `${nameOf(before)}${at(before, "metadata", "name") === undefined ? "*" : ""}`,
    outcome: !answer.accepted ? "refused" : after === undefined ? "untouched" : "identity",
    message: (answer.message ?? "").split("\n").filter((line) => line !== ""),
    mistakes,
    more: answer.accepted ? 0 : errors.length - mistakes.length + omitted,
    warnings,
    audit: answer.audit_annotations ?? {},
    path: [...found.path, ...path],
    from: found.from,
    to: found.to,
    tokens: answer.accepted && (!isAccount || at(before, "metadata", "labels", LABEL) === "true") ? tokensOf(after ?? before, answer.audit_annotations ?? {}, settings) : [],
    isAccount,
    quiet: isAccount && answer.accepted && warnings.length === 0 && around.several,
    ...(why === undefined ? {} : { why }),
    ...(after === undefined ? {} : { before, after }),
  };
}
