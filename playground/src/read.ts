// Manifests as kubectl reads them: YAML 1.1 with merge keys, several documents, lists of objects.
import { type Document, parseAllDocuments } from "yaml";
import { at, type Fields, isFields, type Json } from "./kubernetes.ts";

/** An object of the text, and where it stands. */
export interface Found {
  object: Fields;
  /** The number of its document, from 1. */
  document: number;
  /** The document, with its comments. */
  yaml: Document;
  /** Where the object is in the document, where that is a list. */
  path: (string | number)[];
  /** The first and the last character of its document. */
  from: number;
  to: number;
}

/** What a text holds. */
export interface Read {
  objects: Found[];
  /** What could not be read: where, and why. */
  broken: { message: string; from: number }[];
  /** What was passed over. */
  passedOver: string[];
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
  return depth === 0 && texts.length > 1 ? texts : undefined;
}

export function read(text: string): Read {
  const result: Read = { objects: [], broken: [], passedOver: [] };
  const texts = jsonTexts(text);
  if (texts !== undefined) {
    texts.forEach(([from, to], index) => {
      for (const found of read(text.slice(from, to)).objects) result.objects.push({ ...found, document: index + 1, from, to });
    });
    return result;
  }
  const documents = parseAllDocuments(text.replace(/^\uFEFF/, ""), { version: "1.1", merge: true, uniqueKeys: false, strict: true });
  if (!Array.isArray(documents)) return result;
  documents.forEach((yaml, index) => {
    const [error] = yaml.errors;
    if (error !== undefined) {
      const cure = text.includes("{{") ? " (a template: render it first, with helm template)" : "";
      result.broken.push({ message: `${error.message.split("\n")[0]}${cure}`, from: error.pos[0] });
      return;
    }
    const value = yaml.toJS({ maxAliasCount: 1000 }) as Json;
    const [from, , to] = yaml.range;
    add(result, value, { document: index + 1, yaml, path: [], from, to });
  });
  return result;
}

function add(result: Read, value: Json, place: Omit<Found, "object">) {
  if (value === null || value === undefined) return;
  if (!isFields(value) || typeof value["kind"] !== "string" || typeof value["apiVersion"] !== "string") {
    result.passedOver.push(`document ${place.document} is no Kubernetes object (it has no apiVersion and kind)`);
    return;
  }
  const items = at(value, "items");
  if (Array.isArray(items)) {
    items.forEach((item, index) => add(result, item, { ...place, path: [...place.path, "items", index] }));
  } else {
    result.objects.push({ ...place, object: value });
  }
}
