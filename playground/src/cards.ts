// A card for each object: what the policy says of it, each message with its fix, and the pod as it comes out.
import { unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { difference } from "./difference.ts";
import { common } from "./editors.ts";
import { copyButton, details, make } from "./elements.ts";
import type { Place } from "./engine.ts";
import type { Card, Said } from "./judge.ts";
import { at, list } from "./json.ts";
import { wordsOf } from "./errors.ts";

/** What the cards need of the page. */
export interface Around {
  /** The manifests that were judged. */
  text: string;
  /** Whether what an object gets is in sight at first. */
  few: boolean;
  /** Marks a part of the manifests. */
  mark: (place: Place) => void;
}

/** The views of differences that are open: they are ended with their cards. */
const views: EditorView[] = [];
export function endViews() {
  for (const view of views.splice(0)) view.destroy();
}

/** A message: a click shows the part of the manifests that it is about. */
function message(around: Around, text: string, place: Place, name = ""): HTMLElement {
  const line = make("button", text, `line ${name}`.trim());
  line.type = "button";
  line.title = "Show the line";
  line.addEventListener("click", () => around.mark(place));
  return line;
}

/** A text to copy. */
function copyable(text: string): HTMLElement {
  const place = make("div", "", "fix");
  place.append(make("pre", text), copyButton(text));
  return place;
}

const OUTCOMES = { identity: "allowed, with its identity", untouched: "allowed, untouched", refused: "refused" };

/** The card. `key` tells it from others of the same title. */
export function cardOf(around: Around, card: Card, key: string): HTMLElement {
  const article = make("article", "", `card ${card.outcome}`);
  const head = make("h2", `${card.kind} ${card.namespace}/${card.name}: `);
  head.append(make("span", OUTCOMES[card.outcome], `outcome ${card.outcome}`));
  article.append(head);
  if (card.heading !== undefined) article.append(make("p", card.heading));
  if (card.outcome === "refused") article.append(...refusal(around, card));
  if (card.why !== undefined && card.outcome !== "identity") article.append(make("p", card.why));
  for (const warning of card.warnings) {
    const paragraph = make("p");
    const word = warning.severity === "unknown" ? "Unknown" : "Warning";
    paragraph.append(message(around, `${word}: ${sentence(warning)}`, warning, "warning"));
    if (warning.paste !== null) paragraph.append(" ", copyButton(warning.paste));
    article.append(paragraph);
  }
  if (card.outcome === "identity") article.append(...identity(around, card, key));
  return article;
}

/** What is wrong and what to do, in one sentence. */
const sentence = ({ text, fix, hits, paste }: Said) => `${text}${fix === "" ? "" : `; ${fix}`}${hits}${paste === null ? "" : `: ${paste}`}`;

/** Each mistake with its fix, which can be copied. */
function refusal(around: Around, card: Card): HTMLElement[] {
  const parts = card.mistakes.flatMap(({ text, fix, hits, paste, from, to }) => {
    const paragraph = make("p");
    paragraph.append(message(around, `${text}${fix === "" ? "" : `; ${fix}`}${hits}${paste === null ? "" : ":"}`, { from, to }));
    return paste === null ? [paragraph] : [paragraph, copyable(paste)];
  });
  for (const { text, from, to } of card.elsewhere) {
    const paragraph = make("p");
    paragraph.append(message(around, text, { from, to }));
    parts.push(paragraph);
  }
  return card.more === 0 ? parts : [...parts, make("p", `and ${card.more} more like these`)];
}

function identity(around: Around, card: Card, key: string): HTMLElement[] {
  const title = (text: string, isOpen = false) => details(key, text, isOpen);
  const parts: HTMLElement[] = [];
  parts.push(title("What it gets", around.few)(make("pre", (card.added ?? []).join("\n"))));
  const { path } = card;
  if (path !== undefined) {
    const place = make("div", "", "editor");
    const changes = title("The difference, in your YAML")(place);
    const open = () => {
      if (changes.open && place.childElementCount === 0) showDifference(place, around.text, card, path);
    };
    changes.addEventListener("toggle", open);
    open();
    parts.push(changes);
  }
  for (const container of ["containers", "initContainers", "ephemeralContainers"].flatMap((name) => list(card.after, "spec", name))) {
    const env = at(container, "env");
    if (env !== undefined) parts.push(title(`Environment of ${String(at(container, "name"))}`)(make("pre", JSON.stringify(env, null, 2))));
  }
  parts.push(title("The token that the kubelet will project")(make("pre", JSON.stringify(card.token, null, 2)), make("p", "The kubelet asks for a new one when 80 % of its time has passed, and at the latest after a day.")));
  const commands = card.tokens.map(({ command }) => command);
  if (commands.length > 0) parts.push(title("The federated credential for Microsoft Entra")(copyable(commands.join("\n"))));
  return parts;
}

function showDifference(place: HTMLElement, text: string, card: Card, path: (string | number)[]) {
  try {
    showTexts(place, card, text, path);
  } catch (error) {
    // The card has what the policy says all the same.
    place.append(make("p", `It can't be shown in your YAML: ${wordsOf(error)}`));
  }
}

function showTexts(place: HTMLElement, card: Card, text: string, path: (string | number)[]) {
  const [before, after] = difference(text.slice(card.from, card.to), path, card.before ?? null, card.after ?? null);
  const label = `${card.kind} ${card.name} as it comes out`;
  const view = new EditorView({
    parent: place,
    doc: after,
    extensions: [common, EditorState.readOnly.of(true), EditorView.contentAttributes.of({ "aria-label": label }), unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: { margin: 3 } })],
  });
  views.push(view);
  view.scrollDOM.tabIndex = 0;
  place.before(copyButton(after, "Copy it as it comes out"));
}

/** What is wrong before any object is judged; `show` leads to the place. */
export function problem(title: string, text: string, show?: () => void): HTMLElement {
  const paragraph = make("p");
  if (show === undefined) paragraph.textContent = text;
  else {
    const line = make("button", text, "line");
    line.type = "button";
    line.addEventListener("click", show);
    paragraph.append(line);
  }
  const article = titled(title, paragraph);
  article.classList.add("broken");
  return article;
}

/** A card that is about no object. */
export function titled(title: string, inner: HTMLElement): HTMLElement {
  const article = make("article", "", "card");
  article.append(make("h2", title), inner);
  return article;
}
