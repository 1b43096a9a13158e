import type { Case } from './case.ts';
import { claims } from './destination/claims.ts';
import { crashes } from './destination/crashes.ts';
import { deleting } from './destination/deleting.ts';
import { fence } from './destination/fence.ts';
import { refusedRows } from './destination/refused-rows.ts';
import { replacing } from './destination/replacing.ts';
import { targetChanges } from './destination/target-changes.ts';
import { writing } from './destination/writing.ts';
import { lateRows } from './source/late-rows.ts';
import { paging } from './source/paging.ts';
import { sourceChanges } from './source/source-changes.ts';
import { streaming } from './source/streaming.ts';
import { stopping } from './stopping.ts';
import { wrongInput } from './wrong-input.ts';

/** Of sources, of destinations, and of both. */
export const cases: readonly Case[] = [
  ...paging,
  ...lateRows,
  ...sourceChanges,
  ...streaming,
  ...claims,
  ...fence,
  ...crashes,
  ...writing,
  ...deleting,
  ...refusedRows,
  ...replacing,
  ...targetChanges,
  ...wrongInput,
  ...stopping,
];
