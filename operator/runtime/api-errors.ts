import { IdraError, permanent, Stopped, transient } from '../../core/errors.ts';

/** The Kubernetes `Status` object of an error, as far as it is used. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
}

export type ApiErrorCode =
  | 'KubernetesNotFound'
  | 'KubernetesAlreadyExists'
  | 'KubernetesAnswerInvalid'
  | 'KubernetesConflict'
  | 'KubernetesExpired'
  | 'KubernetesInvalid'
  | 'KubernetesUnauthorized'
  | 'KubernetesForbidden'
  | 'KubernetesThrottled'
  | 'KubernetesUnavailable'
  | 'KubernetesUnreachable'
  | 'KubernetesTimeout';

export function hasCode(thrown: unknown, ...codes: readonly ApiErrorCode[]): thrown is IdraError {
  return thrown instanceof IdraError && (codes as readonly string[]).includes(thrown.code);
}

/** Parses a response body, or a line of a watch. */
export function parseAnswer(text: string, what: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // The parser's error would quote the text.
  }
  throw answerInvalid(what, 'a JSON object');
}

export function answerInvalid(what: string, expected: string): IdraError {
  return transient('KubernetesAnswerInvalid', `${what}: the API server's response is not ${expected}`, {
    fix: 'check server and proxy-url of the kubeconfig, and the proxies between this process and the API server',
  });
}

/** A response of 400 or more. `what`: `patch syncs team-a/orders`. */
export function errorOfStatus(httpStatus: number, status: ApiStatus, what: string): IdraError {
  const message = `${what}: ${status.message ?? `the API server answered ${httpStatus}`}`;
  switch (httpStatus) {
    case 401:
      return permanent('KubernetesUnauthorized', message, {
        fix: 'check the token or certificate of the kubeconfig or service account',
      });
    case 403:
      return permanent('KubernetesForbidden', message, {
        fix: 'grant this right with a Role and RoleBinding',
      });
    case 404:
      return permanent('KubernetesNotFound', message);
    case 409:
      return status.reason === 'AlreadyExists'
        ? permanent('KubernetesAlreadyExists', message)
        : transient('KubernetesConflict', message);
    case 410:
      return transient('KubernetesExpired', message);
    case 408:
    case 504:
      return transient('KubernetesTimeout', message);
    case 429:
      return transient('KubernetesThrottled', message);
    default:
      return httpStatus >= 500
        ? transient('KubernetesUnavailable', message)
        : permanent('KubernetesInvalid', message);
  }
}

const certificateCodes = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** No response, or an incomplete one. An abort by the caller keeps the caller's reason. */
export function errorOfConnection(thrown: unknown, what: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) {
    const { reason } = signal;
    if (!(reason instanceof Stopped) || reason.reason !== 'deadline') return reason;
    return transient('KubernetesTimeout', `${what}: the API server did not answer in time`, {
      cause: thrown,
    });
  }
  if (thrown instanceof IdraError) return thrown;
  const { code, message } = thrown as NodeJS.ErrnoException;
  if (code !== undefined && certificateCodes.has(code)) {
    return permanent(
      'KubernetesUnreachable',
      `${what}: the certificate of the API server is not trusted: ${message}`,
      {
        fix: 'check server and certificate-authority of the kubeconfig',
        cause: thrown,
      },
    );
  }
  return transient('KubernetesUnreachable', `${what}: ${message}`, { cause: thrown });
}
