import { sha256, size } from "virtual:policy";
import { yaml } from "@codemirror/lang-yaml";
import { unifiedMergeView } from "@codemirror/merge";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { tags } from "@lezer/highlight";
import { parseDocument } from "yaml";
import { write as writeDifference } from "./difference.ts";
import { examples } from "./examples.ts";
import { check, create, credentials, explain, type Presented } from "./federated.ts";
import { show as showForm } from "./form.ts";
import { additions, type Card, type Judged, report } from "./judge.ts";
import { at, type Json } from "./kubernetes.ts";
import * as links from "./links.ts";
import "./style.css";
import JudgeWorker from "./worker.ts?worker&inline";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const make = <K extends keyof HTMLElementTagNameMap>(tag: K, text = "", name = ""): HTMLElementTagNameMap[K] => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name !== "") made.className = name;
  return made;
};

// === The worker: one question at a time, and a new worker where one does not answer ===

/** How long the worker may take, in milliseconds: the PolicyServer's own limit is five seconds. */
const LIMIT = 5_000;
let worker = new JudgeWorker();
let last = 0;

interface Answered {
  judged: Judged;
  milliseconds: number;
}

function ask(manifests: string, settings: Json, namespace: string, module?: Uint8Array): Promise<Answered> {
  last += 1;
  const id = last;
  return new Promise((resolve, reject) => {
    const asked = worker;
    const timer = setTimeout(() => {
      asked.terminate();
      if (worker === asked) worker = new JudgeWorker();
      reject(new Error(`no answer within ${LIMIT / 1000} seconds: it was stopped`));
    }, LIMIT);
    asked.addEventListener("message", function answer({ data }: MessageEvent) {
      if (data.id !== id) return;
      clearTimeout(timer);
      asked.removeEventListener("message", answer);
      if (data.error === undefined) resolve(data as Answered);
      else reject(new Error(data.error as string));
    });
    asked.postMessage({ id, manifests, settings, namespace, module });
  });
}

// === The editors ===

const mark = StateEffect.define<number | null>();
const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(mark)) {
        return effect.value === null ? Decoration.none : Decoration.set([Decoration.line({ class: "cm-marked" }).range(effect.value)]);
      }
    }
    return marks.map(transaction.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Colours that can be read on light and on dark. */
const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.comment, class: "y-comment" },
    { tag: [tags.string, tags.content], class: "y-text" },
    { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "y-name" },
    { tag: [tags.keyword, tags.bool, tags.number, tags.meta, tags.punctuation, tags.separator], class: "y-other" },
  ]),
);
const common = [basicSetup, yaml(), colours, EditorView.lineWrapping];

function editor(id: string, label: string): EditorView {
  const view = new EditorView({
    parent: element(id),
    extensions: [
      common,
      marked,
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) later();
      }),
    ],
  });
  // What scrolls can be scrolled by the keyboard.
  view.scrollDOM.tabIndex = 0;
  return view;
}

const manifests = editor("manifests", "Manifests, in YAML");
const settings = editor("settings", "The policy's settings, in YAML");
const textOf = (view: EditorView) => view.state.doc.toString();
const setText = (view: EditorView, text: string) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });

/** Marks the line of the manifests that a message is about. */
function markLine(card: Pick<Card, "from" | "to">, message: string) {
  const text = textOf(manifests);
  const names = message.match(/azure\.workload[\w.-]*\/[\w-]+|(?<=container ")[\w.-]+|(?<=container )[\w.-]+|\bAZURE_\w+|spec\.\w+/g) ?? [];
  const within = text.slice(card.from, card.to);
  const found = names.map((name) => within.indexOf(name.replace("spec.", ""))).find((index) => index >= 0);
  const kind = within.indexOf("kind:");
  const line = manifests.state.doc.lineAt(Math.min(card.from + (found ?? Math.max(kind, 0)), text.length));
  manifests.dispatch({ effects: [mark.of(line.from), EditorView.scrollIntoView(line.from, { y: "center" })], selection: { anchor: line.from } });
  select("manifests");
  manifests.focus();
}

// === The cards ===

function copyButton(text: string): HTMLButtonElement {
  const button = make("button", "Copy");
  button.type = "button";
  button.addEventListener("click", () => void copy(text));
  return button;
}

async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    element("status").textContent = "Copied.";
  } catch {
    element("status").textContent = "This browser does not let the page copy: select the text.";
  }
}

function sentence(card: Card, text: string, name: string): HTMLElement {
  const line = make("button", text, `line ${name}`);
  line.type = "button";
  line.title = "Show the line";
  line.addEventListener("click", () => markLine(card, text));
  return line;
}

function details(title: string, ...inner: HTMLElement[]): HTMLDetailsElement {
  const made = make("details");
  made.append(make("summary", title), ...inner);
  return made;
}

const OUTCOMES = { identity: "allowed, with its identity", untouched: "allowed, untouched", refused: "refused" };

function cardOf(card: Card): HTMLElement {
  const article = make("article", "", `card ${card.outcome}`);
  const head = make("h2", `${card.kind} ${card.namespace}/${card.name}: `);
  head.append(make("span", OUTCOMES[card.outcome], `outcome ${card.outcome}`));
  article.append(head);
  if (card.outcome === "refused") article.append(...refusal(card));
  if (card.why !== undefined && card.outcome !== "identity") article.append(make("p", card.why));
  for (const warning of card.warnings) {
    const paragraph = make("p");
    paragraph.append(sentence(card, `Warning: ${warning}`, "warning"));
    const command = /kubectl .*$/.exec(warning)?.[0];
    if (command !== undefined) paragraph.append(" ", copyButton(command));
    article.append(paragraph);
  }
  if (card.outcome === "identity") article.append(...identity(card));
  return article;
}

/** Each problem with its cure, which can be copied. */
function refusal(card: Card): HTMLElement[] {
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
      paragraph.append(sentence(card, line.startsWith(own) ? line.slice(own.length) : line, ""));
      parts.push(paragraph);
    } else cure.push(line);
  }
  flush();
  return parts;
}

function presented(card: Card): Presented[] {
  const volumes = at(card.after, "spec", "volumes");
  const sources = (Array.isArray(volumes) ? volumes : []).flatMap((volume) => at(volume, "projected", "sources") ?? []);
  const token = sources.map((source) => at(source as Json, "serviceAccountToken")).find((token) => String(at(token, "path") ?? "").endsWith("azure-identity-token"));
  const audience = String(at(token, "audience") ?? "api://AzureADTokenExchange");
  const issuer = element<HTMLInputElement>("issuer").value || "ISSUER";
  const subject = card.audit["subject"] ?? "";
  const others = (card.audit["container-identities"] ?? "").split("; ").flatMap((entry) => entry.split("=")[1] ?? []);
  return [card.audit["client-id"], ...others].filter((id) => id !== undefined).map((clientId) => ({ clientId, issuer, subject, audience }));
}

function identity(card: Card): HTMLElement[] {
  const tokens = presented(card);
  const parts: HTMLElement[] = [details("What it gets", make("pre", additions(card.before, card.after).join("\n")))];
  const place = make("div", "", "editor");
  const difference = details("The difference, in your YAML", place);
  difference.addEventListener("toggle", () => {
    if (difference.open && place.childElementCount === 0) showDifference(place, card);
  });
  parts.push(difference);
  parts.push(details("Environment of the first container", make("pre", JSON.stringify(at(card.after, "spec", "containers", 0, "env") ?? null, null, 2))));
  const commands = tokens.map((token) => create(token)).join("\n");
  const cure = make("div", "", "cure");
  cure.append(make("pre", commands), copyButton(commands));
  parts.push(details("The token, for Microsoft Entra", make("pre", [`subject   ${card.audit["subject"] ?? ""}`, `audience  ${tokens[0]?.audience ?? ""}`, ...tokens.map((token) => `client id ${token.clientId}`)].join("\n")), cure));
  const entra = entraWords(tokens);
  if (entra !== undefined) parts.push(make("pre", entra));
  return parts;
}

/** What the third tab's text says of these tokens. */
function entraWords(tokens: Presented[]): string | undefined {
  const text = element<HTMLTextAreaElement>("credentials").value.trim();
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

function showDifference(place: HTMLElement, card: Card) {
  const text = textOf(manifests).slice(card.from, card.to);
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

function problem(title: string, text: string, from?: number): HTMLElement {
  const article = make("article", "", "card broken");
  const head = make("h2", title);
  article.append(head);
  const paragraph = make("p");
  if (from === undefined) paragraph.textContent = text;
  else paragraph.append(sentence({ from, to: textOf(manifests).length } as Card, text, ""));
  article.append(paragraph);
  return article;
}

// === Judging, while typing ===

let timer: ReturnType<typeof setTimeout> | undefined;
function later() {
  clearTimeout(timer);
  timer = setTimeout(() => void update(), 120);
}

let latest: Judged | undefined;
async function update() {
  const cards = element("cards");
  const start = performance.now();
  const document = parseDocument(textOf(settings), { version: "1.1", merge: true });
  if (document.errors[0] !== undefined) {
    cards.replaceChildren(problem("The settings can't be read", document.errors[0].message.split("\n")[0] ?? ""));
    return;
  }
  const parsed = (document.toJS() as Json) ?? {};
  const asked = last + 1;
  try {
    const { judged } = await ask(textOf(manifests), parsed, element<HTMLInputElement>("namespace").value || "default");
    if (asked !== last) return;
    latest = judged;
    const parts = judged.broken.map(({ message, from }) => problem("Not readable", message, from));
    if (judged.settings?.valid === false) parts.push(problem("The settings are not valid", judged.settings.message));
    else if (judged.settings !== undefined) parts.push(problem("The settings", judged.settings.message));
    parts.push(...judged.cards.map(cardOf));
    if (judged.passedOver.length > 0) parts.push(details(`${judged.passedOver.length} passed over`, make("pre", judged.passedOver.join("\n"))));
    if (parts.length === 0) parts.push(make("p", "Paste a workload and its ServiceAccount."));
    cards.replaceChildren(...parts);
    cards.dataset["milliseconds"] = String(Math.round(performance.now() - start));
  } catch (error) {
    cards.replaceChildren(problem("No answer", error instanceof Error ? error.message : String(error)));
  }
  cards.dataset["judged"] = String(asked);
}

// === Tabs, examples, links ===

const tabs = ["manifests", "settings", "entra"];
function select(name: string) {
  for (const tab of tabs) {
    const chosen = tab === name;
    const button = element(`tab-${tab}`);
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
    element(`panel-${tab}`).hidden = !chosen;
  }
}
tabs.forEach((tab, index) => {
  const button = element(`tab-${tab}`);
  button.addEventListener("click", () => select(tab));
  button.addEventListener("keydown", ({ key }) => {
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? tabs.length - 1 : 0;
    const next = tabs[(index + step) % tabs.length];
    if (step === 0 || next === undefined) return;
    select(next);
    element(`tab-${next}`).focus();
  });
});

function load(state: links.State) {
  setText(manifests, state.manifests);
  setText(settings, state.settings);
  element<HTMLInputElement>("namespace").value = state.namespace;
  void update();
}

const chooser = element<HTMLSelectElement>("examples");
for (const { name, title } of examples) chooser.add(new Option(title, name));
function loadExample(name: string) {
  const example = examples.find((example) => example.name === name) ?? examples[0];
  if (example === undefined) return;
  chooser.value = example.name;
  load({ manifests: example.manifests, settings: example.settings, namespace: "default" });
}
chooser.addEventListener("change", () => {
  history.replaceState(null, "", `#example=${chooser.value}`);
  loadExample(chooser.value);
});

async function openFragment() {
  const fragment = location.hash;
  if (fragment.startsWith("#example=")) return loadExample(fragment.slice("#example=".length));
  if (fragment.length < 2) return loadExample("walkthrough");
  try {
    load(await links.open(fragment));
  } catch (error) {
    loadExample("walkthrough");
    element("status").textContent = `The link can't be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}
addEventListener("hashchange", () => void openFragment());

async function copyLink() {
  const state = { manifests: textOf(manifests), settings: textOf(settings), namespace: element<HTMLInputElement>("namespace").value };
  const secrets = links.secrets(state.manifests);
  if (secrets.length > 0) {
    element("warning-text").textContent = `The manifests have ${secrets.slice(0, 5).join(", ")}. Whoever has the link can read it.`;
    const dialog = element<HTMLDialogElement>("warning");
    dialog.returnValue = "cancel";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (dialog.returnValue !== "copy") return;
  }
  const fragment = await links.write(state);
  history.replaceState(null, "", fragment);
  await copy(location.href);
}
element("link").addEventListener("click", () => void copyLink());
element("namespace").addEventListener("input", later);
element("issuer").addEventListener("input", later);
element("credentials").addEventListener("input", later);
showForm(element("form"), () => textOf(settings), (text) => setText(settings, text));
element("about").textContent = `The policy's module itself: ${size} bytes, SHA-256 ${sha256}. It stands for version 0.1.0 of the policy, and is compared with the webhook 1.6.3. No request leaves this page, and nothing is stored.`;

/** For the tests: the worker's answer, and the text that policy-runner try would print. */
Object.assign(window, {
  playground: {
    judge: async (manifests: string, settings: Json, namespace: string) => report((await ask(manifests, settings, namespace)).judged),
    with: async (module: number[]) => (await ask(textOf(manifests), {}, "default", Uint8Array.from(module))).milliseconds,
    latest: () => latest,
    entra: () => (latest?.cards ?? []).filter(({ outcome }) => outcome === "identity").map((card) => entraWords(presented(card))).join("\n"),
    examples: examples.map(({ name }) => name),
  },
});
void openFragment();
