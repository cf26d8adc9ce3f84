// The object as it comes out, in the user's own YAML: what the policy changes goes into the document, whose comments stay.
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, visit } from "yaml";
import { canonical, isFields, type Json } from "./kubernetes.ts";

/** The document's text as it is and as it comes out, where what stands at `path` becomes `after` from `before`. */
export function difference(text: string, path: (string | number)[], before: Json, after: Json): [string, string] {
  // The schema says which texts need quotes when they are written.
  const document: Document = parseDocument(text, { version: "1.1", uniqueKeys: false });
  expandAliases(document);
  const own = document.toString();
  const place = path.length === 0 ? document.contents : (document.getIn(path, true) as Node | undefined);
  const changed = put(document, place ?? null, before, after);
  if (changed !== place) document.setIn(path, changed);
  return [own, document.toString()];
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
function put(document: Document, node: Node | null, before: Json | undefined, after: Json): Node {
  if (node !== null && before !== undefined && canonical(before) === canonical(after)) return node;
  if (isMap<Node, Node | null>(node) && isFields(before) && isFields(after)) {
    for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) node.delete(name);
    for (const [name, value] of Object.entries(after)) {
      if (before[name] !== undefined && canonical(before[name]) === canonical(value)) continue;
      // Of a name that is there twice the last one counts.
      const pair = node.items.findLast(({ key }) => isScalar(key) && key.value === name);
      if (pair === undefined) node.set(document.createNode(name), document.createNode(value));
      else pair.value = put(document, pair.value, before[name], value);
    }
    return node;
  }
  if (isSeq<Node | null>(node) && Array.isArray(before) && Array.isArray(after)) {
    // Items that were there are the same ones, wherever they stand now.
    const left = before.map((item, index) => ({ item, node: node.items[index] ?? null }));
    node.items = after.map((item) => {
      const found = left.findIndex((one) => same(one.item, item));
      const [was] = found < 0 ? [] : left.splice(found, 1);
      return put(document, was?.node ?? null, was?.item, item);
    });
    return node;
  }
  const made = document.createNode(after);
  const comments = [node?.commentBefore, node?.comment].filter((comment) => typeof comment === "string");
  if (comments.length > 0) made.commentBefore = comments.join("\n");
  return made;
}

/** Whether two items of a list are the same one, by their names. */
function same(one: Json, other: Json): boolean {
  return isFields(one) && isFields(other) && one["name"] !== undefined ? one["name"] === other["name"] : canonical(one) === canonical(other);
}
