import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { nonce } from '../base-path.ts';
import { strings } from '../strings.ts';

export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly message: string;
  readonly severity: 'error' | 'warning' | 'info';
}

interface YamlPaneProps {
  readonly text: string;
  readonly marks: readonly Mark[];
  /** To show and select; a new object each time. */
  readonly reveal: { readonly from: number; readonly to: number; readonly takesFocus: boolean } | undefined;
  readonly onChange: (text: string) => void;
  readonly onCursor: (offset: number) => void;
}

/** The manifest as text, in CodeMirror, which is loaded with the first editor. */
export function YamlPane({ text, marks, reveal, onChange, onCursor }: YamlPaneProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef({ onChange, onCursor, text });
  latest.current = { onChange, onCursor, text };
  useEffect(() => {
    if (!place.current) return;
    const listener = EditorView.updateListener.of((update) => {
      const now = update.state.doc.toString();
      if (update.docChanged && now !== latest.current.text) latest.current.onChange(now);
      if (update.selectionSet && update.view.hasFocus)
        latest.current.onCursor(update.state.selection.main.head);
    });
    const made = new EditorView({
      parent: place.current,
      state: EditorState.create({ doc: latest.current.text, extensions: [extensions, listener] }),
    });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === text) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } });
  }, [text]);
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const length = editor.state.doc.length;
    const within = marks.map((mark) => ({
      ...mark,
      from: Math.min(mark.from, length),
      to: Math.min(Math.max(mark.to, mark.from), length),
    }));
    editor.dispatch(setDiagnostics(editor.state, within));
  }, [marks]);
  useEffect(() => {
    const editor = view.current;
    if (!editor || !reveal) return;
    const anchor = Math.min(reveal.from, editor.state.doc.length);
    editor.dispatch({ selection: { anchor }, scrollIntoView: true });
    if (reveal.takesFocus) editor.focus();
  }, [reveal]);
  return <div ref={place} className="yaml-pane" />;
}

const highlighting = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--text-2)' },
  { tag: [tags.bool, tags.null, tags.number], color: 'var(--busy)' },
]);

const theme = EditorView.theme({
  '&': { height: '100%', fontSize: '12px', color: 'var(--text)', backgroundColor: 'var(--bg)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '18px', overflow: 'auto' },
  '.cm-gutters': {
    backgroundColor: 'var(--bg-2)',
    color: 'var(--text-2)',
    borderRight: '1px solid var(--border)',
  },
  '.cm-activeLine': { backgroundColor: 'var(--bg-3)' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-tooltip': { backgroundColor: 'var(--bg)', border: '1px solid var(--border)', color: 'var(--text)' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--accent-soft)' },
});

const extensions = [
  EditorView.cspNonce.of(nonce),
  lineNumbers(),
  history(),
  highlightActiveLine(),
  keymap.of([...defaultKeymap, ...historyKeymap]),
  yaml(),
  syntaxHighlighting(highlighting),
  theme,
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({ 'aria-label': strings.editor.yaml, tabindex: '0' }),
];
