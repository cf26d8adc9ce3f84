import { sha256, size, version, webhook } from "virtual:policy";
import type { Diagnostic } from "@codemirror/lint";
import { ask } from "./ask.ts";
import { cardOf, endViews, problem, titled } from "./cards.ts";
import { diagnose, editor, setText, show, textOf } from "./editors.ts";
import { copy, details, element, make } from "./elements.ts";
import { words } from "./entra.ts";
import { type Place, readSettings, ready } from "./engine.ts";
import { wordsOf } from "./errors.ts";
import { examples } from "./examples.ts";
import { Form } from "./form.ts";
import { type Judged, NOTHING, type Question } from "./judge.ts";
import * as links from "./links.ts";
import { LOOK_UPS, type LookUps } from "./lookups.ts";
import "./style.css";

const manifests = editor("manifests", "Manifests, in YAML", () => void update());
const settings = editor("settings", "The policy's settings, in YAML", () => {
  void update();
  if (asForm.open) form.refresh();
});
const asForm = element<HTMLDetailsElement>("as-form");
const namespace = element<HTMLInputElement>("namespace");
const lookUps = element<HTMLSelectElement>("look-ups");
const issuer = element<HTMLInputElement>("issuer");
const credentials = element<HTMLTextAreaElement>("credentials");
for (const input of [namespace, issuer, credentials]) input.addEventListener("input", () => void update());
lookUps.addEventListener("change", () => void update());
const form = new Form(element("form"), () => textOf(settings), (text) => setText(settings, text));
// The form is built when it is opened.
asForm.addEventListener("toggle", () => asForm.open && form.refresh());

function showIn(tab: "manifests" | "settings", place: Place) {
  select(tab);
  show(tab === "manifests" ? manifests : settings, place);
}

// === Judging, while typing ===

/** How many edits there were: an answer to an older one is not shown. */
let edits = 0;
let latest: Judged = NOTHING;

async function update() {
  const start = performance.now();
  edits += 1;
  const edit = edits;
  element("cards").dataset["asked"] = String(edit);
  const shown = await judgeAndShow(edit).catch((error: unknown) => {
    if (edit === edits) cards([problem("No answer", wordsOf(error))], "No answer.");
    return edit === edits;
  });
  if (!shown) return;
  element("cards").dataset["milliseconds"] = String(Math.round(performance.now() - start));
  element("cards").dataset["judged"] = String(edit);
}

/** Whether there was an answer to show: none where there is a newer edit. */
async function judgeAndShow(edit: number): Promise<boolean> {
  await ready;
  const read = readSettings(textOf(settings));
  if ("message" in read) {
    const { message, from } = read;
    diagnose(settings, [{ from, to: from + 1, severity: "error", message }]);
    cards([problem("The settings can't be read", message, () => showIn("settings", { from, to: from }))], "The settings can't be read.");
    return true;
  }
  const text = textOf(manifests);
  const question: Question = { manifests: text, settings: read.value, namespace: namespace.value || "default", lookUps: lookUps.value as LookUps, issuer: issuer.value.trim(), credentials: credentials.value };
  const slow = setTimeout(() => edit === edits && (element("summary").textContent = "Judging …"), 500);
  const judged = await ask(question).finally(() => clearTimeout(slow));
  if (judged === undefined || edit !== edits) return false;
  latest = judged;
  diagnose(manifests, diagnostics(judged));
  const said = judged.settings;
  const again = said === undefined ? undefined : readSettings(textOf(settings), said.paths);
  const places = again !== undefined && "places" in again ? again.places : [];
  diagnose(settings, places.map((place) => ({ ...place, severity: said?.valid === false ? "error" : "warning", message: said?.message ?? "" })));
  const parts: HTMLElement[] = [];
  const remarks = [...judged.broken.map((one) => ({ ...one, title: "Not readable" })), ...judged.doubts.map((one) => ({ ...one, title: "Doubtful" }))];
  for (const { title, message, from } of remarks.slice(0, AT_ONCE)) parts.push(problem(title, message, () => showIn("manifests", { from, to: from })));
  if (said !== undefined) {
    const [place] = places;
    parts.push(problem(said.valid ? "The settings" : "The settings are not valid", said.message, place && (() => showIn("settings", place))));
  }
  const entra = words(credentials.value, issuer.value.trim(), judged);
  if (entra !== undefined) parts.push(titled("Microsoft Entra", make("pre", entra, "entra")));
  parts.push(...some(judged.cards, text, 0));
  const { length } = judged.passedOver;
  if (length > 0) parts.push(details("", `${length} passed over`, judged.cards.length === 0)(make("pre", judged.passedOver.join("\n"))));
  if (parts.length === 0) parts.push(make("p", "Paste a workload and its ServiceAccount."));
  cards(parts, summary(judged));
  return true;
}

/** How many cards are made at once: thousands would stop the page. */
const AT_ONCE = 100;

/** The cards from `first` on, and what shows those after them. */
function some(all: Judged["cards"], text: string, first: number): HTMLElement[] {
  const around = { text, few: all.length <= 5, mark: (place: Place) => showIn("manifests", place) };
  const cards = all.slice(first, first + AT_ONCE).map((card, index) => cardOf(around, card, `${first + index} ${card.kind} ${card.namespace}/${card.name}`));
  const left = all.length - first - AT_ONCE;
  if (left <= 0) return cards;
  const more = make("button", `Show ${Math.min(left, AT_ONCE)} more of ${left}`);
  more.type = "button";
  more.addEventListener("click", () => {
    const next = some(all, text, first + AT_ONCE);
    more.replaceWith(...next);
    next[0]?.querySelector<HTMLElement>("button, summary")?.focus();
  });
  return [...cards, more];
}

function cards(parts: HTMLElement[], text: string) {
  endViews();
  element("cards").replaceChildren(...parts);
  const status = element("summary");
  if (status.textContent !== text) status.textContent = text;
}

/** In one line, which a screen reader says after an edit. */
function summary({ cards, broken, doubts, settings }: Judged): string {
  const count = (number: number, one: string, many = one) => (number === 0 ? [] : [`${number} ${number === 1 ? one : many}`]);
  const warnings = cards.reduce((sum, card) => sum + card.warnings.length, doubts.length);
  const of = (outcome: string) => cards.filter((card) => card.outcome === outcome).length;
  const parts = [...count(of("identity"), "with its identity", "with their identity"), ...count(of("refused"), "refused"), ...count(of("untouched"), "untouched")];
  if (settings?.valid === false) parts.push("the settings are not valid");
  return [...parts, ...count(warnings, "warning", "warnings"), ...count(broken.length, "not readable")].join(", ") || "Nothing to judge.";
}

/** What is underlined in the manifests. */
function diagnostics({ cards, broken, doubts }: Judged): Diagnostic[] {
  const unread = broken.map(({ message, from }) => ({ from, to: from + 1, severity: "error" as const, message }));
  const doubtful = doubts.map(({ message, from }) => ({ from, to: from + 1, severity: "warning" as const, message }));
  const said = cards.flatMap(({ mistakes, warnings }) => [
    ...mistakes.map(({ text, from, to }) => ({ from, to, severity: "error" as const, message: text })),
    ...warnings.map(({ text, from, to }) => ({ from, to, severity: "warning" as const, message: text })),
  ]);
  // A ServiceAccount's mistake is its pods' mistake, too: once is enough.
  const once = new Map([...unread, ...doubtful, ...said].map((one) => [`${one.from} ${one.message}`, one]));
  return [...once.values()].slice(0, AT_ONCE);
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

for (const answer of LOOK_UPS) lookUps.add(new Option(answer === "manifests" ? "from the manifests" : `with an error: ${answer}`, answer));

function load(state: links.State) {
  namespace.value = state.namespace;
  lookUps.value = state.lookUps;
  issuer.value = state.issuer;
  credentials.value = state.credentials;
  setText(settings, state.settings);
  setText(manifests, state.manifests);
  element("status").textContent = "";
  void update();
  select(state.credentials !== "" ? "entra" : state.lookUps !== "manifests" ? "settings" : "manifests");
}
const state = (): links.State => ({
  manifests: textOf(manifests),
  settings: textOf(settings),
  namespace: namespace.value,
  lookUps: lookUps.value as LookUps,
  issuer: issuer.value,
  credentials: credentials.value,
});

const chooser = element<HTMLSelectElement>("examples");
for (const { group, all } of examples) {
  const options = document.createElement("optgroup");
  options.label = group;
  options.append(...all.map(({ name, title }) => new Option(title, name)));
  chooser.add(options);
}
/** Whether there is an example of that name. */
function loadExample(name: string): boolean {
  const example = examples.flatMap(({ all }) => all).find((example) => example.name === name);
  if (example === undefined) return false;
  chooser.value = name;
  load({ ...links.NOTHING, ...example.state });
  return true;
}
// Through the address, so that the browser's way back leads to the example before.
chooser.addEventListener("change", () => (location.hash = `#example=${chooser.value}`));

async function openFragment() {
  const fragment = links.fragmentOf(location.hash);
  const name = fragment.startsWith("#example=") ? fragment.slice("#example=".length) : fragment === "" ? "walkthrough" : undefined;
  try {
    if (name === undefined) {
      load(await links.open(fragment));
      chooser.selectedIndex = -1;
    } else if (!loadExample(name)) throw new Error(`there is no example ${JSON.stringify(name)}`);
  } catch (error) {
    // What was typed before stays.
    if (textOf(manifests) === "") loadExample("walkthrough");
    element("status").textContent = `The link can't be opened: ${wordsOf(error)}`;
  }
}
addEventListener("hashchange", () => void openFragment());

async function copyLink() {
  const secrets = links.secrets(state());
  if (secrets.length > 0) {
    element("warning-text").textContent = `The link contains ${secrets.slice(0, 5).join(", ")}. Anyone with the link can read it.`;
    const dialog = element<HTMLDialogElement>("warning");
    dialog.returnValue = "cancel";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (dialog.returnValue !== "copy") return;
  }
  history.replaceState(null, "", await links.write(state()));
  chooser.selectedIndex = -1;
  await copy(location.href);
}
element("link").addEventListener("click", () => void copyLink());
element("about").textContent = `Version ${version} of the policy: its module itself, ${size} bytes, SHA-256 ${sha256}. It does what the webhook ${webhook} does. No request leaves this page, and nothing is stored.`;

/** For the tests: the worker's answer, and the text that azwi-policy check would print. */
Object.assign(window, {
  playground: {
    judge: async (question: Partial<Question>) => {
      const judged = await ask({ manifests: "", settings: {}, namespace: "default", lookUps: "manifests", ...question });
      return judged?.report;
    },
    with: (module: number[]) => ask({ ...state(), settings: {} }, Uint8Array.from(module)),
    entra: () => words(credentials.value, issuer.value.trim(), latest),
    examples,
    type: (name: "manifests" | "settings", text: string) => setText(name === "manifests" ? manifests : settings, text),
    link: (of: Partial<links.State>) => links.write({ ...links.NOTHING, ...of }),
  },
});
void ready.then(openFragment);
