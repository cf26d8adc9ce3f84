// The object as it comes out, in the user's own YAML: what the policy changes goes into the document, whose comments stay.
import { type Document, isAlias, isMap, isSeq, type Node, type Pair, visit } from "yaml";
import { parse } from "./engine.ts";
import { at, canonical, isFields, type Json } from "./json.ts";
import { documentOf, nodeOf, pairOf, textOf } from "./yaml.ts";

type Path = (string | number)[];

/** The document's text as it is and as it comes out, where what stands at `path` becomes `after` from `before`. */
export function difference(text: string, path: Path, before: Json, after: Json): [string, string] {
  const json = parseJson(text);
  if (json !== undefined) return [JSON.stringify(json, null, 2), JSON.stringify(changed(json, path, partOf(after)), null, 2)];
  const document = documentOf(text);
  expandAliases(document);
  const own = textOf(document);
  const place = path.length === 0 ? document.contents : (document.getIn(path, true) as Node | undefined);
  document.setIn(path, put(place ?? null, before, after));
  const out = textOf(document);
  const says = (text: string) => canonical(at(parse(text), ...path, "spec") ?? null);
  if (says(out) === canonical(partOf(after))) return [own, out];
  // A name that is there twice, or a merge key that counts more than what stands before it: then without the comments.
  const whole = documentOf("");
  whole.contents = nodeOf(changed(parse(text), path, partOf(after))) as typeof whole.contents;
  return [own, textOf(whole)];
}

/** What the policy changes of an object. */
const partOf = (object: Json): Json => at(object, "spec") ?? null;

function parseJson(text: string): Json | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** The value with another `spec` in the object at `path`. */
function changed(value: Json, path: Path, after: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return isFields(value) ? { ...value, spec: after } : value;
  if (Array.isArray(value)) return value.map((item, index) => (index === step ? changed(item, rest, after) : item));
  return isFields(value) ? { ...value, [step]: changed(value[step] ?? null, rest, after) } : value;
}

/** Puts a copy in place of each alias: the policy changes one place, and not all that say the same. */
function expandAliases(document: Document) {
  visit(document, {
    Alias(_, alias) {
      const copy = alias.resolve(document)?.clone() as Node | undefined;
      if (copy === undefined) return undefined;
      if ("anchor" in copy) delete copy.anchor;
      return copy;
    },
  });
  visit(document, {
    Node(_, node) {
      if (!isAlias(node)) delete node.anchor;
    },
  });
}

/** The node that says `after`: the same one as far as it can be, with what is new in it. */
function put(node: Node | null, before: Json | undefined, after: Json): Node {
  if (node !== null && before !== undefined && canonical(before) === canonical(after)) return node;
  if (isMap<Node, Node | null>(node) && isFields(before) && isFields(after)) {
    for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) node.delete(name);
    for (const [name, value] of Object.entries(after)) {
      if (before[name] !== undefined && canonical(before[name]) === canonical(value)) continue;
      const pair: Pair<Node, Node | null> | undefined = pairOf(node, name);
      if (pair === undefined) node.set(nodeOf(name), nodeOf(value));
      else pair.value = put(pair.value, before[name], value);
    }
    return node;
  }
  if (isSeq<Node | null>(node) && Array.isArray(before) && Array.isArray(after)) {
    // Items that were there are the same ones, wherever they stand now.
    const left = before.map((item, index) => ({ item, node: node.items[index] ?? null }));
    node.items = after.map((item) => {
      const found = left.findIndex((one) => same(one.item, item));
      const [was] = found < 0 ? [] : left.splice(found, 1);
      return put(was?.node ?? null, was?.item, item);
    });
    return node;
  }
  const made = nodeOf(after);
  const comments = [node?.commentBefore, node?.comment].filter((comment) => typeof comment === "string");
  if (comments.length > 0) made.commentBefore = comments.join("\n");
  return made;
}

/** Whether two items of a list are the same one, by their names. */
function same(one: Json, other: Json): boolean {
  return isFields(one) && isFields(other) && one["name"] !== undefined ? one["name"] === other["name"] : canonical(one) === canonical(other);
}
