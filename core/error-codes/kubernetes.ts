import type { ErrorEntries } from './entry.ts';

/** Kubernetes and its API server. */
export const kubernetesCodes = {
  CleanupIncomplete: {
    cause: 'The row of a deleted Sync in its destination could not be closed in time.',
    remedy: 'Run the statement that the event names.',
    systems: ['Kubernetes'],
  },
  FieldOwnedElsewhere: {
    cause:
      'A field of a custom resource is set by Helm, a Git tool or kubectl apply, which would set it again.',
    remedy: 'Change it where the message says; a field that only kubectl applied can be taken over.',
    systems: ['Kubernetes'],
  },
  FieldValueInvalid: {
    cause: 'The Kubernetes API refuses a manifest by a rule between fields.',
    remedy: 'Correct the field that the message names.',
    systems: ['Kubernetes'],
  },
  Ignored: {
    cause:
      'A field or an annotation idra.dev/... is not known to this version of Idra, or its value is not valid, and is ignored.',
    remedy: 'Correct it as the message says, or update Idra.',
    systems: ['Kubernetes'],
  },
  InUse: {
    cause: 'A deleted DataSource remains until no Sync uses it.',
    remedy: 'Delete or change the Syncs that the message names.',
    systems: ['Kubernetes'],
  },
  KubeconfigUnreadable: {
    cause: 'The kubeconfig file cannot be read.',
    remedy: 'Correct KUBECONFIG or the file.',
    systems: ['Kubernetes'],
  },
  KubernetesAlreadyExists: {
    cause: 'The object to be created already exists.',
    remedy: 'Nothing: it is read and retried.',
    systems: ['Kubernetes'],
  },
  KubernetesAnswerInvalid: {
    cause: 'The response to a request to the Kubernetes API server is not JSON.',
    remedy:
      'Check server and proxy-url of the kubeconfig, and the proxies between this process and the API server. It is retried.',
    systems: ['Kubernetes'],
  },
  KubernetesConflict: {
    cause: 'Another client has changed the object.',
    remedy: 'Nothing: it is read again and retried.',
    systems: ['Kubernetes'],
  },
  KubernetesExpired: {
    cause: 'The API server no longer has the resource version of a list or watch.',
    remedy: 'Nothing: everything is listed again.',
    systems: ['Kubernetes'],
  },
  KubernetesForbidden: {
    cause: 'The service account lacks a right.',
    remedy: "Grant the right that the message names; the chart's ClusterRole contains it.",
    systems: ['Kubernetes'],
  },
  KubernetesInvalid: {
    cause: 'The API server refuses the object or request.',
    remedy:
      'Read the message of the API server; the custom resources may be of another version (helm upgrade).',
    systems: ['Kubernetes'],
  },
  KubernetesNotFound: {
    cause: 'The API server has no such object or resource.',
    remedy: 'Check that the custom resources are installed and the object exists.',
    systems: ['Kubernetes'],
  },
  KubernetesThrottled: {
    cause: 'The API server limits the rate of requests.',
    remedy: 'Nothing: it is retried later.',
    systems: ['Kubernetes'],
  },
  KubernetesTimeout: {
    cause: 'The API server did not answer in time.',
    remedy: 'Nothing if it is temporary: it is retried.',
    systems: ['Kubernetes'],
  },
  KubernetesUnauthorized: {
    cause: 'The API server does not accept the credentials.',
    remedy: 'Correct the service account or the kubeconfig.',
    systems: ['Kubernetes'],
  },
  KubernetesUnavailable: {
    cause: 'The API server reports an internal error.',
    remedy: 'Nothing if it is temporary: it is retried.',
    systems: ['Kubernetes'],
  },
  KubernetesUnreachable: {
    cause: 'The API server cannot be reached, or its certificate is refused.',
    remedy: 'Check the network and the kubeconfig.',
    systems: ['Kubernetes'],
  },
  ManagedElsewhere: {
    cause: 'Another installation of Idra manages the object: the annotation idra.dev/managed-by names it.',
    remedy: 'Nothing, or hand the object over: docs/installations.md says how.',
    systems: ['Kubernetes'],
  },
  NoCluster: {
    cause: 'No Kubernetes cluster is configured here.',
    remedy: 'Set KUBECONFIG or run in a pod with a service account.',
    systems: ['Kubernetes'],
  },
  NotWatched: {
    cause: 'The namespace is no longer watched by this installation of Idra: nothing in it runs.',
    remedy: 'Nothing, or add it to the list again (IDRA_WATCH_NAMESPACES; the chart: watchNamespaces).',
    systems: ['Kubernetes'],
  },
  ReconcileTimeout: {
    cause: 'The operator could not reconcile an object in time.',
    remedy: 'Nothing if it is temporary: it is retried.',
    systems: ['Kubernetes'],
  },
} as const satisfies ErrorEntries;
