import type { Scenario } from './scenario.ts';

/** One line for finding out what failing seeds have in common. */
export function describeScenario({ from, to, isAlone, path, flows, steps }: Scenario): string {
  const syncs = flows.map((flow) => {
    const { spec, source, key, shape, reads, createDestination, columns } = flow;
    const keyTypes = key.map((name) => columns.find((each) => each.name === name)?.ddl ?? '').join(', ');
    const read = [
      shape,
      reads.kind,
      `key (${keyTypes})`,
      ...(source.key ? [`source.key [${source.key}]`] : []),
      ...(source.idField ? [`by ${flow.sequence} ${source.idField}`] : []),
      flow.constraint,
      ...(createDestination.length > 0 ? ['existing destination'] : []),
    ];
    return `${spec.mode} ${spec.writeMode} ${spec.schemaChanges} ${spec.onError} of ${read.join(', ')}`;
  });
  const changes = steps.flatMap((step) =>
    step.do === 'ddl' ? [`${step.at} ${step.what} ${step.touches}`.trim()] : [],
  );
  const requests = steps.flatMap((step) => (step.do === 'request' ? [step.type] : []));
  const more = [
    ...(isAlone ? ['killed'] : []),
    ...[path.source, path.destination].filter((each) => each !== 'direct'),
    ...requests,
    ...changes,
  ];
  return `${from} to ${to}: ${syncs.join('; ')}${more.length > 0 ? `; ${more.join('; ')}` : ''}`;
}
