import {
  ClientClosedError,
  castGrpcError,
  EtcdAuthenticationFailedError,
  EtcdInvalidAuthTokenError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCOutOfRangeError,
  GRPCUnauthenticatedError,
} from 'etcd3';
import { bug, type ErrorMore, IdraError, permanent, transient } from '../../core/errors.ts';
import type { Keys } from '../keys.ts';
import { grantsOf, isGranted, isRoleName, kindOfKey, type Need } from '../roles/roles.ts';

/** The gRPC library appends this, also if it has nothing to report. */
const emptyNote = /\.? *Resolution note:[\s;]*$/;
const noUser = 'etcdserver: user name is empty';
const noSpace = 'database space exceeded';
const oldRevision = 'etcdserver: revision of auth store is old';

/** Which identity requested what from etcd. */
export interface EtcdCall {
  readonly user: string | undefined;
  readonly keys: Keys;
  readonly needs: readonly Need[];
}

/**
 * Converts an error of the client by its class, which comes from the status code. If the class is unknown, the write may have happened or
 * not.
 */
export function asEtcdError(thrown: unknown, endpoint: string, call: EtcdCall): IdraError {
  if (thrown instanceof IdraError) return thrown;
  const error = asTyped(thrown);
  const more: ErrorMore = { cause: error };
  const text = (error instanceof Error ? error.message : String(error)).replace(emptyNote, '');
  if (error instanceof EtcdPermissionDeniedError) {
    const who = call.user === undefined ? 'this process' : `user ${call.user}`;
    return permanent('EtcdPermissionDenied', `etcd ${endpoint} does not permit ${who} to ${describe(call)}`, {
      ...more,
      fix: 'run idra etcd roles as root with the same IDRA_ETCD_PREFIX, or give this process the certificate (IDRA_ETCD_CERT) or user (IDRA_ETCD_USER) of its role',
    });
  }
  // A token expires, and is lost at a restart of etcd and, for some kinds, at each change of rights: the next call gets another one.
  if (isTokenGone(error)) {
    return transient('EtcdUnavailable', `etcd ${endpoint} asks for the password again`, more);
  }
  if (text.includes(noUser)) {
    return permanent(
      'EtcdAuthenticationFailed',
      `etcd ${endpoint} requires a user, and this process has none`,
      {
        ...more,
        fix: 'set IDRA_ETCD_CERT and IDRA_ETCD_KEY to a client certificate, or IDRA_ETCD_USER and IDRA_ETCD_PASSWORD_FILE',
      },
    );
  }
  if (error instanceof EtcdAuthenticationFailedError || error instanceof GRPCUnauthenticatedError) {
    return permanent('EtcdAuthenticationFailed', `etcd ${endpoint} does not know this user or password`, {
      ...more,
      fix: 'set IDRA_ETCD_USER and IDRA_ETCD_PASSWORD_FILE',
    });
  }
  if (text.includes(noSpace)) {
    return transient('EtcdFull', `etcd ${endpoint} refuses writes because its database is full`, {
      ...more,
      fix: 'free space in etcd or raise its quota, then disarm the alarm (docs/etcd.md)',
    });
  }
  if (error instanceof GRPCOutOfRangeError)
    return transient('EtcdCompacted', 'etcd has compacted the revision', more);
  if (error instanceof EtcdLeaseInvalidError || error instanceof GRPCNotFoundError) {
    return transient('EtcdLeaseGone', 'the lease no longer exists in etcd', more);
  }
  if (error instanceof GRPCInvalidArgumentError) return bug(`etcd refuses a request: ${text}`, more);
  if (error instanceof ClientClosedError)
    return transient('EtcdUnavailable', 'the connection to etcd was closed', more);
  return transient('EtcdUnavailable', `etcd ${endpoint} did not answer: ${text}`, {
    ...more,
    fix: 'check that etcd is running, has a leader, and can be reached at IDRA_ETCD_ENDPOINTS',
  });
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof IdraError && error.code === code;
}

/** Errors of streams are plain gRPC errors without a class. */
function asTyped(thrown: unknown): unknown {
  return thrown instanceof Error ? castGrpcError(thrown) : thrown;
}

export function isTokenGone(thrown: unknown): boolean {
  const error = asTyped(thrown);
  return (
    error instanceof EtcdInvalidAuthTokenError ||
    (error instanceof Error && error.message.includes(oldRevision))
  );
}

/** `write locks, read offsets`: the requested accesses that the role of this user lacks, if it is one of Idra's. */
function describe({ user, keys, needs }: EtcdCall): string {
  const grants = isRoleName(user) ? grantsOf(user, keys) : [];
  const beyond = needs.filter((need) => !isGranted(need, grants));
  const descriptions = (beyond.length > 0 ? beyond : needs).map(
    ({ access, range }) => `${access} ${kindOfKey(range.key, keys)}`,
  );
  return descriptions.length === 0 ? 'do this' : [...new Set(descriptions)].slice(0, maxDescribed).join(', ');
}

const maxDescribed = 6;
