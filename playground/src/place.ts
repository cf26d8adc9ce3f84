// Which part of the text a message is about, by what it names: the object, and its annotation, container, variable, mount, volume or field.
import { isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { kind, nameOf, namespaceOf } from "./kubernetes.ts";
import type { Found } from "./read.ts";
import { pairOf } from "./yaml.ts";

/** A part of the text: its first character, and the one behind its last. */
export interface Place {
  from: number;
  to: number;
}

type Path = (string | number)[];

/** `Pod default/yadaapi: `: the object that a message is about, or that it speaks of next. */
const HEAD = /^(?:[^:]*: )?([A-Z][A-Za-z]+ [^\s/]+\/[^\s:]+): /;

/** The objects by their titles, as messages have them: each message is looked up here, and there can be thousands of both. */
export type Titled = Map<string, Found>;

/** Of two objects of one title the first one is found. */
export const byTitle = (objects: Found[], namespace: string): Titled =>
  new Map(objects.map((found) => [`${kind(found.object)} ${namespaceOf(found.object, namespace)}/${nameOf(found.object)}`, found] as const).reverse());

/** The place of a message of the object `found`, or of the pod that its template at `path` makes. */
export function place(message: string, found: Found, path: Path, titled: Titled): Place {
  let [rest, about, inside] = [message, found, path];
  for (let head = HEAD.exec(rest); head !== null; head = HEAD.exec(rest)) {
    const [whole, title = ""] = head;
    const other = titled.get(title);
    if (other !== undefined && other !== about) [about, inside] = [other, []];
    rest = rest.slice(whole.length);
  }
  rest = rest.replace(/^its pods will be refused: /, "");
  const root = inside.length === 0 ? about.node : at(about.node, inside);
  const spot = (root === undefined ? undefined : within(root, rest)) ?? within(about.node, rest) ?? nodePlace(pair(about.node, "kind")) ?? { from: 0, to: 0 };
  return { from: about.from + spot.from, to: about.from + spot.to };
}

/** The place of each setting that a message says something wrong of. */
export function settingPlaces(message: string, settings: Node | null): Place[] {
  const paths = [...message.matchAll(/([A-Za-z]+(?:\.[\w-]+|\[\d+\])*) (?:is|has|are) /g)].map(([, path]) => path ?? "");
  return settings === null ? [] : paths.flatMap((path) => field(settings, path) ?? []);
}

function at(node: Node | undefined, path: Path): Node | undefined {
  if (path.length === 0) return node;
  return isMap(node) || isSeq(node) ? (node.getIn(path, true) as Node | undefined) : undefined;
}

/** A name and its value in an object, or at the end of a path. */
function pair(node: Node | undefined, ...path: string[]): Pair<Node, Node | null> | undefined {
  const last = path.at(-1);
  const map = at(node, path.slice(0, -1));
  return last === undefined ? undefined : pairOf(map, last);
}

function nodePlace(part: Pair<Node, Node | null> | Node | undefined): Place | undefined {
  if (part === undefined) return undefined;
  if (!("key" in part)) return part.range === undefined || part.range === null ? undefined : { from: part.range[0], to: part.range[1] };
  const key = part.key.range;
  if (key === undefined || key === null) return undefined;
  const end = isScalar(part.value) ? part.value.range?.[1] : undefined;
  return { from: key[0], to: end ?? key[1] };
}

const items = (node: Node | undefined, ...path: Path): Node[] => {
  const list = at(node, path);
  return isSeq<Node>(list) ? list.items : [];
};
const text = (node: Node | undefined, name: string): unknown => {
  const value = at(node, [name]);
  return isScalar(value) ? value.value : undefined;
};

function within(object: Node, message: string): Place | undefined {
  const path = /^(?:spec|metadata)(?:\.[A-Za-z]+|\[\d+\])+/.exec(message)?.[0];
  if (path !== undefined) return field(object, path);
  if (/^(client id|an identity without a client id|no identity) /.test(message)) return annotation(object, "azure.workload.identity/client-id");
  if (message.startsWith("securityContext.")) return field(object, `spec.${/^[\w.]+/.exec(message)?.[0] ?? ""}`);
  return container(object, message) ?? annotation(object, message) ?? volume(object, message);
}

function field(object: Node, path: string): Place | undefined {
  const steps: Path = [...path.matchAll(/\[(\d+)\]|([\w-]+)/g)].map(([, index, name]) => name ?? Number(index));
  const last = steps.at(-1);
  const named = typeof last === "string" ? pair(at(object, steps.slice(0, -1)), last) : at(object, steps);
  return nodePlace(named);
}

function annotation(object: Node, message: string): Place | undefined {
  for (const [name] of message.matchAll(/[\w.-]+\/[\w.-]+|aadpodidbinding/g)) {
    for (const list of ["annotations", "labels"]) {
      const found = nodePlace(pair(object, "metadata", list, name));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function container(object: Node, message: string): Place | undefined {
  const name = /\bcontainer "?([\w.-]+)"?/.exec(message)?.[1];
  if (name === undefined) return undefined;
  const all = ["containers", "initContainers", "ephemeralContainers"].flatMap((list) => items(object, "spec", list));
  const found = all.find((one) => text(one, "name") === name);
  if (found === undefined) return undefined;
  const variables = new Set(message.match(/\b[A-Z][A-Z0-9_]+\b/g));
  const paths = new Set([...message.matchAll(/ at "([^"]+)"/g)].map(([, path]) => path));
  const inner = [
    ...items(found, "env").filter((one) => variables.has(String(text(one, "name")))),
    ...items(found, "volumeMounts").filter((one) => paths.has(String(text(one, "mountPath")))),
    ...items(found, "volumeDevices").filter((one) => paths.has(String(text(one, "devicePath")))),
  ][0];
  const named = /has the path of another token file in its (\w+)/.exec(message)?.[1];
  return nodePlace(inner) ?? (named === undefined ? undefined : nodePlace(pair(found, named))) ?? nodePlace(pair(found, "name"));
}

function volume(object: Node, message: string): Place | undefined {
  const name = /\bvolume "([^"]+)"/.exec(message)?.[1];
  return nodePlace(items(object, "spec", "volumes").find((one) => text(one, "name") === name));
}
