import { TYPES } from 'tedious';

/** A type of the driver; its own types do not export it. */
export type DataType = Parameters<BulkLoad['addColumn']>[1];
type BulkLoad = ReturnType<import('tedious').Connection['newBulkLoad']>;

/** The driver's types that keep every value. */
export const driverTypes = TYPES;
