import { type Command, Option } from 'commander';
import { openStateFile } from '../../coordination/single/state-file.ts';
import { systemClock } from '../../core/clock.ts';
import { Stopped } from '../../core/errors.ts';
import { EnvironmentReader } from '../../process/environment.ts';
import { limitDrain } from '../../process/limit-drain.ts';
import { readBytesInFlight } from '../../process/memory.ts';
import { type Cli, runs } from '../cli.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import { chooseSyncs, identifySyncs, readManifests } from '../manifests.ts';
import { makeProgress, type ProgressKind } from '../single/progress.ts';
import { failureLines, runAll, singleTable } from '../single/run.ts';
import { stopOnSignals } from '../single/stop-signals.ts';
import { defaultStatePath } from '../with-fleet.ts';

interface RunOptions {
  readonly filename: string;
  readonly once?: boolean;
  readonly state: string;
  readonly only?: string;
  readonly progress: ProgressKind;
}

/** Single mode: the same manifests, one process, no etcd and no Kubernetes. */
export function addRun(root: Command, cli: Cli): void {
  const command = root
    .command('run')
    .description('run the syncs of these manifests in this process (single mode), until stopped')
    .requiredOption('-f, --filename <path>', 'YAML or JSON, a file or a folder')
    .option(
      '--once',
      'run one pass of every sync, up to the rows that exist now, then print the table and exit',
    )
    .option('--state <file>', 'file that stores offsets and identities', defaultStatePath)
    .option('--only <name>', 'only the sync with this name')
    .addOption(
      new Option('--progress <kind>', 'auto, json (one event per line) or none')
        .choices(['auto', 'json', 'none'])
        .default('auto'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  idra run -f manifests/ --once\n  idra run -f shop.yaml --only orders',
    );
  runs<RunOptions>(command, cli, async (_args, options) => {
    const progressKind = options.progress;
    const manifests = readManifests(cli, options.filename);
    const chosen = chooseSyncs(manifests, options.only);
    const state = openStateFile(options.state);
    const startMs = systemClock.now();
    const progress = makeProgress(progressKind, progressKind === 'json' ? cli.out : cli.err);
    const drainMs = new EnvironmentReader(cli.env).durationMs('IDRA_DRAIN_TIMEOUT', '25s', 0);
    const signals = stopOnSignals((text) => (progress.print ? progress.print(text) : cli.err.write(text)));
    const drain = limitDrain(signals.signal, drainMs, () => state.endLocks(new Stopped('shutdown')));
    try {
      const syncs = identifySyncs(chosen, state);
      const ends = await runAll({
        syncs,
        dataSources: manifests.dataSources,
        secrets: manifests.secrets,
        state,
        progress,
        isOnce: options.once === true,
        bytesInFlight: readBytesInFlight(new EnvironmentReader(cli.env)),
        // A single pass ends by itself and is worth finishing.
        stop: options.once ? signals.signal : AbortSignal.any([signals.signal, cli.outputClosed]),
      });
      if (progressKind !== 'json') cli.out.write(`${singleTable(syncs, state, systemClock.now())}\n`);
      for (const line of failureLines(syncs, state, startMs)) cli.err.write(`${line}\n`);
      const hasFailed = syncs.some(({ uid, spec }) => {
        const shown = state.readStatus(uid)?.state;
        // A sync with schedule `once` is done when it is complete, not when a pass has ended.
        const isUnfinished = options.once && spec.schedule.kind === 'once' && !spec.isSuspended;
        return shown === 'Failed' || (isUnfinished && shown !== 'Completed');
      });
      if (hasFailed) return exitStatus.failed;
      // A script must not take a pass that was stopped for a complete one.
      const isCut = options.once && ends.some(({ outcome }) => outcome === 'stopped');
      return ((isCut && signals.status) || exitStatus.ok) satisfies ExitStatus;
    } finally {
      drain.dispose();
      signals.dispose();
      state.close();
    }
  });
}
