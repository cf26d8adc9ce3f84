// Manifests as kubectl reads them: several documents, lists of objects, merge keys and the scalars of YAML 1.1. `conformance/yaml` has
// what readers understand differently, and a test asks Kubernetes' own reader.
import { Alias, isMap, isScalar, isSeq, LineCounter, type Node, Scalar } from "yaml";
import { at, type Fields, isFields, type Json } from "./kubernetes.ts";
import { scalar } from "./scalars.ts";
import { documentOf } from "./yaml.ts";

/** An object of the text, and where it stands. */
export interface Found {
  object: Fields;
  /** The number of its document, from 1. */
  document: number;
  /** The object's own part of the YAML. */
  node: Node;
  /** Where the object is in the document, where that is a list. */
  path: (string | number)[];
  /** The first and the last character of its document; the places of `node` are counted from the first. */
  from: number;
  to: number;
}

/** Something to say of the text at one place of it. */
export interface Remark {
  message: string;
  from: number;
}

/** What a text holds. */
export interface Read {
  objects: Found[];
  /** What could not be read. */
  broken: Remark[];
  /** What was read, and is likely not what was meant. */
  doubts: Remark[];
  /** What was passed over. */
  passedOver: string[];
}

/** Most values that aliases may make of a document (kubectl refuses such documents, too), and the deepest nesting. */
const VALUES_MAX = 1_000_000;
const DEPTH_MAX = 200;

/** A value that can't be read, and where. */
class NotReadable extends Error {
  constructor(message: string, readonly from: number) {
    super(message);
  }
}

/** The value of a document, and the names that an object has twice. */
class Values {
  readonly doubts: Remark[] = [];
  private values = 0;
  /** What an anchor names; nothing while that is being read, as it can't hold itself. */
  private readonly anchors = new Map<string, Node | undefined>();

  of(node: Node | null, depth = 0): Json {
    if (node === null) return null;
    const from = node.range?.[0] ?? 0;
    this.values += 1;
    if (depth > DEPTH_MAX || this.values > VALUES_MAX) throw new NotReadable("nested or repeated too often", from);
    if (node instanceof Alias) {
      const anchored = this.anchors.get(node.source);
      if (anchored === undefined) throw new NotReadable("an alias that nothing before it defines", from);
      return this.of(anchored, depth + 1);
    }
    // An anchor of the same name within counts from there on.
    if (node.anchor !== undefined) this.anchors.set(node.anchor, undefined);
    let value: Json = null;
    if (isScalar(node)) value = scalar(String(node.source ?? node.value ?? ""), node.type === Scalar.PLAIN || node.type === undefined, node.tag);
    else if (isSeq<Node | null>(node)) value = node.items.map((item) => this.of(item, depth + 1));
    else if (isMap<Node, Node | null>(node)) value = this.fields(node.items, depth);
    if (node.anchor !== undefined && this.anchors.get(node.anchor) === undefined) this.anchors.set(node.anchor, node);
    return value;
  }

  private fields(pairs: { key: Node; value: Node | null }[], depth: number): Fields {
    // Without the names that every JavaScript object has, such as `constructor`.
    const fields: Fields = Object.create(null) as Fields;
    const own = new Set<string>();
    for (const { key, value } of pairs) {
      const from = key.range?.[0] ?? 0;
      const name = this.of(key, depth + 1);
      if (Array.isArray(name) || isFields(name)) throw new NotReadable("a list or an object as a name", from);
      const said = this.of(value, depth + 1);
      if (isScalar(key) && key.type === Scalar.PLAIN && key.source === "<<") {
        // In their order, and of several the first one wins: as kubectl has it, not as YAML's specification.
        for (const merged of (Array.isArray(said) ? said : [said]).reverse()) {
          if (!isFields(merged)) throw new NotReadable("only objects can be merged", from);
          Object.assign(fields, merged);
        }
      } else {
        if (own.has(String(name))) this.doubts.push({ message: `${name} is there twice, the last one counts`, from });
        own.add(String(name));
        fields[String(name)] = said;
      }
    }
    return fields;
  }
}

/** The JSON texts of a text that is several, one after another; each with its first and last character. */
function jsonTexts(text: string): [number, number][] | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  const texts: [number, number][] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (quoted) {
      if (character === "\\") index += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === "{") {
      if (depth === 0) start = index;
      depth += 1;
    } else if (character === "}") {
      depth -= 1;
      if (depth === 0) texts.push([start, index + 1]);
    } else if (depth === 0 && character !== undefined && !/\s/.test(character)) return undefined;
  }
  const isJson = ([from, to]: [number, number]) => {
    try {
      JSON.parse(text.slice(from, to));
      return true;
    } catch {
      return false;
    }
  };
  return depth === 0 && texts.length > 1 && texts.every(isJson) ? texts : undefined;
}

/** The text cut at its `---` and `...`, which stand at the start of a line in no other place; each part with its first character. */
function parts(text: string): [number, number][] {
  const json = jsonTexts(text);
  if (json !== undefined) return json;
  const cuts: [number, number][] = [];
  let from = 0;
  for (const mark of text.matchAll(/(?<=^|\n)(---(?=[ \t\r\n]|$)|\.\.\.[ \t\r]*(?=\n|$))/g)) {
    cuts.push([from, mark.index]);
    from = mark.index + mark[0].length;
  }
  return [...cuts, [from, text.length]];
}

/** The parts that are not empty. */
const documents = (text: string): [number, number][] => parts(text).filter(([from, to]) => /(?<=^|\n)[ \t]*[^\s#%]/.test(text.slice(from, to)));

/** Where the lines of a text begin. */
function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

/** What can't be read, with its line and column in the text. */
function placed(lines: LineCounter, error: NotReadable, start: number): Remark {
  const from = start + error.from;
  const { line, col } = lines.linePos(from);
  return { message: `line ${line}, column ${col}: ${error.message}`, from };
}

/** The objects of a text; `working` is called before each document. */
export function read(text: string, working = () => {}): Read {
  const result: Read = { objects: [], broken: [], doubts: [], passedOver: [] };
  const fix = text.includes("{{") ? " (a template: render it first, with helm template)" : "";
  const lines = linesOf(text);
  let number = 0;
  for (const [from, to] of documents(text)) {
    number += 1;
    working();
    try {
      addDocument(result, text.slice(from, to), { document: number, from, to });
    } catch (error) {
      if (!(error instanceof NotReadable)) throw error;
      const remark = placed(lines, error, from);
      result.broken.push({ ...remark, message: `${remark.message}${fix}` });
    }
  }
  return result;
}

/** The settings in a text, or in a policy's manifest: their value, and their part of the text, whose places are counted from `from`. */
export function readSettings(text: string): { value: Json; node: Node | null; from: number } | Remark {
  const [[from, to] = [0, text.length], another] = documents(text);
  try {
    if (another !== undefined) throw new NotReadable("more than one document", another[0] - from);
    const { value, node } = parse(text.slice(from, to));
    const isManifest = isFields(value) && value["apiVersion"] !== undefined && value["kind"] !== undefined;
    if (!isManifest) return { value: value ?? {}, node, from };
    const inner = isMap(node) ? (node.getIn(["spec", "settings"], true) as Node | undefined) : undefined;
    return { value: at(value, "spec", "settings") ?? {}, node: inner ?? null, from };
  } catch (error) {
    if (error instanceof NotReadable) return placed(linesOf(text), error, from);
    throw error;
  }
}

/** The value of one document; an exception says what can't be read. */
export function parse(part: string): { value: Json; node: Node | null; doubts: Remark[] } {
  const document = documentOf(part);
  const [error] = document.errors;
  if (error !== undefined) throw new NotReadable(error.message, error.pos[0]);
  // kubectl refuses what this reader takes for a blank.
  const tab = /(?<=^|\n)\t+(?=\S)/.exec(part);
  if (tab !== null && part.slice(0, tab.index).trim() === "") throw new NotReadable("a tab at the start of a line", tab.index);
  const values = new Values();
  return { value: values.of(document.contents), node: document.contents, doubts: values.doubts };
}

function addDocument(result: Read, part: string, place: { document: number; from: number; to: number }) {
  const { value, node, doubts } = parse(part);
  result.doubts.push(...doubts.map(({ message, from }) => ({ message, from: place.from + from })));
  if (node !== null) addValue(result, value, { ...place, node, path: [] });
}

function addValue(result: Read, value: Json, place: Omit<Found, "object">) {
  if (value === null) return;
  if (!isFields(value) || typeof value["kind"] !== "string" || typeof value["apiVersion"] !== "string") {
    result.passedOver.push(`document ${place.document} is not a Kubernetes object (it has no apiVersion and kind)`);
    return;
  }
  const items = at(value, "items");
  if (!Array.isArray(items)) {
    result.objects.push({ ...place, object: value });
    return;
  }
  items.forEach((item, index) => {
    const node = isMap(place.node) ? place.node.getIn(["items", index], true) : undefined;
    addValue(result, item, { ...place, node: (node as Node | undefined) ?? place.node, path: [...place.path, "items", index] });
  });
}
