import { Empty } from '../parts/messages.tsx';
import { Page } from '../parts/page.tsx';
import { Link } from '../router.tsx';
import { strings } from '../strings.ts';

export function NotFoundPage() {
  return (
    <Page title={strings.notFound.title}>
      <Empty title={strings.notFound.text}>
        <p>
          <Link to="/syncs">{strings.notFound.toSyncs}</Link>
        </p>
      </Empty>
    </Page>
  );
}
