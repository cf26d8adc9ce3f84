// What `azwi-policy check` prints of what was judged (runner/src/report.rs).
import type { Judged } from "./judge.ts";
import { at, byBytes, canonical, type Json, list } from "./kubernetes.ts";

const added = (before: Json | undefined, after: Json | undefined, name: string): Json[] => {
  const was = new Set(list(before, name).map(canonical));
  return list(after, name).filter((item) => !was.has(canonical(item)));
};
const shown = (value: Json, name: string): string => {
  const found = at(value, name);
  return found === undefined ? "" : typeof found === "string" ? found : canonical(found);
};

/** What a pod gets, line by line. */
export function additions(before: Json | undefined, after: Json | undefined): string[] {
  const lines: string[] = [];
  for (const containers of ["initContainers", "containers", "ephemeralContainers"]) {
    for (const container of list(after, "spec", containers)) {
      const was = list(before, "spec", containers).find((one) => at(one, "name") === at(container, "name"));
      const [env, mounts] = [added(was, container, "env"), added(was, container, "volumeMounts")];
      const name = typeof at(container, "name") === "string" ? at(container, "name") : "";
      if (env.length === 0 && mounts.length === 0 && was !== undefined) {
        lines.push(`container ${name}: nothing added`);
        continue;
      }
      lines.push(`container ${name}${was === undefined ? " (new)" : ""}`);
      for (const variable of env) lines.push(`  + env ${shown(variable, "name")}=${shown(variable, "value")}`);
      for (const mount of mounts) {
        const mode = at(mount, "readOnly") === true ? "read-only" : "writable";
        lines.push(`  + mount ${shown(mount, "name")} at ${shown(mount, "mountPath")} (${mode})`);
      }
    }
  }
  for (const volume of added(at(before, "spec"), at(after, "spec"), "volumes")) {
    lines.push(`+ volume ${shown(volume, "name")}`);
    for (const source of list(volume, "projected", "sources")) {
      const token = at(source, "serviceAccountToken");
      if (token === undefined) lines.push(`    ${canonical(source)}`);
      else lines.push(`    ServiceAccount token: audience ${shown(token, "audience")}, ${shown(token, "expirationSeconds")} s, path ${shown(token, "path")}`);
    }
  }
  return lines;
}

/** The text that `azwi-policy check` prints to standard output. */
export function report(judged: Judged): string {
  const lines: string[] = [];
  for (const card of judged.cards.filter((card) => !card.quiet)) {
    const title = `${card.kind} ${card.namespace}/${card.name}`;
    if (card.outcome === "refused") {
      lines.push(`${title}: refused`, ...card.message.map((line) => `  ${line}`));
      if (card.why !== undefined) lines.push(`  ${card.why}`);
    } else if (card.outcome === "untouched") {
      lines.push(`${title}: allowed, untouched`);
      if (card.why !== undefined) lines.push(`  ${card.why}`);
    } else {
      lines.push(`${title}: allowed, with its identity`);
      for (const name of Object.keys(card.audit).sort(byBytes)) lines.push(`  ${name}: ${card.audit[name]}`);
      lines.push(...additions(card.before, card.after).map((line) => `  ${line}`));
    }
    lines.push(...card.warnings.map(({ text }) => `  warning: ${text}`));
  }
  return lines.map((line) => `${line}\n`).join("");
}
