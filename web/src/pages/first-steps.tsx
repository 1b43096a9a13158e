import { useSession } from '../api/session.tsx';
import { LinkButton } from '../parts/button.tsx';
import { strings } from '../strings.ts';

const text = strings.firstSteps;

/** What to do in an installation without Syncs. */
export function FirstSteps() {
  const { mode } = useSession();
  if (mode === 'single')
    return (
      <div className="steps">
        <h2>{text.title}</h2>
        <p>{text.single}</p>
        <pre>{text.sample}</pre>
      </div>
    );
  return (
    <div className="steps">
      <h2>{text.title}</h2>
      <ol>
        <li>
          <p>{text.dataSources}</p>
          <LinkButton to="/data-sources/new" kind="primary">
            {strings.dataSources.add}
          </LinkButton>
        </li>
        <li>
          <p>{text.sync}</p>
          <LinkButton to="/syncs/new">{strings.syncs.add}</LinkButton>
        </li>
        <li>
          <p>{text.files}</p>
          <pre>{text.sample}</pre>
        </li>
      </ol>
    </div>
  );
}
