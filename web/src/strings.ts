import { editorStrings } from './strings-editor.ts';
import { settingsStrings } from './strings-settings.ts';
import { syncStrings } from './strings-sync.ts';

/** Every text of the UI is here and in the three files beside, so that it can be translated. */
export const strings = {
  product: 'Idra',
  none: 'none',
  loading: 'Loading',
  path: 'Path',
  copy: (what: string) => `Copy ${what}`,
  copied: 'Copied',
  copyText: 'Copy',
  close: 'Close',
  cancel: 'Cancel',
  save: 'Save',
  retry: 'Try again',
  dismiss: 'Dismiss',
  created: 'Created',
  labels: 'Labels',
  toDo: (fix: string) => `To do: ${fix}`,
  severities: { error: 'Error', warning: 'Warning', info: 'Note' },

  errors: {
    unreachable: 'The API server did not answer. It may be restarting.',
    noAnswer: (status: number) =>
      `The answer was not from the API of Idra (status ${status}). A proxy may be in between.`,
    cannotReach: 'The API server cannot be reached',
    notShown:
      'This part could not be loaded or shown. The server may have another version now: reload the page.',
    reload: 'Reload',
  },

  places: {
    overview: 'Overview',
    syncs: 'Syncs',
    dataSources: 'Data sources',
    agents: 'Agents',
    activity: 'Activity',
    settings: 'Settings',
  },

  frame: {
    skip: 'Skip to content',
    main: 'Main',
    search: 'Go to or search',
    user: (name: string) => `User ${name}`,
    theme: 'Theme',
    account: 'Account and settings',
    signOut: 'Sign out',
  },
  themes: { system: 'As the system', light: 'Light', dark: 'Dark' },

  live: {
    live: 'live',
    connecting: 'connecting',
    paused: 'paused',
    stale: 'stale',
    pause: 'Pause: keep what is on screen as it is',
    resume: 'Resume live updates',
    staleSince: (seconds: number) =>
      `The API server has not been reached for ${seconds} s: what you see is of then. It is tried again by itself.`,
    now: 'Try now',
    outage: 'What you see may be outdated:',
  },

  states: {
    failed: 'Failed',
    lagging: 'Lagging',
    running: 'Running',
    waiting: 'Waiting',
    pending: 'Pending',
    suspended: 'Suspended',
    completed: 'Completed',
    deleting: 'Deleting',
  },
  ready: { True: 'Ready', False: 'Not ready', Unknown: 'Not checked' },

  roles: {
    needsEditor: 'This needs the role editor. An administrator can give it to you.',
    needsAdmin: 'This needs the role admin for all namespaces. An administrator can give it to you.',
    needsEditorIn: (namespace: string) =>
      `This needs the role editor in ${namespace}. An administrator can give it to you.`,
  },
  single: {
    readOnly: 'In single mode definitions are in files: change the file and start idra again.',
  },

  login: {
    title: 'Log in to Idra',
    user: 'User',
    password: 'Password',
    submit: 'Log in',
    oidc: 'Log in with your organization',
    oidcInTab: 'Log in with your organization, in a new tab',
    provider: {
      refused:
        'Your organization knows you, but none of your groups has a role here. An administrator can give one a role.',
      failed: 'The login at your organization was not completed. Try again.',
      notNow: 'The login at your organization is not possible now. Try again later.',
    },
    first: 'Nobody has set a password yet: log in as admin with the password admin, and choose one.',
    over: 'Your session has ended',
    overText: 'Log in again to go on. What you have typed is kept.',
  },
  password: {
    title: 'Set a new password',
    why: 'The present password is known to others. Nothing else is possible before you have set your own.',
    current: 'Present password',
    next: 'New password',
    rules: 'At least 12 characters. Any will do; common passwords are refused.',
    again: 'New password again',
    differs: 'The two are not the same.',
    submit: 'Set password',
  },

  notFound: {
    title: 'No such page',
    text: 'There is no page at this address.',
    toSyncs: 'To the list of Syncs',
  },

  overview: {
    attention: 'Needs attention',
    calm: 'Nothing has failed, and nothing is behind its schedule.',
    more: (count: number) => `${count} more`,
    trend: 'Rows and lag of all Syncs',
    worstLag: 'Worst lag',
    recent: 'Recent events',
    all: 'All',
  },
  chart: {
    empty: 'No points yet: the first comes some seconds after an agent has moved rows.',
    asTable: 'As a table',
    time: 'Time',
    rate: 'Rows/s',
    lag: 'Lag',
    range: 'Range',
    ranges: { '1h': '1 h', '7d': '7 d' },
  },
  events: {
    none: 'Nothing has happened yet',
    noneText: 'Changes of state, moves between agents and changed definitions appear here as they happen.',
    by: {
      user: (name: string) => `by ${name}`,
      fieldManager: (name: string) => `by ${name} (field manager of Kubernetes)`,
      file: () => 'in its file',
    },
  },

  firstSteps: {
    title: 'There are no Syncs yet',
    dataSources: 'Name the systems to copy between: a database, a bucket, a broker. Each is a data source.',
    sync: 'Then create a Sync: what to read, where to write, how to find new rows.',
    files: 'Or write both as YAML and apply it with idra apply -f or kubectl apply -f:',
    single: 'In single mode Syncs are in files: write one like this and start idra api -f FILE.',
    sample: `apiVersion: idra.dev/v1alpha1
kind: Sync
metadata:
  name: orders
spec:
  source: { dataSource: shop, table: public.orders, idField: id }
  destination: { dataSource: warehouse, table: public.orders }
  mode: Id`,
  },

  agents: {
    name: 'Agent',
    leader: 'leader',
    states: {
      Ready: 'Ready',
      Cordoned: 'Cordoned',
      Draining: 'Draining',
      Drained: 'Drained',
      Stopping: 'Stopping',
    },
    actions: { cordon: 'Cordon', drain: 'Drain', uncordon: 'Uncordon', rebalance: 'Rebalance' },
    actionTitle: (action: string, agent: string) => (agent === '' ? action : `${action} ${agent}`),
    actionTexts: {
      cordon: 'The agent keeps its Syncs and gets no other, until it is uncordoned.',
      drain:
        'Its Syncs move to other agents, those in a long pass when it ends, within 5 minutes. It gets no other until it is uncordoned.',
      uncordon: 'The agent gets Syncs again.',
      rebalance: 'The loads of all agents are evened now, also of those that have just restarted.',
    },
    wouldMove: (count: string) => `Syncs that move: ${count}.`,
    wouldWait: (count: string) => `Syncs that no other agent can run, and that wait: ${count}.`,
    hasMoved: (count: string) => `Syncs moved: ${count}.`,
    rebalanced: 'Rebalanced',
    movesOf: 'Moves',
    from: 'From',
    to: 'To',
    afterPass: 'after its pass',
    heldBy: (user: string) => `by ${user}`,
    left: (syncs: string, midPass: string) => `Syncs left: ${syncs}, of these in a long pass: ${midPass}.`,
    isStopping: 'It is stopping and gives its Syncs away already.',
    load: 'Load',
    version: 'Version',
    joined: 'Joined',
    none: 'No agent is running',
    noneText: 'Syncs wait until one joins: start idra agent with the same etcd, or scale its Deployment.',
    runBy: (agent: string) => `Syncs of ${agent}`,
    inList: 'In the list',
    since: 'Since',
    moves: 'Moves lately',
    show: (agent: string, count: number) => `${count} Syncs of ${agent}`,
  },

  palette: {
    title: 'Go to or search',
    sample: 'Type a page, a Sync, a data source or an action',
    sync: 'Sync',
    dataSource: 'Data source',
    page: 'Page',
    view: 'Saved view',
    action: 'Action',
    attention: 'Syncs that need attention',
    none: 'Nothing fits.',
    keys: 'Arrows move, Enter opens, Escape closes.',
  },

  activity: {
    events: 'Events',
    changes: 'Changes by users',
    filter: 'Filter by object or message',
    eventsText: 'The last 200. What happens while no API server runs is not recorded.',
    adminsSee: 'Changes by users are shown to administrators of all namespaces.',
    export: 'Export all as JSON Lines',
    older: 'Older',
  },
  audit: {
    title: 'Changes',
    none: 'No changes',
    time: 'Time',
    who: 'Who',
    byToken: 'token',
    user: 'User',
    action: 'Action',
    object: 'Object',
    namespace: 'Namespace',
    outcome: 'Outcome',
    what: 'What',
    show: 'Before and after',
    before: 'Before',
    after: 'After',
    outcomes: { Started: 'outcome not recorded', Done: 'done', Failed: 'failed' },
  },

  ...syncStrings,
  ...editorStrings,
  ...settingsStrings,
};
