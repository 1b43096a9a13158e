import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { FlowOptions } from '../../../connectors/sql/test-flow.ts';
import { type Case, isOffered } from './case.ts';
import { cases } from './cases.ts';
import { Context } from './context.ts';
import { abilities, type TestSpace, type TestSystem } from './harness.ts';

/** The tests of a connector: every case that these systems support, one after the other in one space of the system. */
export function testConformance(systems: readonly TestSystem[], all: readonly Case[] = cases): void {
  for (const system of systems) describe(system.name, () => testSystem(system, all));
}

function testSystem(system: TestSystem, cases: readonly Case[]): void {
  let space: TestSpace;
  before(async () => {
    space = await system.open();
  });
  after(() => space?.stop());
  test('has every ability except those that it declares missing', () => {
    const declared = Object.keys(system.lacks);
    const all = [...Object.keys(space.abilities), ...declared].toSorted();
    assert.deepEqual(all, [...abilities].toSorted());
  });
  for (const each of cases.filter((each) => isOffered(each, system))) {
    const waiver = system.waivers[each.name];
    const formats = each.isForEachFormat && system.hasRawFormat ? (['best', 'values'] as const) : [undefined];
    for (const format of formats) {
      const run = () => runCase(system, space, each, format);
      const name = format === undefined ? each.name : `${each.name}, ${format}`;
      if (waiver === undefined) test(name, run);
      else test(`${name} (waived: ${waiver})`, () => assert.rejects(run, 'it passes: take its waiver away'));
    }
  }
}

async function runCase(
  system: TestSystem,
  space: TestSpace,
  { run }: Case,
  format: FlowOptions['rowFormat'],
): Promise<void> {
  const context = new Context(system, await system.definition.load(), space, format);
  try {
    await run(context);
  } finally {
    await context.close();
  }
}
