// YAML documents that are read and written without changing what the user wrote: every scalar keeps its own text.
import { type Document, isMap, type Node, Pair, parseDocument, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { isPlain } from "./engine.ts";
import { isFields, type Json } from "./json.ts";

/** The document of a text, whose scalars are all texts; what they mean to kubectl, the engine says. Directives count for nothing. */
export function documentOf(text: string): Document.Parsed {
  const plain = text.replace(/(?<=^|\n)%.*/g, (directive) => " ".repeat(directive.length));
  return parseDocument(plain, { schema: "failsafe", uniqueKeys: false, prettyErrors: false });
}

/** The document's text: no line of it is folded. */
export const textOf = (document: Document): string => document.toString({ lineWidth: 0 });

/** The node that kubectl reads as this value. */
export function nodeOf(value: Json): Node {
  if (Array.isArray(value)) {
    const list = new YAMLSeq<Node>();
    list.items = value.map(nodeOf);
    return list;
  }
  if (isFields(value)) {
    const map = new YAMLMap<Node, Node>();
    map.items = Object.entries(value).map(([name, inner]) => new Pair(nodeOf(name), nodeOf(inner)));
    return map;
  }
  if (typeof value !== "string") return new Scalar(JSON.stringify(value));
  const made = new Scalar(value);
  if (!value.includes("\n") && !isPlain(value)) made.type = Scalar.QUOTE_DOUBLE;
  return made;
}

/** The pair of this name, the last one where there are several: that one counts. */
export const pairOf = (map: unknown, name: string): Pair<Node, Node | null> | undefined =>
  isMap(map) ? (map as YAMLMap<Node, Node | null>).items.findLast(({ key }) => key instanceof Scalar && key.value === name) : undefined;
