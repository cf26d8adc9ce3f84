// Kubernetes objects as JSON, and the request that an API server sends when one is created. `azwi-policy check` does the same
// (runner/src/manifests.rs); which kinds there are, both read from runner/src/kinds.json.
import kinds from "../../runner/src/kinds.json";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = { [name: string]: Json };

export const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The value at `path`, where there is one. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let found: Json | undefined = value;
  for (const step of path) {
    if (Array.isArray(found) && typeof step === "number") found = found[step];
    else if (isFields(found) && Object.hasOwn(found, step)) found = found[step];
    else return undefined;
  }
  return found;
}

/** The items of the list at `path`; none where there is not a list. */
export function list(value: Json | undefined, ...path: (string | number)[]): Json[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

const string = (value: Json | undefined): string | undefined => (typeof value === "string" ? value : undefined);

export const kind = (object: Json): string => string(at(object, "kind")) ?? "";
export const nameOf = (object: Json): string =>
  string(at(object, "metadata", "name")) ?? string(at(object, "metadata", "generateName")) ?? "";
export const namespaceOf = (object: Json, other: string): string => string(at(object, "metadata", "namespace")) || other;
export const isJudged = (object: Json): boolean => kinds.judged.some(([known]) => known === kind(object));

/** Whether an object that is not judged is about pods, by its fields, or speaks of workload identity. */
export function runsPods(object: Json): boolean {
  const hasField = (value: Json): boolean => {
    if (Array.isArray(value)) return value.some(hasField);
    return isFields(value) && Object.entries(value).some(([name, inner]) => (kinds.fields.includes(name) && inner !== null) || hasField(inner));
  };
  const spec = at(object, "spec");
  return (
    kind(object) !== "CustomResourceDefinition" &&
    (kinds.rendered.includes(kind(object)) ||
      JSON.stringify(object).includes("azure.workload.identity/") ||
      (spec !== undefined && hasField(spec)))
  );
}

/** A pod that an object would make, and where its template is. */
export interface Template {
  path: (string | number)[];
  pod: Fields;
}

/** What an object's pod templates are. */
export type Templates = { is: "workload"; pod: Template } | { is: "unknown"; pods: Template[] } | { is: "patch" } | { is: "nothing" };

const hasContainers = (template: Json | undefined): boolean => Array.isArray(at(template, "spec", "containers"));

function podOf(object: Json, path: (string | number)[]): Template | undefined {
  const template = at(object, ...path);
  if (!isFields(template)) return undefined;
  const metadata = template["metadata"] ?? {};
  if (!isFields(metadata)) return undefined;
  const namespace = at(object, "metadata", "namespace");
  const named: Fields = { ...metadata, generateName: `${nameOf(object)}-`, ...(namespace === undefined ? {} : { namespace }) };
  return { path, pod: { ...template, metadata: named, apiVersion: "v1", kind: "Pod" } };
}

function search(value: Json, path: (string | number)[], found: (string | number)[][]) {
  if (Array.isArray(value)) value.forEach((inner, index) => search(inner, [...path, index], found));
  else if (isFields(value)) {
    if (hasContainers(value) && path.length > 0) found.push(path);
    else for (const name of Object.keys(value).sort(byBytes)) search(value[name] as Json, [...path, name], found);
  }
}

/** As Rust orders texts: by their bytes in UTF-8, which is by code points. */
export function byBytes(one: string, other: string): number {
  const [a, b] = [[...one], [...other]];
  for (let index = 0; index < Math.min(a.length, b.length); index += 1) {
    const difference = (a[index]?.codePointAt(0) ?? 0) - (b[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** As serde_json prints it, with the names of an object in their order. */
export const canonical = (value: Json): string =>
  Array.isArray(value)
    ? `[${value.map(canonical).join(",")}]`
    : isFields(value)
      ? `{${Object.keys(value).sort(byBytes).map((name) => `${JSON.stringify(name)}:${canonical(value[name] as Json)}`).join(",")}}`
      : JSON.stringify(value);

export function templates(object: Json): Templates {
  if (kind(object) === "Pod" || kind(object) === "ServiceAccount" || isReview(object)) return { is: "nothing" };
  if (isJudged(object)) {
    const path = kind(object) === "CronJob" ? ["spec", "jobTemplate", "spec", "template"] : ["spec", "template"];
    if (!hasContainers(at(object, ...path))) return { is: "patch" };
    const pod = podOf(object, path);
    return pod === undefined ? { is: "nothing" } : { is: "workload", pod };
  }
  const found: (string | number)[][] = [];
  search(object, [], found);
  const pods = found.map((path) => podOf(object, path)).filter((pod) => pod !== undefined);
  return pods.length === 0 ? { is: "nothing" } : { is: "unknown", pods };
}

/** The path of a template as a person writes it: `spec.templates[0].template`. */
export const written = (path: (string | number)[]): string =>
  path.reduce<string>((text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`), "");

/** An API server's question, which is judged as it is: an update or a debug container, that no manifest says. */
export const isReview = (object: Json): boolean => kind(object) === "AdmissionReview";

/** An object that an API server would not take. */
export class NotKubernetes extends Error {}

/** The request that an API server sends when `object` is created, or the one in a review; nothing where the policy does not look at its kind. */
export function requestOf(object: Json, other: string): Fields | undefined {
  const own = kind(object);
  if (isReview(object)) {
    const request = at(object, "request");
    if (!isFields(request) || !isFields(request["object"])) throw new NotKubernetes("an AdmissionReview has no request.object");
    return request;
  }
  const plural = kinds.judged.find(([known]) => known === own)?.[1];
  if (plural === undefined) {
    const meant = kinds.judged.find(([known]) => known?.toLowerCase() === own.toLowerCase());
    if (meant !== undefined) throw new NotKubernetes(`kind is ${JSON.stringify(own)}, did you mean ${meant[0]}?`);
    return undefined;
  }
  const metadata = at(object, "metadata");
  if (!isFields(object) || !isFields(metadata)) throw new NotKubernetes(`a ${own} has no metadata`);
  const apiVersion = string(object["apiVersion"]) ?? "";
  const slash = apiVersion.indexOf("/");
  const [group, version] = slash < 0 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
  const namespace = namespaceOf(object, other);
  const gvk = { group, version, kind: own };
  const gvr = { group, version, resource: plural };
  return {
    uid: "00000000-0000-0000-0000-000000000000",
    kind: gvk, resource: gvr, requestKind: gvk, requestResource: gvr,
    name: at(object, "metadata", "name") ?? null, namespace, operation: "CREATE",
    userInfo: { username: "azwi-policy" },
    object: { ...object, metadata: { ...metadata, namespace } },
    dryRun: true, options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
  };
}
