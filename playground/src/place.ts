// Which part of the text a finding is about: its object, and the path there.
import { isMap, isScalar, isSeq, type Node, type Pair } from "yaml";
import { kind, nameOf, namespaceOf } from "./kubernetes.ts";
import type { Found } from "./read.ts";
import { pairOf } from "./yaml.ts";

/** A part of the text: its first character, and the one behind its last. */
export interface Place {
  from: number;
  to: number;
}

/** What a place is known by. */
export interface Placed {
  object: { kind: string; namespace?: string; name?: string };
  path?: string;
}

type Path = (string | number)[];

/** The objects by their titles: each finding is looked up here, and there can be thousands of both. */
export type Titled = Map<string, Found>;

const title = (kind: string, namespace: string, name: string): string => JSON.stringify([kind, namespace, name]);

/** Of two objects of one title the first one is found. */
export const byTitle = (objects: Found[], namespace: string): Titled =>
  new Map(objects.map((found) => [title(kind(found.object), namespaceOf(found.object, namespace), nameOf(found.object)), found] as const).reverse());

/** The place of a finding about the object `found`, or about the pod that its template at `base` makes, or about one of `titled`. */
export function place({ object, path }: Placed, found: Found, base: Path, titled: Titled): Place {
  const other = object.kind === "ServiceAccount" ? titled.get(title(object.kind, object.namespace ?? "", object.name ?? "")) : undefined;
  const [about, inside] = other === undefined || other === found ? [found, base] : [other, []];
  const steps = stepsOf(path ?? "");
  const root = at(about.node, inside) ?? about.node;
  const spot = within(root, steps) ?? nodePlace(pairOf(about.node, "kind")) ?? { from: 0, to: 0 };
  return { from: about.from + spot.from, to: about.from + spot.to };
}

/** The place of each setting that a finding is about. */
export function settingPlaces(findings: Placed[], settings: Node | null): Place[] {
  if (settings === null) return [];
  return findings.flatMap(({ path }) => within(settings, stepsOf(path ?? "").slice(["spec", "settings"].length)) ?? []);
}

/** The steps of a path: `spec.containers[0]`, `metadata.annotations["a/b"]`. */
const stepsOf = (path: string): Path => [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([\w-]+)/g)].map(([, key, index, name]) => key ?? name ?? Number(index));

function at(node: Node | undefined, path: Path): Node | undefined {
  if (path.length === 0) return node;
  return isMap(node) || isSeq(node) ? (node.getIn(path, true) as Node | undefined) : undefined;
}

/** The last part on the way that is there; nothing where not even the first is. */
function within(root: Node, steps: Path): Place | undefined {
  for (let length = steps.length; length > 0; length -= 1) {
    const [last, parent] = [steps[length - 1], at(root, steps.slice(0, length - 1))];
    const found = nodePlace(typeof last === "string" ? pairOf(parent, last) : at(root, steps.slice(0, length)));
    if (found !== undefined) return found;
  }
  return undefined;
}

function nodePlace(part: Pair<Node, Node | null> | Node | undefined): Place | undefined {
  if (part === undefined) return undefined;
  if (!("key" in part)) return part.range === undefined || part.range === null ? undefined : { from: part.range[0], to: part.range[1] };
  const key = part.key.range;
  if (key === undefined || key === null) return undefined;
  const end = isScalar(part.value) ? part.value.range?.[1] : undefined;
  return { from: key[0], to: end ?? key[1] };
}
