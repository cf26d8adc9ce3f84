// The settings as a form, made from questions-ui.yml, the one that Rancher shows. What it writes goes into the YAML, whose comments stay.
import { parse, parseDocument } from "yaml";
import questions from "../../questions-ui.yml?raw";

interface Question {
  variable: string;
  label: string;
  tooltip?: string;
  type: string;
  options?: string[];
  default?: string | number | boolean;
  subquestions?: Question[];
}

/** Puts the fields into `place`; `get` is the YAML of now, `set` what becomes of it. */
export function show(place: HTMLElement, get: () => string, set: (text: string) => void) {
  const all = (parse(questions) as { questions: Question[] }).questions;
  const flat = all.flatMap((question) => [question, ...(question.subquestions ?? [])]);
  const simple = flat.filter(({ type }) => ["string", "enum", "int", "boolean"].includes(type));
  place.replaceChildren(...simple.map((question) => field(question, get, set)));
}

function field(question: Question, get: () => string, set: (text: string) => void): HTMLElement {
  const label = document.createElement("label");
  label.textContent = `${question.label} `;
  if (question.tooltip !== undefined) label.title = question.tooltip;
  const path = question.variable.split(".");
  const input = question.type === "enum" || question.type === "boolean" ? document.createElement("select") : document.createElement("input");
  if (input instanceof HTMLSelectElement) {
    const options = question.type === "boolean" ? ["true", "false"] : (question.options ?? []);
    for (const option of ["", ...options]) input.add(new Option(option === "" ? `(${String(question.default ?? "not set")})` : option, option));
  } else {
    input.spellcheck = false;
    input.placeholder = String(question.default ?? "");
  }
  const read = () => {
    const value: unknown = parseDocument(get()).getIn(path);
    input.value = value === undefined || value === null ? "" : String(value);
  };
  read();
  input.addEventListener("focus", read);
  input.addEventListener("change", () => {
    const document = parseDocument(get());
    if (input.value === "") document.deleteIn(path);
    else document.setIn(path, question.type === "int" ? Number(input.value) : question.type === "boolean" ? input.value === "true" : input.value);
    set(document.toString());
  });
  label.append(input);
  return label;
}
