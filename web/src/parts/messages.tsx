import type { ReactNode } from 'react';
import { asApiError } from '../api/client.ts';
import type { Finding } from '../api/types.ts';
import { strings } from '../strings.ts';
import { Button } from './button.tsx';
import { Glyph } from './state.tsx';

/** What a page says where there is nothing to show. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children}
    </div>
  );
}

interface FailureProps {
  readonly error: unknown;
  readonly retry?: () => void;
}

/** An error with what to do. */
export function Failure({ error, retry }: FailureProps) {
  const { code, message, fix, findings } = asApiError(error);
  const others = findings.filter((each) => each.message !== message);
  return (
    <div className="note note-failed" role="alert">
      <Glyph shape="failed" />
      <div>
        <p>
          <code>{code}</code> {message}
        </p>
        {fix !== undefined && <p className="soft">{strings.toDo(fix)}</p>}
        {others.length > 0 && <Findings findings={others} />}
        {retry && (
          <p>
            <Button onClick={retry}>{strings.retry}</Button>
          </p>
        )}
      </div>
    </div>
  );
}

interface FindingsProps {
  readonly findings: readonly Finding[];
  /** Goes to the field of a finding. */
  readonly onJump?: (path: string) => void;
}

const shapes = { error: 'failed', warning: 'lagging', info: 'unknown' } as const;

export function Findings({ findings, onJump }: FindingsProps) {
  return (
    <ul className="findings">
      {findings.map((finding) => {
        const { severity, code, message, path, fix } = finding;
        return (
          <li key={`${code} ${path} ${message}`}>
            <Glyph shape={shapes[severity]} />
            <div>
              <span className="hidden-text">{strings.severities[severity]}: </span>
              {path !== undefined && onJump && (
                <button type="button" className="jump" onClick={() => onJump(path)}>
                  {path}
                </button>
              )}
              {path !== undefined && !onJump && <code>{path}</code>} {message}{' '}
              <code className="faint">{code}</code>
              {fix !== undefined && <p className="soft">{strings.toDo(fix)}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** Lines of the final height while data is awaited. */
export function Skeleton({ lines }: { readonly lines: number }) {
  return (
    <div className="skeletons" aria-busy="true" role="status" aria-label={strings.loading}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <span key={line} className="skeleton" />
      ))}
    </div>
  );
}
