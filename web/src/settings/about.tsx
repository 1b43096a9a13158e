import { useQuery } from '@tanstack/react-query';
import { apiRoot, call } from '../api/client.ts';
import { useSession } from '../api/session.tsx';
import { basePath } from '../base-path.ts';
import { Facts } from '../parts/field.tsx';
import { Section } from '../parts/page.tsx';
import { Nothing } from '../parts/values.tsx';
import { strings } from '../strings.ts';

const text = strings.about;

interface Licence {
  readonly name: string;
  readonly version: string;
  readonly identifier: string | null;
}

export function About() {
  const { mode } = useSession();
  const { data } = useQuery({ queryKey: ['version'], queryFn: () => call<{ version: string }>('/version') });
  return (
    <>
      <Section title={text.title}>
        <Facts
          facts={[
            [text.version, data?.version ?? <Nothing key="none" />],
            [text.mode, text.modes[mode]],
            [
              text.api,
              <a key="api" href={`${apiRoot}/docs`}>
                {text.apiDocs}
              </a>,
            ],
          ]}
        />
      </Section>
      <Section title={text.keys}>
        <Facts facts={text.keyList.map(([keys, what]) => [keys, what] as const)} />
      </Section>
      <Licences />
    </>
  );
}

/** Of the packages in this page, as the build has found them. */
function Licences() {
  const { data } = useQuery({
    queryKey: ['licences'],
    queryFn: async () => {
      const response = await fetch(`${basePath}/assets/licenses.json`, { cache: 'no-store' });
      if (!response.ok) throw new Error(String(response.status));
      return (await response.json()) as readonly Licence[];
    },
    retry: false,
  });
  if (!data) return null;
  return (
    <Section title={text.licences}>
      <ul className="plain-list">
        {data.map(({ name, version, identifier }) => (
          <li key={`${name} ${version}`}>
            {name} <code>{version}</code> <span className="soft">{identifier}</span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
