import { Component, type ReactNode } from 'react';
import { strings } from '../strings.ts';
import { Button } from './button.tsx';
import { Glyph } from './state.tsx';

/** What cannot be loaded or shown does not take the rest of the page with it, nor what was typed there. */
export class Boundary extends Component<{ readonly children: ReactNode }, { readonly hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    return this.state.hasFailed ? <NotShown /> : this.props.children;
  }
}

/** Usually a part of an older version, after the server was upgraded. */
function NotShown() {
  return (
    <div className="note note-failed" role="alert">
      <Glyph shape="failed" />
      <div>
        <p>{strings.errors.notShown}</p>
        <p>
          <Button onClick={() => window.location.reload()}>{strings.errors.reload}</Button>
        </p>
      </div>
    </div>
  );
}
