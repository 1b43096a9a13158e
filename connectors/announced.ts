import type { SystemSchema } from '../core/manifest/data-source-schema.ts';

/** Systems planned for later versions, with `isOffered: false`: their fields are in the schema, but using them is refused. */
export const announced: readonly SystemSchema[] = [];
