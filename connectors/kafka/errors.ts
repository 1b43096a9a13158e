import { type ErrorClass, errorOf, socketErrors, tlsFailure } from '../../core/error-class.ts';
import { asIdraError, IdraError, transient } from '../../core/errors.ts';
import { lookUp } from '../../core/look-up.ts';

/** An error code in an answer of a broker. */
export class BrokerError extends Error {
  readonly error: number;

  constructor(error: number, message?: string | null) {
    super(message ? `${nameOf(error)}: ${message}` : nameOf(error));
    this.name = 'BrokerError';
    this.error = error;
  }
}

export const brokerErrors = {
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  KAFKA_STORAGE_ERROR: 56,
  SASL_AUTHENTICATION_FAILED: 58,
  UNKNOWN_PRODUCER_ID: 59,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  OFFSET_NOT_AVAILABLE: 78,
  INVALID_RECORD: 87,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  TRANSACTION_ABORTABLE: 120,
} as const;

const names = new Map<number, string>(Object.entries(brokerErrors).map(([name, code]) => [code, name]));

export function nameOf(error: number): string {
  return names.get(error) ?? `broker error ${error}`;
}

const e = brokerErrors;

/** Metadata is stale, or a leader is being elected: ask for it again. */
const leaderErrors: ReadonlySet<number> = new Set([
  e.UNKNOWN_TOPIC_OR_PARTITION,
  e.LEADER_NOT_AVAILABLE,
  e.NOT_LEADER_OR_FOLLOWER,
  e.REQUEST_TIMED_OUT,
  e.BROKER_NOT_AVAILABLE,
  e.REPLICA_NOT_AVAILABLE,
  e.NETWORK_EXCEPTION,
  e.NOT_ENOUGH_REPLICAS,
  e.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  e.KAFKA_STORAGE_ERROR,
  e.FENCED_LEADER_EPOCH,
  e.UNKNOWN_LEADER_EPOCH,
  e.OFFSET_NOT_AVAILABLE,
]);

/** The coordinator moves, loads its state, or still ends the last transaction. */
const coordinatorErrors: ReadonlySet<number> = new Set([
  e.REQUEST_TIMED_OUT,
  e.NETWORK_EXCEPTION,
  e.COORDINATOR_LOAD_IN_PROGRESS,
  e.COORDINATOR_NOT_AVAILABLE,
  e.NOT_COORDINATOR,
  e.CONCURRENT_TRANSACTIONS,
  e.THROTTLING_QUOTA_EXCEEDED,
]);

/** Another producer with this transactional id has started. */
const fencedErrors: ReadonlySet<number> = new Set([
  e.INVALID_PRODUCER_EPOCH,
  e.PRODUCER_FENCED,
  e.INVALID_PRODUCER_ID_MAPPING,
  e.TRANSACTION_COORDINATOR_FENCED,
]);

export const isLeaderError = (error: number): boolean => leaderErrors.has(error);
export const isCoordinatorError = (error: number): boolean => coordinatorErrors.has(error);
export const isFencedError = (error: number): boolean => fencedErrors.has(error);

const denied: ErrorClass = { code: 'PermissionDenied', disposition: 'permanent' };

/** Errors that are neither retried here nor about a single message. */
const classes: Readonly<Record<number, ErrorClass>> = {
  [e.UNKNOWN_TOPIC_OR_PARTITION]: {
    code: 'TableNotFound',
    disposition: 'permanent',
    fix: 'check the name of the topic, or create it; a topic that the user may not see does not exist for it',
  },
  [e.INVALID_TOPIC_EXCEPTION]: {
    code: 'NameInvalid',
    disposition: 'permanent',
    fix: 'a topic has up to 249 letters, digits, dots, - and _',
  },
  [e.TOPIC_AUTHORIZATION_FAILED]: denied,
  [e.GROUP_AUTHORIZATION_FAILED]: denied,
  [e.CLUSTER_AUTHORIZATION_FAILED]: denied,
  [e.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: denied,
  [e.MESSAGE_TOO_LARGE]: {
    code: 'RowTooLarge',
    disposition: 'permanent',
    fix: 'raise max.message.bytes of the topic above the largest message',
  },
  [e.RECORD_LIST_TOO_LARGE]: {
    code: 'RowTooLarge',
    disposition: 'permanent',
    fix: 'raise segment.bytes of the topic',
  },
  [e.UNSUPPORTED_VERSION]: { code: 'ServerTooOld', disposition: 'permanent', fix: 'use Kafka 2.5 or newer' },
  [e.UNSUPPORTED_SASL_MECHANISM]: {
    code: 'AuthenticationFailed',
    disposition: 'permanent',
    path: 'spec.kafka.sasl.mechanism',
    fix: 'use a mechanism that the broker has enabled (sasl.enabled.mechanisms)',
  },
  [e.SASL_AUTHENTICATION_FAILED]: {
    code: 'AuthenticationFailed',
    disposition: 'permanent',
    path: 'spec.kafka.sasl.passwordSecretRef',
    fix: 'check user, password and mechanism',
  },
  [e.INVALID_PARTITIONS]: topicRefused('partitions'),
  [e.INVALID_REPLICATION_FACTOR]: topicRefused('replicationFactor'),
  [e.INVALID_CONFIG]: topicRefused('topicConfig'),
  [e.POLICY_VIOLATION]: topicRefused('topic'),
  [e.UNSUPPORTED_COMPRESSION_TYPE]: {
    code: 'ServerTooOld',
    disposition: 'permanent',
    path: 'spec.destination.compression',
    fix: 'use another compression',
  },
};

function topicRefused(field: string): ErrorClass {
  return {
    code: 'TopicNotCreated',
    disposition: 'permanent',
    path: `spec.destination.${field}`,
    fix: 'correct the field, or create the topic yourself',
  };
}

const sockets = socketErrors('spec.kafka');

/** Converts what a broker, the driver or a socket reports to an IdraError. `where`: the system, and what was asked for. */
export function toIdraError(thrown: unknown, where: string): IdraError {
  if (thrown instanceof IdraError) return thrown;
  if (thrown instanceof BrokerError) return ofBroker(thrown, where);
  const code = codeOf(thrown);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const tls = code === undefined ? undefined : tlsFailure(code, where, 'spec.kafka.tls', thrown);
  if (tls) return tls;
  const socket = code === undefined ? undefined : lookUp(sockets, code);
  if (socket) {
    const path = socket.path === undefined ? {} : { path: 'spec.kafka.brokers' };
    return errorOf({ ...socket, ...path }, `${where}: ${text}`, thrown);
  }
  // The driver's own errors: a connection that ended or was never made.
  if (thrown instanceof Error && /^KafkaJSConnection|^KafkaJSRequestTimeout/.test(thrown.name))
    return transient('ConnectionLost', `${where}: ${text}`, { cause: thrown });
  if (thrown instanceof Error && thrown.name === 'KafkaJSSASLAuthenticationError')
    return errorOf(classes[e.SASL_AUTHENTICATION_FAILED] as ErrorClass, `${where}: ${text}`, thrown);
  if (isProtocolError(thrown)) return ofBroker(new BrokerError(thrown.code), where);
  return asIdraError(thrown);
}

function ofBroker(thrown: BrokerError, where: string): IdraError {
  const known = classes[thrown.error];
  if (known) return errorOf(known, `${where}: ${thrown.message}`, thrown);
  const isUnknown = !names.has(thrown.error);
  return transient(isUnknown ? 'ServerError' : 'ServerFailed', `${where}: ${thrown.message}`, {
    cause: thrown,
  });
}

/** A code of Node's sockets or TLS. */
function codeOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}

/** The driver decodes the answers of its logins itself. */
function isProtocolError(thrown: unknown): thrown is Error & { readonly code: number } {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'type' in thrown;
}
