import { type ReactNode, useEffect } from 'react';
import { strings } from '../strings.ts';

interface PageProps {
  readonly title: string;
  /** Before the title in its line. */
  readonly mark?: ReactNode;
  readonly aside?: ReactNode;
  readonly crumb?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, mark, aside, crumb, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ${strings.product}`;
  }, [title]);
  return (
    <main id="main" tabIndex={-1} className="page">
      <header className="page-head">
        <div className="page-title">
          {crumb !== undefined && <nav aria-label={strings.path}>{crumb}</nav>}
          <h1>{title}</h1>
          {mark}
        </div>
        {aside !== undefined && <div className="page-aside">{aside}</div>}
      </header>
      {children}
    </main>
  );
}

export function Section({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className="section">
      <header className="section-head">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
