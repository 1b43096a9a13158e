import type { Preview } from '../../agent/engine/preview.ts';
import type { SystemName } from '../kit/systems.ts';
import { keptTypes, typesOf } from './everything.ts';

export type Plans = ReadonlyMap<string, Preview>;

export function planKey(from: SystemName, to: SystemName): string {
  return `${from} ${to}`;
}

const titles: Readonly<Record<SystemName, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  sqlite: 'SQLite',
};
const destinations = ['postgres', 'mysql', 'sqlite'] as const;

/** docs/types.md, from the plans of every pair; undefined if a pair could not be planned here. */
export function typesPage(plans: Plans): string | undefined {
  const sections = (['postgres', 'mysql', 'mariadb', 'sqlite'] as const).map((from) => section(from, plans));
  if (sections.includes(undefined)) return undefined;
  return `${introduction}\n${sections.join('\n')}`;
}

const introduction = `# Types

What becomes of each type, where Idra creates the table. Written by the tests from what \`idra plan\` says on real servers, after every value
of every type has travelled and was compared at both ends; what is not noted arrives as it was. A number behind a type is a note below
the table: in *italics* the values that do not fit, which go the way of \`onError\`, everything else is kept in the form that the note says.

A column of an existing table takes every type that it can keep; what it cannot is refused before the first row.

Three things are not noted at each column. SQLite enforces no declared type: a value that is none of its column's (text in an INTEGER, a
date that is none, more digits than declared) goes the way of \`onError\` at a server; a TEXT whose bytes are none in the encoding of the file stops the Sync, with the query that reads them as
bytes. No text of PostgreSQL has the character NUL. And an
array of PostgreSQL that does not begin at 1 (\`[0:1]={7,8}\`) does so where its rows are not handed on untouched: items and their order stay.

In a JSON array numbers stand with all their digits, bytes as hexadecimal text, times and dates as ISO text (\`2020-01-02 03:04:05.6Z\`), and
everything else as the text that its system gives.
`;

function section(from: SystemName, plans: Plans): string | undefined {
  const notes: string[] = [];
  const previews = destinations.map((to) => plans.get(planKey(from, to)));
  if (previews.includes(undefined)) return undefined;
  const cells = typesOf(from)
    .filter((type) => from !== 'mariadb' || !typesOf('mysql').some(({ ddl }) => ddl === type.ddl))
    .map((type) => {
      const targets = destinations.map((to, index) => {
        if (!keptTypes(from, to).includes(type)) return 'refused';
        return targetCell(previews[index] as Preview, type.name, notes);
      });
      return [type.ddl === '' ? 'no type' : code(type.ddl), ...targets];
    });
  const heads = [`${titles[from]}`, 'to PostgreSQL', 'to MySQL, MariaDB', 'to SQLite'];
  const lines = [heads, heads.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`);
  const numbered = notes.map((note, index) => `${index + 1}. ${note}`);
  const title = from === 'mariadb' ? 'MariaDB, beside what it shares with MySQL' : titles[from];
  return [`## From ${title}`, '', ...lines, '', ...numbered, ''].join('\n');
}

function targetCell(preview: Preview, column: string, notes: string[]): string {
  const to = preview.columns.find(({ name }) => name === column)?.to ?? '';
  const numbers = preview.findings
    .filter(
      ({ code, message }) => /^Type(Note|Misfits)$/.test(code) && message.startsWith(`column ${column}:`),
    )
    .map(({ code, message }) => {
      const text = message.slice(message.lastIndexOf(`-> ${to}: `) + `-> ${to}: `.length);
      const plain = text
        .replace(/; such rows are handled by onError$/, '')
        .replace(
          /^(?:stored|kept) as (?:text: .* of|the text that) (postgres|mysql)\b.*/,
          'as the text that $1 gives',
        );
      const note = code === 'TypeMisfits' ? `*${plain}*` : plain;
      if (!notes.includes(note)) notes.push(note);
      return notes.indexOf(note) + 1;
    });
  return [to === '' ? 'no type' : code(to), ...numbers.map((number) => `(${number})`)].join(' ');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}
