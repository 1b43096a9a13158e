import type { Guarantee, SystemAccess, SystemReport } from '../../core/connector.ts';
import type { Finding } from '../../core/errors.ts';
import { passwordFindings } from '../sql/connection/password-rule.ts';
import { addressOf, passwordRule, readConfig } from './config.ts';
import { describeCluster, findCoordinator, type TopicMetadata } from './connection/requests.ts';
import { fetch, initProducerId } from './connection/transfer-requests.ts';
import { commitTopicFault } from './destination/commit-rows.ts';
import { brokerErrors } from './errors.ts';
import { commitTopic, type TopicChoice } from './names.ts';
import type { KafkaSession } from './session.ts';

/** Bits of the operations that a broker permits. */
const operations = { Read: 3, Write: 4, Create: 5 } as const;
type Operation = keyof typeof operations;

const allows = (permitted: number, operation: Operation) => (permitted & (1 << operations[operation])) !== 0;

/** A transactional id that no Sync has, but with their prefix. */
const probeId = 'idra-check';
const transactionsOf = '--transactional-id idra- --resource-pattern-type prefixed';

export async function checkSystem(
  access: SystemAccess,
  session: KafkaSession,
  signal: AbortSignal,
): Promise<SystemReport> {
  const connection = await session.anyConnection(signal);
  const { sasl, tls, brokers } = readConfig(access);
  const isTls = tls.mode !== 'Disable' && tls.mode !== 'Prefer';
  const { host } = addressOf(brokers[0] ?? '');
  const isSent = sasl !== undefined && !sasl.mechanism.startsWith('SCRAM');
  const rule = passwordRule(access, host, isTls, session.where);
  const findings = [
    ...(isSent ? passwordFindings(rule, false) : []),
    ...((await guaranteeOf(session, signal)) === 'ExactlyOnce' ? [] : [noTransactions(session)]),
  ];
  return { version: `Kafka ${majorOf(connection.versionOf(fetch))}`, findings };
}

/** Brokers do not report their version, only what they speak. */
function majorOf(fetchVersion: number): string {
  return fetchVersion >= 13 ? '3 or newer' : '2';
}

/** At least once where the brokers have no transactions, or the user no right to them. */
export async function guaranteeOf(session: KafkaSession, signal: AbortSignal): Promise<Guarantee> {
  const connection = await session.anyConnection(signal);
  if (!connection.supports(initProducerId.key)) return 'AtLeastOnce';
  const { error } = await session.askAny(findCoordinator, { key: probeId, kind: 'transaction' }, { signal });
  return error === brokerErrors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED ? 'AtLeastOnce' : 'ExactlyOnce';
}

function noTransactions(session: KafkaSession): Finding {
  return {
    severity: 'warning',
    code: 'TransactionsNotAllowed',
    path: 'spec.destination.dataSource',
    message: `${session.where}: this user may not use transactions: as a destination, messages arrive at least once`,
    fix: session
      .grant('Write', 'transactional-id', 'idra-')
      .replace('--transactional-id idra-', transactionsOf),
  };
}

async function permittedOn(
  session: KafkaSession,
  topics: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, TopicMetadata>> {
  const found = await session.metadata(topics, { signal, withOperations: true });
  return new Map(found.topics.map((topic) => [topic.name, topic]));
}

function denied(session: KafkaSession, operation: Operation, topic: string, path: string): Finding {
  return {
    severity: 'error',
    code: 'PermissionDenied',
    path,
    message: `${session.where}: this user may not ${operation.toLowerCase()} topic ${topic}`,
    fix: session.grant(operation, 'topic', topic),
  };
}

export async function checkSource(
  session: KafkaSession,
  choice: TopicChoice,
  group: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const path = 'spec.source.topic';
  const findings: Finding[] = [];
  if (!choice.isPattern) {
    const topic = (await permittedOn(session, [choice.name], signal)).get(choice.name);
    const isDenied = topic?.operations !== undefined && !allows(topic.operations, 'Read');
    if (isDenied || topic?.error === brokerErrors.TOPIC_AUTHORIZATION_FAILED)
      findings.push(denied(session, 'Read', choice.name, path));
  }
  const { error } = await session.askAny(findCoordinator, { key: group, kind: 'group' }, { signal });
  if (error === brokerErrors.GROUP_AUTHORIZATION_FAILED)
    findings.push({
      severity: 'info',
      code: 'GroupNotVisible',
      path: 'spec.source.consumerGroup',
      message: `${session.where}: this user may not commit to the group ${group}, so tools that show groups do not show this Sync`,
      fix: session.grant('Read', 'group', group),
    });
  return findings;
}

export async function checkDestination(
  session: KafkaSession,
  name: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const path = 'spec.destination.topic';
  const topics = await permittedOn(session, [name, commitTopic], signal);
  const findings: Finding[] = [];
  const missing: string[] = [];
  const needed: readonly (readonly [string, readonly Operation[]])[] = [
    [name, ['Write']],
    [commitTopic, ['Read', 'Write']],
  ];
  for (const [topic, wanted] of needed) {
    const found = topics.get(topic);
    const isHidden = found?.error === brokerErrors.TOPIC_AUTHORIZATION_FAILED;
    if (found?.error === brokerErrors.UNKNOWN_TOPIC_OR_PARTITION) missing.push(topic);
    for (const operation of wanted)
      if (
        isHidden ||
        (found?.operations !== undefined && found.error === 0 && !allows(found.operations, operation))
      )
        findings.push(denied(session, operation, topic, path));
  }
  if (missing.length > 0 && !(await mayCreate(session, signal)))
    findings.push(...missing.map((topic) => mayNotCreate(session, topic, path)));
  if ((await guaranteeOf(session, signal)) === 'AtLeastOnce') findings.push(noTransactions(session));
  const fault = missing.includes(commitTopic) ? undefined : await commitTopicFault(session, signal);
  return fault ? [...findings, fault] : findings;
}

/** A right on the names of the topics is not seen here, so this is no error. */
function mayNotCreate(session: KafkaSession, topic: string, path: string): Finding {
  return {
    severity: 'info',
    code: 'PermissionDenied',
    path,
    message: `${session.where}: topic ${topic} is missing, and this user may create topics only by a right on their names`,
    fix: session.grant('Create', 'topic', topic),
  };
}

async function mayCreate(session: KafkaSession, signal: AbortSignal): Promise<boolean> {
  const connection = await session.anyConnection(signal);
  if (!connection.supports(describeCluster.key)) return true;
  const { error, operations: permitted } = await session.askAny(describeCluster, null, { signal });
  return error !== 0 || permitted === -(2 ** 31) || allows(permitted, 'Create');
}
