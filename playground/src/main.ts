import { sha256, size } from "virtual:policy";
import { EditorView } from "@codemirror/view";
import { parseDocument } from "yaml";
import { ask, newest } from "./ask.ts";
import { type Around, cardOf, entraWords, presented, problem } from "./cards.ts";
import { editor, mark, setText, textOf } from "./editors.ts";
import { copy, details, element, make } from "./elements.ts";
import { examples } from "./examples.ts";
import { show as showForm } from "./form.ts";
import type { Card, Judged } from "./judge.ts";
import type { Json } from "./kubernetes.ts";
import * as links from "./links.ts";
import { report } from "./report.ts";
import "./style.css";

const manifests = editor("manifests", "Manifests, in YAML", later);
const settings = editor("settings", "The policy's settings, in YAML", later);

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

const around: Around = {
  text: () => textOf(manifests),
  issuer: () => element<HTMLInputElement>("issuer").value,
  credentials: () => element<HTMLTextAreaElement>("credentials").value,
  mark: markLine,
};

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
    cards.replaceChildren(problem(around, "The settings can't be read", document.errors[0].message.split("\n")[0] ?? ""));
    return;
  }
  const parsed = (document.toJS() as Json) ?? {};
  const asked = newest() + 1;
  try {
    const { judged } = await ask(textOf(manifests), parsed, element<HTMLInputElement>("namespace").value || "default");
    if (asked !== newest()) return;
    latest = judged;
    const parts = judged.broken.map(({ message, from }) => problem(around, "Not readable", message, from));
    if (judged.settings?.valid === false) parts.push(problem(around, "The settings are not valid", judged.settings.message));
    else if (judged.settings !== undefined) parts.push(problem(around, "The settings", judged.settings.message));
    parts.push(...judged.cards.map((card) => cardOf(around, card)));
    if (judged.passedOver.length > 0) parts.push(details(`${judged.passedOver.length} passed over`, make("pre", judged.passedOver.join("\n"))));
    if (parts.length === 0) parts.push(make("p", "Paste a workload and its ServiceAccount."));
    cards.replaceChildren(...parts);
    cards.dataset["milliseconds"] = String(Math.round(performance.now() - start));
  } catch (error) {
    cards.replaceChildren(problem(around, "No answer", error instanceof Error ? error.message : String(error)));
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
    entra: () => (latest?.cards ?? []).filter(({ outcome }) => outcome === "identity").map((card) => entraWords(around, presented(around, card))).join("\n"),
    examples: examples.map(({ name }) => name),
  },
});
void openFragment();
