// The settings as a form, made from questions-ui.yml, the one that Rancher shows. What it writes goes into the YAML, whose comments stay.
import { type Document, isMap, isSeq, parse, parseDocument, stringify } from "yaml";
import questions from "../../questions-ui.yml?raw";
import { make } from "./elements.ts";

interface Question {
  variable: string;
  label: string;
  tooltip?: string;
  type: string;
  group?: string;
  options?: string[];
  default?: unknown;
  subquestions?: Question[];
  sequence_questions?: Question[];
}

type Path = (string | number)[];

/** A value of the settings: how it stands in a field, and what becomes of a field's text. */
interface Kind {
  element: () => HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;
  show: (value: unknown) => string;
  /** What is written; nothing where the field is empty. */
  read: (text: string) => unknown;
}

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");

function kindOf({ type, options = [], default: standard }: Question): Kind {
  const show = (value: unknown) => (value === undefined || value === null ? "" : String(value));
  const select = (all: string[]) => () => {
    const made = make("select");
    for (const option of ["", ...all]) made.add(new Option(option === "" ? `(${show(standard) || "not set"})` : option, option));
    return made;
  };
  const input = () => Object.assign(make("input"), { spellcheck: false, placeholder: show(standard) });
  const area = (rows: number) => () => Object.assign(make("textarea"), { spellcheck: false, rows });
  switch (type) {
    case "enum":
      return { element: select(options), show, read: (text) => text };
    case "boolean":
      return { element: select(["true", "false"]), show, read: (text) => text === "true" };
    case "int":
      // What is no number is written as it is: the policy says what is wrong with it.
      return { element: input, show, read: (text) => (/^\d+$/.test(text) ? Number(text) : text) };
    case "array[":
      return { element: area(2), show: (value) => (Array.isArray(value) ? value.join("\n") : show(value)), read: lines };
    case "map[":
      return { element: area(3), show: (value) => (value === undefined ? "" : stringify(value).trimEnd()), read: (text) => parse(text) as unknown };
    default:
      return { element: input, show, read: (text) => text };
  }
}

/** Puts the form into `place`, and returns what brings it up to date. `get` is the YAML of now, `set` what becomes of it. */
export function show(place: HTMLElement, get: () => string, set: (text: string) => void): () => void {
  const all = (parse(questions) as { questions: Question[] }).questions;
  const status = make("p", "", "caution");
  status.setAttribute("role", "status");
  let own = false;
  const read = () => parseDocument(get(), { version: "1.1" });
  const root = (document: Document): Path => (document.has("kind") && document.has("apiVersion") ? ["spec", "settings"] : []);
  const value = (path: Path): unknown => {
    const document = read();
    const found: unknown = document.getIn([...root(document), ...path]);
    return isMap(found) || isSeq(found) ? found.toJS(document) : found;
  };
  const write = (path: Path, value: unknown) => {
    const document = read();
    if (document.errors.length > 0) return refresh();
    const whole = [...root(document), ...path];
    if (value === undefined) {
      document.deleteIn(whole);
      // An object of which nothing is left says nothing.
      for (let above = whole.slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
        const left: unknown = document.getIn(above);
        if (typeof above.at(-1) === "number" || !isMap(left) || left.items.length > 0) break;
        document.deleteIn(above);
      }
    } else document.setIn(whole, document.createNode(value));
    own = true;
    set(String(document));
    own = false;
  };

  function field(question: Question, path: Path): HTMLElement {
    const kind = kindOf(question);
    const input = kind.element();
    input.id = `setting-${path.join("-")}`;
    input.value = kind.show(value(path));
    input.addEventListener("change", () => {
      try {
        write(path, input.value.trim() === "" ? undefined : kind.read(input.value.trim()));
        status.textContent = "";
      } catch (error) {
        status.textContent = `${question.label}: that is no YAML: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`;
      }
    });
    const label = Object.assign(make("label", question.label), { htmlFor: input.id });
    const row = make("div", "", "field");
    row.append(label, input);
    if (question.tooltip !== undefined) {
      const note = make("small", `${question.tooltip}${question.type === "array[" ? " One a line." : ""}`);
      note.id = `${input.id}-note`;
      input.setAttribute("aria-describedby", note.id);
      row.append(note);
    }
    return row;
  }

  function sequence(question: Question, path: Path): HTMLElement {
    const group = make("fieldset");
    group.append(make("legend", question.label));
    if (question.tooltip !== undefined) group.append(make("small", question.tooltip));
    const items = value(path);
    const length = Array.isArray(items) ? items.length : 0;
    for (let index = 0; index < length; index += 1) {
      const item = make("fieldset");
      item.append(make("legend", `${question.label}, ${index + 1}`));
      item.append(...(question.sequence_questions ?? []).map((inner) => field(inner, [...path, index, inner.variable])));
      item.append(button(`Remove ${index + 1}`, () => write(path, length === 1 ? undefined : (items as unknown[]).filter((_, other) => other !== index))));
      group.append(item);
    }
    const inner = question.sequence_questions ?? [];
    const empty = Object.fromEntries(inner.filter(({ type }) => type === "string").map(({ variable }) => [variable, ""]));
    group.append(button(`Add to: ${question.label}`, () => write([...path, length], empty)));
    return group;
  }

  function button(text: string, click: () => void): HTMLButtonElement {
    const made = Object.assign(make("button", text), { type: "button" as const });
    made.addEventListener("click", () => {
      click();
      refresh();
    });
    return made;
  }

  function one(question: Question): HTMLElement[] {
    const path = question.variable.split(".");
    if (question.type === "sequence[") return [sequence(question, path)];
    if (question.subquestions !== undefined) return question.subquestions.flatMap(one);
    return [field(question, path)];
  }

  function refresh() {
    const [error] = read().errors;
    status.textContent = error === undefined ? "" : "The YAML can't be read: mend it first.";
    const groups = new Map<string, HTMLElement>();
    for (const question of error === undefined ? all : []) {
      const name = question.group ?? "Settings";
      const group = groups.get(name) ?? make("fieldset");
      if (group.childElementCount === 0) group.append(make("legend", name));
      groups.set(name, group);
      group.append(...one(question));
    }
    place.replaceChildren(status, ...groups.values());
  }

  refresh();
  return () => {
    if (!own) refresh();
  };
}
