import type { ErrorEntries } from './entry.ts';

/** Processes: agents, their memory, what they were told at the start. */
export const agentCodes = {
  AgentNameTaken: {
    cause: 'Another live agent has registered under the same name.',
    remedy:
      'Give each agent a name of its own (IDRA_AGENT_NAME); an agent that has just died frees its name when its lease ends.',
    systems: ['etcd'],
  },
  AgentNotEmpty: {
    cause: 'An agent that is being drained still runs Syncs after the time that the command waited.',
    remedy: 'Nothing: it gives them away when their passes end. Look with idra get agents.',
    systems: ['command line'],
  },
  AgentNotFound: {
    cause: 'No agent of this name is registered.',
    remedy: 'List the agents with idra get agents.',
    systems: ['command line'],
  },
  AnswersTooLarge: {
    cause:
      'All that servers send at this moment takes more memory than the process may use; the largest answer was ended.',
    remedy:
      'Nothing if it is rare: it is retried. Otherwise look for very large values, or very many tables, at the server that the message names; or raise IDRA_MAX_BYTES_IN_FLIGHT and the memory of the process.',
  },
  Bug: {
    cause: 'An unexpected error in Idra.',
    remedy: 'Report it with the log line, which has the stack.',
  },
  DataSourceQuarantined: {
    cause: 'Two agents crashed, one after the other, while they opened the DataSource.',
    remedy: 'Correct the DataSource or the server behind it, and report the last log lines of these agents.',
    systems: ['etcd'],
  },
  EnvironmentInvalid: {
    cause: 'An environment variable of the process has a value that cannot be used.',
    remedy: 'Correct the variable that the message names.',
  },
  NamespaceNotWatched: {
    cause: 'The agents do not watch this namespace.',
    remedy:
      'Add it to IDRA_WATCH_NAMESPACES (the chart: watchNamespaces), or move the Sync and its DataSources to a watched namespace.',
    systems: ['etcd'],
  },
  NoAgent: {
    cause: 'No agent is running.',
    remedy: 'Check that agent pods are up and reach etcd.',
  },
  NoAgentAnswered: {
    cause: 'No agent has answered a check, plan or discover request in time.',
    remedy: 'Check that an agent runs and can reach the system (idra get agents).',
  },
  NoEligibleAgent: {
    cause: 'No agent has the labels that the DataSources require.',
    remedy: 'Start an agent with these labels, or change agentLabels of the DataSource.',
  },
  NotChecked: {
    cause: 'No agent has checked the DataSource yet.',
    remedy: 'Wait a moment; if it persists, check that an agent runs that can reach it.',
  },
  SlowPassEnded: {
    cause:
      'Batches in progress took all memory for rows of the process, nobody was admitted for some seconds, and a batch of this pass was slow; a server that stops in the middle of an answer looks the same. The pass was ended.',
    remedy:
      'Nothing if it is rare: it is retried, and is then not ended again before it was fast once. Otherwise look for what makes its systems slow (a sort without an index, a lock, maxRowsPerSecond with large batches), lower batch.maxBytes of the Syncs, or raise IDRA_MAX_BYTES_IN_FLIGHT and the memory of the process.',
  },
  WaitingForAgent: {
    cause: 'The Sync is not assigned to an agent yet.',
    remedy: 'Nothing if it is temporary; else check the agents: idra get agents.',
  },
} as const satisfies ErrorEntries;
