// A card for each object: what the policy says of it, each message with its cure, and the pod as it comes out.
import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { parseDocument } from "yaml";
import { write as writeDifference } from "./difference.ts";
import { common } from "./editors.ts";
import { copyButton, details, make } from "./elements.ts";
import { check, create, credentials, explain, type Presented } from "./federated.ts";
import type { Card } from "./judge.ts";
import { at, type Json } from "./kubernetes.ts";
import { additions } from "./report.ts";

/** What the cards need of the page. */
export interface Around {
  /** The manifests' text. */
  text: () => string;
  /** The cluster's issuer, and what Microsoft Entra has or said. */
  issuer: () => string;
  credentials: () => string;
  /** Marks the line that a message is about. */
  mark: (card: Pick<Card, "from" | "to">, message: string) => void;
}

function sentence(around: Around, card: Pick<Card, "from" | "to">, text: string, name: string): HTMLElement {
  const line = make("button", text, `line ${name}`);
  line.type = "button";
  line.title = "Show the line";
  line.addEventListener("click", () => around.mark(card, text));
  return line;
}

const OUTCOMES = { identity: "allowed, with its identity", untouched: "allowed, untouched", refused: "refused" };

export function cardOf(around: Around, card: Card): HTMLElement {
  const article = make("article", "", `card ${card.outcome}`);
  const head = make("h2", `${card.kind} ${card.namespace}/${card.name}: `);
  head.append(make("span", OUTCOMES[card.outcome], `outcome ${card.outcome}`));
  article.append(head);
  if (card.outcome === "refused") article.append(...refusal(around, card));
  if (card.why !== undefined && card.outcome !== "identity") article.append(make("p", card.why));
  for (const warning of card.warnings) {
    const paragraph = make("p");
    paragraph.append(sentence(around, card, `Warning: ${warning}`, "warning"));
    const command = /kubectl .*$/.exec(warning)?.[0];
    if (command !== undefined) paragraph.append(" ", copyButton(command));
    article.append(paragraph);
  }
  if (card.outcome === "identity") article.append(...identity(around, card));
  return article;
}

/** Each problem with its cure, which can be copied. */
function refusal(around: Around, card: Card): HTMLElement[] {
  const parts: HTMLElement[] = [];
  let cure: string[] = [];
  const flush = () => {
    if (cure.length === 0) return;
    const place = make("div", "", "cure");
    place.append(make("pre", cure.join("\n")), copyButton(cure.join("\n")));
    parts.push(place);
    cure = [];
  };
  for (const line of card.message) {
    const own = `${card.kind} ${card.namespace}/${card.name}: `;
    if (/; [^;]*:$/.test(line) || (parts.length === 0 && cure.length === 0)) {
      flush();
      const paragraph = make("p");
      // The card says already which object it is about.
      paragraph.append(sentence(around, card, line.startsWith(own) ? line.slice(own.length) : line, ""));
      parts.push(paragraph);
    } else cure.push(line);
  }
  flush();
  return parts;
}

export function presented(around: Around, card: Card): Presented[] {
  const volumes = at(card.after, "spec", "volumes");
  const sources = (Array.isArray(volumes) ? volumes : []).flatMap((volume) => at(volume, "projected", "sources") ?? []);
  const token = sources.map((source) => at(source as Json, "serviceAccountToken")).find((token) => String(at(token, "path") ?? "").endsWith("azure-identity-token"));
  const audience = String(at(token, "audience") ?? "api://AzureADTokenExchange");
  const issuer = around.issuer() || "ISSUER";
  const subject = card.audit["subject"] ?? "";
  const others = (card.audit["container-identities"] ?? "").split("; ").flatMap((entry) => entry.split("=")[1] ?? []);
  return [card.audit["client-id"], ...others].filter((id) => id !== undefined).map((clientId) => ({ clientId, issuer, subject, audience }));
}

function identity(around: Around, card: Card): HTMLElement[] {
  const tokens = presented(around, card);
  const parts: HTMLElement[] = [details("What it gets", make("pre", additions(card.before, card.after).join("\n")))];
  const place = make("div", "", "editor");
  const difference = details("The difference, in your YAML", place);
  difference.addEventListener("toggle", () => {
    if (difference.open && place.childElementCount === 0) showDifference(around, place, card);
  });
  parts.push(difference);
  parts.push(details("Environment of the first container", make("pre", JSON.stringify(at(card.after, "spec", "containers", 0, "env") ?? null, null, 2))));
  const commands = tokens.map((token) => create(token)).join("\n");
  const cure = make("div", "", "cure");
  cure.append(make("pre", commands), copyButton(commands));
  parts.push(details("The token, for Microsoft Entra", make("pre", [`subject   ${card.audit["subject"] ?? ""}`, `audience  ${tokens[0]?.audience ?? ""}`, ...tokens.map((token) => `client id ${token.clientId}`)].join("\n")), cure));
  const entra = entraWords(around, tokens);
  if (entra !== undefined) parts.push(make("pre", entra));
  return parts;
}

/** What the third tab's text says of these tokens. */
export function entraWords(around: Around, tokens: Presented[]): string | undefined {
  const text = around.credentials().trim();
  if (text === "") return undefined;
  const explained = explain(text);
  if (explained !== undefined) return explained;
  try {
    const all = credentials(text);
    return tokens.map((token) => check(all, token)).join("\n");
  } catch (error) {
    return `That is not what az identity federated-credential list -o json prints: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function showDifference(around: Around, place: HTMLElement, card: Card) {
  const text = around.text().slice(card.from, card.to);
  const document = parseDocument(text, { version: "1.1", merge: true, uniqueKeys: false });
  const before = document.toString();
  const inner = (value: Json | undefined): Json => ({ spec: at(value, "spec") ?? null });
  writeDifference(document, card.path, inner(card.before), inner(card.after));
  const view = new EditorView({
    parent: place,
    doc: document.toString(),
    extensions: [common, EditorState.readOnly.of(true), EditorView.contentAttributes.of({ "aria-label": `${card.kind} ${card.name} as it comes out` }), unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3 } })],
  });
  view.scrollDOM.tabIndex = 0;
}

export function problem(around: Around, title: string, text: string, from?: number): HTMLElement {
  const article = make("article", "", "card broken");
  const head = make("h2", title);
  article.append(head);
  const paragraph = make("p");
  if (from === undefined) paragraph.textContent = text;
  else paragraph.append(sentence(around, { from, to: around.text().length }, text, ""));
  article.append(paragraph);
  return article;
}
