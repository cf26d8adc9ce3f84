// The two editors: manifests and settings.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { element } from "./elements.ts";
import type { Place } from "./engine.ts";

const mark = StateEffect.define<number>();
const marked = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(mark)) return Decoration.set([Decoration.line({ class: "cm-marked" }).range(effect.value)]);
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
/** CodeMirror's own colours, of selections, tooltips and folds, as the page has them. */
const dark = matchMedia("(prefers-color-scheme: dark)");
const scheme = new Compartment();
const ofScheme = () => EditorView.darkTheme.of(dark.matches);
/** As CodeMirror's `basicSetup`, without what a page of manifests does not need: completion, and a search of its own beside the browser's. */
const setup = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  foldGutter(),
  drawSelection(),
  indentOnInput(),
  bracketMatching(),
  highlightActiveLine(),
  keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
];
export const common = [setup, yaml(), colours, EditorView.lineWrapping, scheme.of(ofScheme())];

/** An editor in the element of this id. `changed` is called with every edit. */
export function editor(id: string, label: string, changed: () => void): EditorView {
  const view = new EditorView({
    parent: element(id),
    extensions: [
      common,
      marked,
      lintGutter(),
      EditorView.contentAttributes.of({ "aria-label": label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed();
      }),
    ],
  });
  // What scrolls can be scrolled by the keyboard.
  view.scrollDOM.tabIndex = 0;
  dark.addEventListener("change", () => view.dispatch({ effects: scheme.reconfigure(ofScheme()) }));
  return view;
}

export const textOf = (view: EditorView) => view.state.doc.toString();
export const setText = (view: EditorView, text: string) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });

/** Marks the line of a place, and goes there. */
export function show(view: EditorView, place: Place) {
  const line = view.state.doc.lineAt(Math.min(place.from, view.state.doc.length));
  view.dispatch({ effects: [mark.of(line.from), EditorView.scrollIntoView(line.from, { y: "center" })], selection: { anchor: line.from } });
  view.focus();
}

/** Underlines what is wrong, where it is: the text as it was judged may be longer than the one of now. */
export function diagnose(view: EditorView, found: Diagnostic[]) {
  const within = (offset: number) => Math.min(offset, view.state.doc.length);
  const all = found.map((one) => ({ ...one, from: within(one.from), to: within(Math.max(one.to, one.from)) }));
  view.dispatch(setDiagnostics(view.state, all));
}
