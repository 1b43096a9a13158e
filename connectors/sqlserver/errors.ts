import { type ErrorClass, errorOf, socketErrors, tlsFailure } from '../../core/error-class.ts';
import type { ErrorCode } from '../../core/error-codes.ts';
import { type Disposition, IdraError, permanent, transient } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';
import { queryInvalid, raisedByTrigger } from '../sql/error-class.ts';

const later: Disposition = 'transient';
const never: Disposition = 'permanent';

const authentication: ErrorClass = {
  code: 'AuthenticationFailed',
  disposition: never,
  path: 'spec.sqlserver.passwordSecretRef',
  fix: 'check user and password, that the server allows SQL logins (mixed mode), and that the login is enabled',
};
const denied: ErrorClass = {
  code: 'PermissionDenied',
  disposition: never,
  fix: 'GRANT the right that the message names to the user of the DataSource',
};
const tableMissing: ErrorClass = { code: 'TableNotFound', disposition: never, fix: 'check schema and name' };
const databaseMissing: ErrorClass = {
  code: 'DatabaseNotFound',
  disposition: never,
  path: 'spec.sqlserver.database',
  fix: 'check the name, and that the login has a user in this database',
};
const overloaded: ErrorClass = { code: 'ServerOverloaded', disposition: later };
const tooMany: ErrorClass = { code: 'TooManyConnections', disposition: later };
const diskFull: ErrorClass = { code: 'DiskFull', disposition: later };
const shutdown: ErrorClass = { code: 'ServerShutdown', disposition: later };
const lost: ErrorClass = { code: 'ConnectionLost', disposition: later };
const failed: ErrorClass = { code: 'ServerFailed', disposition: later };
const schemaChanged: ErrorClass = { code: 'SchemaChanged', disposition: later };
const conflict: ErrorClass = { code: 'SerializationFailure', disposition: later };
const rolledBack: ErrorClass = { code: 'TransactionRolledBack', disposition: later };
const readOnly: ErrorClass = {
  code: 'ReadOnlyServer',
  disposition: later,
  fix: 'a read-only database or a secondary cannot be written to: point the DataSource at the primary',
};
const blocked: ErrorClass = {
  code: 'HostBlocked',
  disposition: never,
  path: 'spec.sqlserver.host',
  fix: "allow the agents' addresses in the firewall rules of the server",
};

function each(numbers: readonly number[], errorClass: ErrorClass): Readonly<Record<number, ErrorClass>> {
  return Object.fromEntries(numbers.map((number) => [number, errorClass]));
}

/** By error number. Azure SQL has the five-digit ones in addition. */
const errorClasses: Readonly<Record<number, ErrorClass>> = {
  ...each([18_452, 18_456, 18_461, 18_463, 18_464, 18_465, 18_466, 18_467, 18_468, 18_470], authentication),
  ...each([18_471, 18_486, 18_487, 18_488], authentication),
  ...each([911, 4_060, 4_063, 4_064], databaseMissing),
  ...each([229, 230, 262, 297, 300, 371, 378, 916, 1_088, 2_760, 3_704, 4_704, 6_102, 15_151], denied),
  ...each([15_247, 15_388, 33_009], denied),
  ...each([208, 3_701, 4_701], tableMissing),
  ...each([102, 103, 105, 113, 137, 156, 174, 189, 195, 207, 209, 319, 321, 402, 411, 421], queryInvalid),
  ...each([1_033, 1_038, 2_812, 4_104, 4_121, 8_120, 8_121, 8_155, 8_156, 8_158], queryInvalid),
  ...each([11_501, 11_502, 11_503, 11_504, 11_505, 11_508, 11_509, 11_513, 11_514, 11_526], queryInvalid),
  ...each([10_716, 13_600, 46_010], queryInvalid),
  1205: { code: 'Deadlock', disposition: later },
  1222: { code: 'LockTimeout', disposition: later },
  // 13,535: a row of a system-versioned table was changed by a transaction that began later.
  ...each([3_960, 13_535, 41_302, 41_305, 41_325, 41_839], conflict),
  ...each([2_801, 3_961, 4_502, 16_943], schemaChanged),
  ...each([3_609, 3_902, 3_903, 3_930, 3_971, 3_998], rolledBack),
  ...each([1_101, 1_105, 9_002, 40_544], diskFull),
  ...each([701, 802, 1_204, 8_628, 8_645, 8_651, 8_657, 10_928, 10_929, 40_197, 40_501], overloaded),
  ...each([40_549, 40_550, 40_551, 40_552, 40_553, 49_918, 49_919, 49_920], overloaded),
  ...each([17_300, 17_809, 10_936], tooMany),
  // The database is being opened, restored, or moved.
  ...each([615, 904, 921, 922, 927, 942, 945, 952], shutdown),
  ...each([6_005, 6_006, 17_142, 17_187, 18_401, 40_143, 40_540, 40_613, 42_108, 42_109], shutdown),
  ...each([596, 4_221, 10_053, 10_054, 10_060, 17_830], lost),
  ...each([601, 605, 823, 824, 825, 926, 8_646, 9_001, 5_180, 41_301], failed),
  ...each([3_906, 3_908, 976, 978, 979, 983, 40_634], readOnly),
  ...each([40_532, 40_615, 40_914], blocked),
  ...each([41_332, 41_368], {
    ...queryInvalid,
    fix: 'a memory-optimized table is read by its name in source.table; behind a view or query it needs MEMORY_OPTIMIZED_ELEVATE_TO_SNAPSHOT and no ALLOW_SNAPSHOT_ISOLATION',
  }),
  // Of servers that speak the protocol, for errors that SQL Server does not have.
  33557097: { code: 'ServerError', disposition: never },
  1919: {
    code: 'KeyTooLong',
    disposition: never,
    fix: 'create the table yourself with key columns of a type that can be indexed',
  },
};

export const errorNumbers = {
  noSuchObject: 208,
  noSuchProcedure: 2_812,
  objectExists: 2_714,
  duplicateColumn: 2_705,
  lockTimeout: 1_222,
  permissionDenied: 229,
  noSuchSession: 6_106,
  notASession: 6_107,
} as const;

/** Errors caused by the values of a row; `onError` decides what happens. The server's text may contain values and is not shown. */
const rowErrors: Readonly<Record<number, string>> = {
  220: 'a value is out of range',
  232: 'a value is out of range',
  241: 'a value cannot be read as the type of its column',
  242: 'a date or time is out of range',
  244: 'a value is out of range',
  245: 'a value cannot be read as the type of its column',
  248: 'a value is out of range',
  295: 'a value cannot be read as the type of its column',
  296: 'a date or time is out of range',
  515: 'a NULL in a column that is NOT NULL',
  530: 'the row violates a CHECK of the table',
  547: 'a CHECK or foreign key of the table refuses the row',
  550: 'the row violates a CHECK of the view',
  2601: 'another row has the same value in a unique index',
  2627: 'another row has the same value in a unique index',
  2628: 'a value is longer than its column',
  4863: 'a value is longer than its column',
  6522: 'a value cannot be read as the type of its column',
  8114: 'a value cannot be read as the type of its column',
  8115: 'a value is out of range',
  8134: 'a computed column, a CHECK or a query divides by zero',
  8152: 'a value is longer than its column',
  8169: 'a value is not a UUID',
  8170: 'a value is longer than its column',
  1946: 'the value of an index is too long',
  511: 'the row is larger than a page of the table',
  1777: 'a foreign key references a missing row',
  13609: 'a text is not JSON',
};

const constraints: ReadonlySet<number> = new Set([515, 530, 547, 550, 2_601, 2_627]);

/** Of the parser of the type xml, and of a column's XML schema. */
function isXmlError(number: number): boolean {
  return (number >= 9_400 && number <= 9_480) || (number >= 6_901 && number <= 6_999);
}

export function isRowError(number: number | undefined): number is number {
  return number !== undefined && (rowErrors[number] !== undefined || isXmlError(number));
}

/** Includes the constraint's name, which the server's message contains, but never its values. */
function rowMessageOf(number: number, serverMessage: string): string {
  const what = isXmlError(number)
    ? 'a text is not XML, or not of the XML schema of its column'
    : rowErrors[number];
  const [, constraint] = /(?:constraint|index) ["']([^"']+)["']/i.exec(serverMessage) ?? [];
  const message = what ?? 'the table refuses the row';
  return constraints.has(number) && constraint !== undefined ? `${message} (${constraint})` : message;
}

/** A row that the table cannot keep. `column` is set if the server names it. */
export class RowError extends Error {
  readonly number: number;
  readonly column: string | undefined;

  constructor(number: number, serverMessage: string) {
    super(rowMessageOf(number, serverMessage));
    this.name = 'RowError';
    this.number = number;
    this.column = /\bcolumn ['"]([^'"]+)['"]/i.exec(serverMessage)?.[1];
  }

  get code(): ErrorCode {
    return constraints.has(this.number) ? 'ConstraintViolated' : 'ValueNotKept';
  }
}

export function rowMessage(error: RowError): string {
  const column = error.column === undefined ? '' : ` (column ${error.column})`;
  return `${error.message}${column}, error ${error.number}`;
}

/** The refusal of a row. */
export function asRowError(thrown: unknown): RowError | undefined {
  if (thrown instanceof RowError) return thrown;
  const error = decisive(thrown);
  const number = numberOf(error);
  return isRowError(number) ? new RowError(number, error.message) : undefined;
}

/** The server reports several errors for one failure, of which the first says why. */
function decisive(thrown: unknown): Error {
  if (thrown instanceof AggregateError) return decisive(thrown.errors[0]);
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The server's error number, if the error came from the server. */
export function numberOf(thrown: unknown): number | undefined {
  const error = thrown instanceof IdraError ? decisive(thrown.cause) : decisive(thrown);
  return 'number' in error && typeof error.number === 'number' ? error.number : undefined;
}

export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

/** RAISERROR and THROW of users have these numbers, and no error of the server. */
const firstUserError = 50_000;

/** Classifies a driver's error by its number or code; `where` is the system: `team-a/shop (db:1433/shop)`. */
export function classify(thrown: unknown, where: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const row = asRowError(thrown);
  if (row) return permanent(row.code, `${where}: ${rowMessage(row)}`, { cause: row });
  const error = decisive(thrown);
  const number = numberOf(error);
  if (number !== undefined) return ofNumber(number, error, where);
  return ofDriver(error, where);
}

function ofNumber(number: number, error: Error, where: string): IdraError {
  if (number >= firstUserError && errorClasses[number] === undefined)
    return errorOf(raisedByTrigger, `${where}: ${raisedByTrigger.text} (error ${number})`, undefined);
  const errorClass = errorClasses[number] ?? { code: 'ServerError', disposition: never };
  return errorOf(errorClass, `${where}: ${error.message} (error ${number})`, error);
}

const socketCodes = socketErrors('spec.sqlserver');

/** The driver wraps the error of a socket in one of its own. */
function ofDriver(error: Error, where: string): IdraError {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof IdraError) return cause;
    const code = codeOf(cause);
    const tls = tlsFailure(code, where, 'spec.sqlserver.tls', error);
    if (tls) return tls;
    const errorClass = lookUp(socketCodes, code);
    if (errorClass) return errorOf(errorClass, `${where}: ${cause.message || code}`, error);
  }
  if (codeOf(error) === 'ELOGIN') return errorOf(authentication, `${where}: ${error.message}`, error);
  // The session is unusable, whatever ended it.
  return transient('ConnectionLost', `${where}: ${error.message}`, { cause: error });
}
