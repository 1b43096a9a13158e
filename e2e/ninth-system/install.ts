import { addToCatalog } from '../kit/add-to-catalog.ts';

/** Loaded by `node --import` into a process under test. */
addToCatalog('e2e/ninth-system/definition.ts');
