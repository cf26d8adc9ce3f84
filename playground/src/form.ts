// The settings as a form, made from questions-ui.yml, the one that Rancher shows. What it writes goes into the YAML, whose comments stay.
import { type Document, isCollection, isMap, parse as parseQuestions } from "yaml";
import questions from "../../questions-ui.yml?raw";
import { make } from "./elements.ts";
import { parse, readSettings } from "./engine.ts";
import { at, type Json } from "./json.ts";
import { documentOf, nodeOf, textOf } from "./yaml.ts";
import { wordsOf } from "./errors.ts";

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
type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** A value of the settings: how it stands in a field, and what becomes of a field's text. */
interface Kind {
  input: () => Input;
  show: (value: Json) => string;
  /** An exception says why the text is not a value. */
  read: (text: string) => Json;
}

const lines = (text: string) => text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
const shown = (value: unknown): string => (value === null || value === undefined ? "" : typeof value === "object" ? textOf(documentWith(value as Json)).trimEnd() : String(value));

function documentWith(value: Json): Document {
  const document: Document = documentOf("");
  document.contents = nodeOf(value);
  return document;
}

function kindOf({ variable, type, options = [], default: standard }: Question): Kind {
  const select = (all: string[]) => () => {
    const made = make("select");
    for (const option of ["", ...all]) made.add(new Option(option === "" ? `(${shown(standard) || "not set"})` : option, option));
    return made;
  };
  const input = () => Object.assign(make("input"), { spellcheck: false, placeholder: shown(standard) });
  const area = (rows: number) => () => Object.assign(make("textarea"), { spellcheck: false, rows });
  switch (type) {
    case "enum":
      // `Off` without quotes is false to kubectl.
      return { input: select(options), show: (value) => (value === false ? "Off" : shown(value)), read: (text) => text };
    case "boolean":
      return { input: select(["true", "false"]), show: shown, read: (text) => text === "true" };
    case "int":
      // What is not a number is written as it is: the policy says what is wrong with it.
      return { input, show: shown, read: (text) => (/^\d+$/.test(text) ? Number(text) : text) };
    case "array[":
      return { input: area(2), show: (value) => (Array.isArray(value) ? value.join("\n") : shown(value)), read: lines };
    case "map[":
      return { input: area(3), show: shown, read: parse };
    default:
      // Certificates have several lines.
      return { input: variable.endsWith(".data") ? area(3) : input, show: shown, read: (text) => text };
  }
}

/** The form in `place`. `get` is the settings' YAML of now, `set` what becomes of it. */
export class Form {
  private readonly all = (parseQuestions(questions) as { questions: Question[] }).questions;
  private readonly status = make("p", "", "caution");
  /** The settings that the fields show. */
  private now: Json = null;
  /** Whether the text is changed by the form itself, whose fields say it already. */
  private writing = false;

  constructor(
    private readonly place: HTMLElement,
    private readonly get: () => string,
    private readonly set: (text: string) => void,
  ) {
    this.status.setAttribute("role", "status");
  }

  /** Shows the settings of now. */
  refresh() {
    if (this.writing) return;
    const read = readSettings(this.get());
    const error = "message" in read;
    this.status.textContent = error ? "The YAML can't be read: mend it first." : "";
    this.now = error ? null : read.value;
    const groups = new Map<string, HTMLElement>();
    for (const question of error ? [] : this.all) {
      const name = question.group ?? "Settings";
      const group = groups.get(name) ?? make("fieldset");
      if (group.childElementCount === 0) group.append(make("legend", name));
      groups.set(name, group);
      group.append(...this.parts(question));
    }
    this.place.replaceChildren(this.status, ...groups.values());
  }

  /** The document, and where the settings are in it: all of it, or in a policy's manifest. */
  private document(): [Document, Path] {
    const document = documentOf(this.get());
    return [document, document.has("kind") && document.has("apiVersion") ? ["spec", "settings"] : []];
  }

  private change(path: Path, edit: (document: Document, whole: Path) => void) {
    const [document, root] = this.document();
    if (document.errors.length > 0) return;
    const whole = [...root, ...path];
    // What has no value yet is to become a collection.
    for (let length = 0; length < whole.length; length += 1) {
      const above = whole.slice(0, length);
      const node = above.length === 0 ? document.contents : document.getIn(above, true);
      if (isCollection(node) || (node === undefined && length > 0)) continue;
      const empty = nodeOf(typeof whole[length] === "number" ? [] : {});
      if (above.length === 0) document.contents = empty;
      else document.setIn(above, empty);
    }
    edit(document, whole);
    this.writing = true;
    try {
      this.set(textOf(document));
    } finally {
      this.writing = false;
    }
  }

  private write(path: Path, value: Json) {
    this.change(path, (document, whole) => document.setIn(whole, nodeOf(value)));
  }

  /** Takes the value away, and the objects of which nothing is left. */
  private clear(path: Path) {
    this.change(path, (document, whole) => {
      document.deleteIn(whole);
      for (let above = whole.slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
        const left: unknown = document.getIn(above, true);
        if (typeof above.at(-1) === "number" || !isMap(left) || left.items.length > 0) break;
        document.deleteIn(above);
      }
    });
  }

  private parts(question: Question): HTMLElement[] {
    const path = question.variable.split(".");
    if (question.type === "sequence[") return [this.sequence(question, path)];
    if (question.subquestions !== undefined) return question.subquestions.flatMap((inner) => this.parts(inner));
    return [this.field(question, path)];
  }

  private field(question: Question, path: Path): HTMLElement {
    const kind = kindOf(question);
    const input = kind.input();
    input.id = `setting-${path.join("-")}`;
    input.value = kind.show(at(this.now, ...path) ?? null);
    input.addEventListener("change", () => {
      const text = input.value.trim();
      try {
        if (text === "") this.clear(path);
        else this.write(path, kind.read(text));
        this.status.textContent = "";
      } catch (error) {
        this.status.textContent = `${question.label}: that is not YAML: ${wordsOf(error)}`;
      }
    });
    const row = make("div", "", "field");
    row.append(Object.assign(make("label", question.label), { htmlFor: input.id }), input);
    if (question.tooltip !== undefined) {
      const note = make("small", `${question.tooltip}${question.type === "array[" ? " One a line." : ""}`);
      note.id = `${input.id}-note`;
      input.setAttribute("aria-describedby", note.id);
      row.append(note);
    }
    return row;
  }

  private sequence(question: Question, path: Path): HTMLElement {
    const group = make("fieldset");
    group.append(make("legend", question.label));
    if (question.tooltip !== undefined) group.append(make("small", question.tooltip));
    const inner = question.sequence_questions ?? [];
    const value = at(this.now, ...path);
    const length = Array.isArray(value) ? value.length : 0;
    for (let index = 0; index < length; index += 1) {
      const item = make("fieldset");
      item.append(make("legend", `${question.label}, ${index + 1}`), ...inner.map((one) => this.field(one, [...path, index, one.variable])));
      // The last one leaves an empty list: of allowed identities that means none, where no list means any.
      item.append(this.button(`Remove ${index + 1}`, () => this.change(path, (document, whole) => document.deleteIn([...whole, index]))));
      group.append(item);
    }
    // Its first field is there and empty, which the policy refuses where it must be filled in.
    const first = inner.filter((one, index) => index === 0 || one.type === "string");
    const empty = Object.fromEntries(first.map(({ variable, type }) => [variable, type === "string" ? "" : []]));
    const add = this.button(`Add to: ${question.label}`, () => this.write([...path, length], empty));
    group.append(add);
    return group;
  }

  /** A button after which the form is another; who clicked it goes on where it was, or at the first new field. */
  private button(text: string, click: () => void): HTMLButtonElement {
    const made = Object.assign(make("button", text), { type: "button" as const });
    made.addEventListener("click", () => {
      const before = new Set([...this.place.querySelectorAll("input, textarea, select")].map(({ id }) => id));
      click();
      this.refresh();
      const fields = [...this.place.querySelectorAll<HTMLElement>("input, textarea, select")];
      const buttons = [...this.place.querySelectorAll<HTMLElement>("button")];
      (fields.find(({ id }) => !before.has(id)) ?? buttons.find((one) => one.textContent === text) ?? buttons[0])?.focus();
    });
    return made;
  }
}

