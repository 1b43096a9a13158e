/** SQL systems that the manifests of most scenarios name. MariaDB has the type `mysql`, and is tested separately. */
export const systemNames = ['postgres', 'mysql', 'mariadb', 'sqlite'] as const;
export type SystemName = (typeof systemNames)[number];

/** Also SQL Server, which only a machine with a local server has. */
export type SqlSystem = SystemName | 'sqlserver';
export const sqlSystems: readonly SqlSystem[] = [...systemNames, 'sqlserver'];

/** Every system that TestSystems provides. */
export type DataSystem = SqlSystem | 'mongodb';
export const dataSystems: readonly DataSystem[] = [...sqlSystems, 'mongodb'];

/** What a Sync's manifest needs of any system. */
export interface TestEnd<System extends DataSystem = DataSystem> {
  readonly system: System;
  /** A table or collection of this database, as named in a Sync. */
  tableName(table: string): string;
  /** The same as the field of a Sync's source or destination: `{ table: ... }` or `{ collection: ... }`. */
  object(table: string): Readonly<Record<string, string>>;
  /** Secret and DataSource with this name: YAML documents, each followed by `---`. */
  manifest(name: string): string;
}

/** One empty database of a system, with everything that a scenario requires of any SQL system. Values are the driver's text. */
export interface TestDatabase<System extends SqlSystem = SystemName> extends TestEnd<System> {
  quote(identifier: string): string;
  /** One or several statements in one session. */
  execute(...statements: readonly string[]): Promise<void>;
  /**
   * Integers and decimals as text, NULL as null, bytes as hexadecimal digits. The driver of SQL Server makes numbers of decimals and dates
   * of timestamps: cast them to text.
   */
  rows(sql: string): Promise<TextRows>;
  /** A session that stays open, for transactions. */
  openSession(): Promise<TestSession>;
}

export type TextRows = readonly (readonly (string | null)[])[];

export interface TestSession {
  query(sql: string): Promise<TextRows>;
  close(): Promise<void>;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
}

/** A part of a table's name, quoted if it contains a dot or a quote. */
export function nameIn(table: string): string {
  return /[."]/.test(table) ? `"${table.replaceAll('"', '""')}"` : table;
}

/** Each call in a session of its own. */
export function inSessions(
  openSession: () => Promise<TestSession>,
): Pick<TestDatabase, 'execute' | 'rows' | 'openSession'> {
  return {
    openSession,
    async execute(...statements) {
      const session = await openSession();
      try {
        for (const sql of statements) await session.query(sql);
      } finally {
        await session.close();
      }
    },
    async rows(sql) {
      const session = await openSession();
      try {
        return await session.query(sql);
      } finally {
        await session.close();
      }
    },
  };
}

export function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return Object.is(value, -0) ? '-0' : String(value);
}
