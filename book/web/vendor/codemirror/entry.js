/* The source of editor.min.js: a Python editor of CodeMirror 6 with the colours of the page.
   README.md beside this file says how the bundle is made. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";

// The style sheet of the page says what colour each of these has, in a light and in a dark theme.
const colours = HighlightStyle.define([
  { tag: [t.keyword, t.operatorKeyword, t.controlKeyword, t.definitionKeyword, t.modifier], class: "ed-keyword" },
  { tag: [t.string, t.special(t.string)], class: "ed-string" },
  { tag: [t.number, t.bool, t.null], class: "ed-number" },
  { tag: [t.comment, t.docComment], class: "ed-comment" },
  { tag: [t.function(t.definition(t.variableName)), t.definition(t.className)], class: "ed-definition" },
  { tag: [t.operator, t.compareOperator, t.arithmeticOperator], class: "ed-operator" },
]);

/* An editor in `parent`. `onChange(text)` is called after each change, `onRun()` on Shift+Enter.
   Returns { text(), setText(text), focus() }. */
export function create(parent, text, { label, description, onChange, onRun }) {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([
          { key: "Shift-Enter", run: () => (onRun(), true) },
          { key: "Mod-Enter", run: () => (onRun(), true) },
          indentWithTab, // Escape and then Tab leaves the editor: CodeMirror sees to it
          ...defaultKeymap,
          ...historyKeymap,
        ]),
        history(),
        lineNumbers(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        indentUnit.of("    "),
        EditorState.tabSize.of(4),
        python(),
        syntaxHighlighting(colours),
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-describedby": description }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText: (next) =>
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } }),
    focus: () => view.focus(),
  };
}
