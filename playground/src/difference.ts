// The pod as it comes out, in the user's own YAML: what the policy adds goes into the document, whose comments stay.
import { type Document, isCollection } from "yaml";
import { canonical, isFields, type Json } from "./kubernetes.ts";

type Path = (string | number)[];

/** Writes the difference between two values into the document at `path`. */
export function write(document: Document, path: Path, before: Json | undefined, after: Json) {
  if (before !== undefined && canonical(before) === canonical(after)) return;
  if (isFields(before) && isFields(after) && isCollection(document.getIn(path))) {
    for (const [name, value] of Object.entries(after)) write(document, [...path, name], before[name], value);
    return;
  }
  if (Array.isArray(before) && Array.isArray(after) && isCollection(document.getIn(path)) && before.length <= after.length) {
    // What is new at the start shifts the rest: the policy puts the proxy there.
    const first = after.findIndex((item) => before[0] !== undefined && same(before[0], item));
    if (first <= 0) {
      before.forEach((item, index) => write(document, [...path, index], item, after[index] as Json));
      after.slice(before.length).forEach((item) => document.addIn(path, document.createNode(item)));
      return;
    }
  }
  document.setIn(path, document.createNode(after));
}

/** Whether two items of a list are the same one, by their names. */
function same(one: Json, other: Json): boolean {
  return isFields(one) && isFields(other) && one["name"] !== undefined ? one["name"] === other["name"] : canonical(one) === canonical(other);
}
