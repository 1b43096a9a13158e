import {
  ClientClosedError,
  EtcdAuthenticationFailedError,
  EtcdLeaseInvalidError,
  EtcdPermissionDeniedError,
  GRPCInvalidArgumentError,
  GRPCNotFoundError,
  GRPCOutOfRangeError,
  GRPCUnauthenticatedError,
} from 'etcd3';
import { bug, type ErrorMore, IdraError, permanent, transient } from '../core/errors.ts';

/** An error of the client by its class, which comes from the status code. What is not known may have happened or not. */
export function asEtcdError(error: unknown, endpoint: string): IdraError {
  if (error instanceof IdraError) return error;
  const more: ErrorMore = { cause: error };
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof EtcdPermissionDeniedError) {
    return permanent('EtcdPermissionDenied', `etcd ${endpoint} refuses the keys of Idra to this user`, {
      ...more,
      mend: 'grant the user readwrite on the range of IDRA_ETCD_PREFIX',
    });
  }
  if (error instanceof EtcdAuthenticationFailedError || error instanceof GRPCUnauthenticatedError) {
    return permanent('EtcdAuthenticationFailed', `etcd ${endpoint} does not know this user or password`, {
      ...more,
      mend: 'set IDRA_ETCD_USER and IDRA_ETCD_PASSWORD_FILE',
    });
  }
  if (error instanceof GRPCOutOfRangeError)
    return transient('EtcdCompacted', 'the revision is gone from etcd', more);
  if (error instanceof EtcdLeaseInvalidError || error instanceof GRPCNotFoundError) {
    return transient('EtcdLeaseGone', 'the lease is gone from etcd', more);
  }
  if (error instanceof GRPCInvalidArgumentError) return bug(`etcd refuses a request: ${text}`, more);
  if (error instanceof ClientClosedError)
    return transient('EtcdUnavailable', 'the connection to etcd was closed', more);
  return transient('EtcdUnavailable', `etcd ${endpoint} gives no answer: ${text}`, {
    ...more,
    mend: 'see whether etcd runs, has a leader and room, and can be reached at IDRA_ETCD_ENDPOINTS',
  });
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof IdraError && error.code === code;
}
