/** The schemas of the API server are the only definition of these types; nothing of them exists at run time. */
export type * from '../../../api/contract/index.ts';
