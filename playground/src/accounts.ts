// The ServiceAccounts that pods can name: those among the manifests, or the error of a host that can't look them up.
import errors from "../../test_data/host-errors.json";
import { byBytes, canonical, type Json, kind, nameOf, namespaceOf } from "./kubernetes.ts";
import type { Found, Remark } from "./read.ts";

/** How look-ups are answered: from the manifests, or with an error that was recorded with the real host. */
export type LookUps = "manifests" | Exclude<keyof typeof errors.texts, "not found">;
export const LOOK_UPS = ["manifests", ...Object.keys(errors.texts).filter((name) => name !== "not found")] as LookUps[];

/** What the policy asks the host for. */
export interface LookUp {
  name: string;
  namespace: string;
}

export class Accounts {
  /** By namespace, and then by name. */
  private readonly found = new Map<string, Map<string, Json>>();

  constructor(
    objects: Found[],
    namespace: string,
    private readonly lookUps: LookUps,
  ) {
    for (const { object } of objects.filter(({ object }) => kind(object) === "ServiceAccount")) {
      const own = namespaceOf(object, namespace);
      const there = this.found.get(own) ?? new Map<string, Json>();
      this.found.set(own, there.set(nameOf(object), object));
    }
  }

  /** The ServiceAccount; `default` is in every namespace. */
  private get({ name, namespace }: LookUp): Json | undefined {
    const found = this.found.get(namespace)?.get(name);
    if (found !== undefined || name !== "default") return found;
    return { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } };
  }

  /** The host's answer; an exception's text is its error. */
  answer(lookUp: LookUp): Json {
    if (this.lookUps !== "manifests") throw new Error(errors.texts[this.lookUps].replaceAll(/(?<=serviceaccounts \\*")forbidden/g, lookUp.name));
    const account = this.get(lookUp);
    if (account !== undefined) return account;
    throw new Error(`Callback evaluation failure: Cannot find v1/ServiceAccount named '${lookUp.name}' inside of namespace 'Some("${lookUp.namespace}")'`);
  }

  /** Where one was looked for that is not there. */
  notFound(lookUp: LookUp): string | undefined {
    if (this.lookUps !== "manifests" || this.get(lookUp) !== undefined) return undefined;
    const others = [...this.found].filter(([, names]) => names.has(lookUp.name)).map(([namespace]) => namespace).sort(byBytes);
    const other = others.length === 0 ? "" : `; there is one of that name in namespace ${others.slice(0, 3).join(", ")}`;
    return `ServiceAccount ${lookUp.namespace}/${lookUp.name} is not among the files${other}`;
  }
}

/** ServiceAccounts that are there twice with different content: overlays of several environments, say. */
export function sameAccounts(objects: Found[]): Remark[] {
  const seen = new Map<string, Found>();
  const doubts: Remark[] = [];
  for (const found of objects.filter(({ object }) => kind(object) === "ServiceAccount")) {
    const key = `${namespaceOf(found.object, "")}/${nameOf(found.object)}`;
    const before = seen.get(key);
    if (before !== undefined && canonical(before.object) !== canonical(found.object)) {
      doubts.push({ message: `ServiceAccount ${key} is there twice with different content, in document ${before.document} and document ${found.document}, and the last one counts`, from: found.from + (found.node.range?.[0] ?? 0) });
    }
    seen.set(key, found);
  }
  return doubts;
}
