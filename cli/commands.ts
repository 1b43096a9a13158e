import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { addAgents } from './commands/agents.ts';
import { addApi } from './commands/api.ts';
import { addApply } from './commands/apply.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDiscover } from './commands/discover.ts';
import { addEpoch } from './commands/epoch.ts';
import { addEtcd } from './commands/etcd.ts';
import { addGet } from './commands/get.ts';
import { addLocks } from './commands/locks.ts';
import { addOffset } from './commands/offset.ts';
import { addPlan } from './commands/plan.ts';
import { addRequests } from './commands/requests.ts';
import { addRoles } from './commands/roles.ts';
import { addRun } from './commands/run.ts';

/** Every command of `idra`, in the order of its help. */
export const commands: readonly ((root: Command, cli: Cli) => void)[] = [
  addRun,
  addApi,
  addCheck,
  addPlan,
  addDiscover,
  addApply,
  addDelete,
  addGet,
  addDescribe,
  addOffset,
  addRequests,
  addLocks,
  addAgents,
  addEpoch,
  addEtcd,
  addRoles,
  addCompletion,
];
