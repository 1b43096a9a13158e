import type { Preview } from '../../agent/engine/preview.ts';
import type { DataSystem } from '../kit/systems.ts';
import { keptTypes, typesOf } from './everything.ts';

export type Plans = ReadonlyMap<string, Preview>;

export function planKey(from: DataSystem, to: DataSystem): string {
  return `${from} ${to}`;
}

const titles: Readonly<Record<DataSystem, string>> = {
  postgres: 'PostgreSQL',
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  sqlite: 'SQLite',
  sqlserver: 'SQL Server',
  mongodb: 'MongoDB',
};

interface Section {
  readonly from: DataSystem;
  readonly title: string;
  readonly destinations: readonly DataSystem[];
}

const everywhere = ['postgres', 'mysql', 'sqlite', 'mongodb'] as const;
/** Pairs with SQL Server have sections of their own: few machines have a server that could check them. */
const sections: readonly Section[] = [
  ...(['postgres', 'mysql', 'mariadb', 'sqlite', 'mongodb'] as const).map((from) => ({
    from,
    title: `From ${titles[from]}${from === 'mariadb' ? ', beside what it shares with MySQL' : ''}`,
    destinations: everywhere,
  })),
  {
    from: 'sqlserver',
    title: 'From SQL Server',
    destinations: ['postgres', 'mysql', 'sqlite', 'sqlserver', 'mongodb'],
  },
  ...(['postgres', 'mysql', 'sqlite', 'mongodb'] as const).map((from) => ({
    from,
    title: `From ${titles[from]} to SQL Server`,
    destinations: ['sqlserver'] as const,
  })),
];

/** docs/types.md, from the plans of every pair. A section whose pairs could not all be planned here stays as it is written. */
export function typesPage(plans: Plans, written: string): string {
  const texts = sections.map((each) => section(each, plans) ?? writtenSection(each, written));
  return `${introduction}\n${texts.join('\n')}`;
}

function writtenSection({ title }: Section, page: string): string {
  const heading = `## ${title}\n`;
  const [, rest = ''] = `\n${page}`.split(`\n${heading}`);
  const [text = ''] = rest.split('\n## ');
  return `${heading}${text.replace(/\n*$/, '\n')}`;
}

const introduction = `# Types

How each type is stored where Idra creates the table. The tests write this page from the output of \`idra plan\` on real servers, after every
value of every type has been transferred and compared at both ends; a value without a note arrives unchanged. A number after a type refers
to a note below the table. Notes in *italics* name values that do not fit; these are handled by \`onError\`. All other values are kept in the
form that the note describes.

A column of an existing table is accepted for every type that it can keep; other types are refused before the first row.

Three things are not noted at each column. SQLite does not enforce declared types: a value that does not match its column (text in an
INTEGER, an invalid date, more digits than declared) is handled by \`onError\` at a server, and a TEXT whose bytes are not valid in the encoding
of the file stops the Sync with a message that has a query to read them as bytes. PostgreSQL text cannot contain the character NUL. An
array of PostgreSQL that does not begin at 1 (\`[0:1]={7,8}\`) begins at 1 where its rows are not passed on unchanged: items and their order stay.

The server that stands in for SQL Server in the tests does not have all of its types. \`time\`, \`datetime2\` and \`datetimeoffset\` without a number
have seven digits of a second at SQL Server: SQL Server and SQLite keep them as they are, the others as text with all digits. For these, and for
\`rowversion\`, \`hierarchyid\`, \`geometry\` and \`geography\`, see [sqlserver.md](sqlserver.md#types).

In a JSON array, numbers have all their digits, bytes are hexadecimal text, times and dates are ISO text (\`2020-01-02 03:04:05.6Z\`), and
everything else is the text that its system returns.
`;

function section({ from, title, destinations }: Section, plans: Plans): string | undefined {
  const notes: string[] = [];
  const previews = destinations.map((to) => plans.get(planKey(from, to)));
  if (previews.includes(undefined)) return undefined;
  const cells = typesOf(from)
    .filter(({ hasSevenDigits }) => !hasSevenDigits)
    .filter((type) => from !== 'mariadb' || !typesOf('mysql').some(({ ddl }) => ddl === type.ddl))
    .map((type) => {
      const targets = destinations.map((to, index) => {
        if (!keptTypes(from, to).includes(type)) return 'refused';
        if (from === 'mongodb' && to === 'mongodb') return 'as it is';
        return targetCell(previews[index] as Preview, type.name, notes);
      });
      return [type.ddl === '' ? 'no type' : code(type.ddl), ...targets];
    });
  const heads = [
    titles[from],
    ...destinations.map((to) => `to ${to === 'mysql' ? 'MySQL, MariaDB' : titles[to]}`),
  ];
  const lines = [heads, heads.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`);
  const numbered = notes.map((note, index) => `${index + 1}. ${note}`);
  return [`## ${title}`, '', ...lines, '', ...(numbered.length > 0 ? [...numbered, ''] : [])].join('\n');
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
          /^(?:stored|kept) as (?:text: .* of|the text that) (postgres|mysql|sqlserver|mongodb)\b.*/,
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
